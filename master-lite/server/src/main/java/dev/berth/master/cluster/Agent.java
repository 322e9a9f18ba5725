package dev.berth.master.cluster;

import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.ExecutorId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.ids.TaskId;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.link.Link.FromMaster;
import dev.berth.protocol.v1.Protos.AgentInfo;

import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A registered agent. Its link can be broken for a while: then it is not active, and it is marked unreachable when it stays away. */
public final class Agent {
    /** A task among all tasks of one agent. */
    public record TaskKey(FrameworkId framework, TaskId task) {}

    /** An executor among all executors of one agent. */
    public record ExecutorKey(FrameworkId framework, ExecutorId executor) {}

    private final AgentId id;
    private AgentInfo info;
    private Resources total = Resources.EMPTY;
    private String version;
    private String bootId;
    private String address;
    private Optional<AgentLink> link;
    private final long registeredNs;
    private Optional<Long> reregisteredNs = Optional.empty();
    private long heardNs;
    private long heartbeatAtNs;
    private boolean leaving;

    private final Board board;
    private final long order;
    private final Slots<AgentFacts>.Slot slot;

    private final Map<TaskKey, Task> tasks = new LinkedHashMap<>();
    private final Map<ExecutorKey, ExecutorUse> executors = new LinkedHashMap<>();
    private final Map<ExecutorKey, Slots<ExecutorFacts>.Slot> executorSlots = new HashMap<>();
    private final Set<OpenOffer> offers = new LinkedHashSet<>();

    Agent(Board board, AgentId id, AgentInfo info, Resources total, AgentLink link, long nowNs) {
        this.board = board;
        this.id = id;
        this.info = info;
        this.total = total;
        this.link = Optional.of(link);
        this.address = link.peerAddress();
        registeredNs = nowNs;
        version = "";
        bootId = "";
        heardNs = nowNs;
        heartbeatAtNs = nowNs;
        order = board.nextOrder();
        slot = board.agents().add(facts());
    }

    /** As it is now, without what is on it. */
    public AgentFacts facts() {
        return new AgentFacts(
                id,
                info,
                total,
                version,
                address,
                link.isPresent(),
                isActive(),
                registeredNs,
                reregisteredNs,
                order);
    }

    private void changed() {
        slot.set(facts());
    }

    /** It is not registered any more. */
    void forgotten() {
        executorSlots.values().forEach(Slots.Slot::remove);
        executorSlots.clear();
        slot.remove();
    }

    public AgentId id() {
        return id;
    }

    /** As it registered, with its id, and with the resources and attributes that it has now. */
    public AgentInfo info() {
        return info;
    }

    /** All that it has. */
    public Resources total() {
        return total;
    }

    /** What its tasks and executors hold. */
    public Resources used() {
        Resources used = Resources.EMPTY;
        for (Task task : tasks.values()) {
            used = task.isHolding() ? used.plus(task.resources()) : used;
        }
        for (ExecutorUse executor : executors.values()) {
            used = used.plus(executor.resources());
        }
        return used;
    }

    /** What is in offers that are open. */
    public Resources offered() {
        Resources offered = Resources.EMPTY;
        for (OpenOffer offer : offers) {
            offered = offered.plus(offer.resources());
        }
        return offered;
    }

    /** Of its Berth. */
    public String version() {
        return version;
    }

    public String bootId() {
        return bootId;
    }

    /** The IP address that it connects from. */
    public String address() {
        return address;
    }

    public Optional<AgentLink> link() {
        return link;
    }

    /** Whether it can be told something, and is to stay. */
    public boolean isActive() {
        return link.isPresent() && !leaving;
    }

    public long registeredNs() {
        return registeredNs;
    }

    public Optional<Long> reregisteredNs() {
        return reregisteredNs;
    }

    public long heardNs() {
        return heardNs;
    }

    public long heartbeatAtNs() {
        return heartbeatAtNs;
    }

    /** Whether the registry is being told that it is away, gone or removed. */
    public boolean isLeaving() {
        return leaving;
    }

    public Map<TaskKey, Task> tasks() {
        return Collections.unmodifiableMap(tasks);
    }

    public Optional<Task> task(FrameworkId framework, TaskId task) {
        return Optional.ofNullable(tasks.get(new TaskKey(framework, task)));
    }

    public Map<ExecutorKey, ExecutorUse> executors() {
        return Collections.unmodifiableMap(executors);
    }

    public Optional<ExecutorUse> executor(FrameworkId framework, ExecutorId executor) {
        return Optional.ofNullable(executors.get(new ExecutorKey(framework, executor)));
    }

    public Collection<OpenOffer> offers() {
        return Collections.unmodifiableSet(offers);
    }

    /**
     * Queues a message on its link.
     *
     * @return false when its link is broken, or it is too far behind
     */
    public boolean send(FromMaster message) {
        return link.isPresent() && link.get().send(message);
    }

    /** It said something. */
    public void heard(long nowNs) {
        heardNs = nowNs;
    }

    /** The next heartbeat is due then. */
    public void heartbeatAt(long ns) {
        heartbeatAtNs = ns;
    }

    /** The registry is being told that it is not registered any more. */
    public void leave() {
        leaving = true;
        changed();
    }

    /** The registry could not be told. */
    public void stay() {
        leaving = false;
        changed();
    }

    void describe(AgentInfo info, Resources total) {
        this.info = info;
        this.total = total;
        changed();
    }

    /** What it said of itself when it registered. */
    public void runs(String version, String bootId) {
        this.version = version;
        this.bootId = bootId;
        changed();
    }

    void connected(AgentLink next, long nowNs) {
        link = Optional.of(next);
        address = next.peerAddress();
        reregisteredNs = Optional.of(nowNs);
        heardNs = nowNs;
        heartbeatAtNs = nowNs;
        changed();
    }

    void disconnected() {
        link = Optional.empty();
        heartbeatAtNs = Long.MAX_VALUE;
        changed();
    }

    void add(Task task) {
        tasks.put(new TaskKey(task.framework(), task.id()), task);
    }

    void remove(Task task) {
        tasks.remove(new TaskKey(task.framework(), task.id()), task);
    }

    void add(ExecutorUse executor) {
        ExecutorKey key = new ExecutorKey(executor.framework(), executor.id());
        executors.put(key, executor);
        ExecutorFacts facts = new ExecutorFacts(id, executor, board.nextOrder());
        Slots<ExecutorFacts>.Slot before = executorSlots.put(key, board.executors().add(facts));
        if (before != null) {
            before.remove();
        }
    }

    Optional<ExecutorUse> remove(FrameworkId framework, ExecutorId executor) {
        ExecutorKey key = new ExecutorKey(framework, executor);
        Slots<ExecutorFacts>.Slot before = executorSlots.remove(key);
        if (before != null) {
            before.remove();
        }
        return Optional.ofNullable(executors.remove(key));
    }

    void add(OpenOffer offer) {
        offers.add(offer);
    }

    void remove(OpenOffer offer) {
        offers.remove(offer);
    }
}
