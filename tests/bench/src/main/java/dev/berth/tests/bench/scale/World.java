package dev.berth.tests.bench.scale;

import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.local.LocalIoHandler;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/** All simulated clients of one master, and what they were told. Main thread, where not said otherwise; the clients themselves live on one loop. */
final class World implements SimAgent.Watcher {
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(300);
    private static final int BEAT_MS = 20;
    private static final int BEATS = 200;

    /** Something that an agent was told. */
    record Told(SimAgent agent, long atNs) {}

    /** An offer that is open. */
    record Held(SimFramework framework, SimAgent agent, Offer offer) {}

    private final LiveMaster master;
    private final MultiThreadIoEventLoopGroup loop =
            new MultiThreadIoEventLoopGroup(1, LocalIoHandler.newFactory());
    private final List<SimAgent> agents = new ArrayList<>();
    private final List<SimFramework> frameworks = new ArrayList<>();
    private final Map<String, SimAgent> byId = new HashMap<>();
    private final Map<String, Held> held = new HashMap<>();
    private final LinkedBlockingQueue<SimFramework.Seen> inbox = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<Told> launched = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<Told> acknowledged = new LinkedBlockingQueue<>();
    private final AtomicInteger registrations = new AtomicInteger();
    private final AtomicInteger acknowledgements = new AtomicInteger();
    private volatile boolean obedient;
    private volatile boolean beating;
    private int beat;

    World(LiveMaster master) {
        this.master = master;
        var _ = loop.scheduleAtFixedRate(this::beat, BEAT_MS, BEAT_MS, TimeUnit.MILLISECONDS);
    }

    /** Each agent speaks every four seconds, as real ones do: a few at a time. */
    private void beat() {
        if (beating) {
            for (int i = beat++ % BEATS; i < agents.size(); i += BEATS) {
                agents.get(i).heartbeat();
            }
        }
    }

    List<SimAgent> agents() {
        return agents;
    }

    List<SimFramework> frameworks() {
        return frameworks;
    }

    Map<String, Held> held() {
        return held;
    }

    Connection connect() throws IOException {
        return Connection.open(loop, master.address());
    }

    void addAgents(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            agents.add(new SimAgent(i, connect(), this));
        }
    }

    void addFrameworks(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            frameworks.add(new SimFramework(i, connect(), connect(), this::seen));
        }
    }

    /** All connections anew, after a change of the master. */
    void reconnect() throws IOException {
        for (SimAgent agent : agents) {
            agent.reconnected(connect());
        }
        for (SimFramework framework : frameworks) {
            framework.reconnected(connect(), connect());
        }
        registrations.set(0);
        inbox.clear();
        held.clear();
    }

    int registrations() {
        return registrations.get();
    }

    int acknowledgements() {
        return acknowledgements.get();
    }

    /** Whether agents run what they are told to and frameworks acknowledge, of themselves. */
    void obedient(boolean yes) {
        obedient = yes;
    }

    /** Whether agents send heartbeats of themselves. */
    void beating(boolean yes) {
        beating = yes;
    }

    /** Runs a step on the clients' loop. */
    void run(Runnable step) {
        loop.execute(step);
    }

    private void seen(SimFramework.Seen seen) {
        if (seen.framework().isSubscribed() && obedient) {
            Event event = seen.event();
            if (event.getType() == Event.Type.UPDATE) {
                seen.framework().acknowledge(event.getUpdate().getStatus());
                return;
            }
        }
        inbox.add(seen);
    }

    @Override
    public void registered(SimAgent agent, long atNs) {
        registrations.incrementAndGet();
    }

    @Override
    public void launched(SimAgent agent, Link.Launch launch, long atNs) {
        if (!obedient) {
            launched.add(new Told(agent, atNs));
            return;
        }
        for (TaskInfo task : launch.getTasksList()) {
            agent.update(launch.getFrameworkInfo().getId(), task, TaskState.TASK_RUNNING);
        }
    }

    @Override
    public void acknowledged(SimAgent agent, Link.Acknowledge acknowledge, long atNs) {
        acknowledgements.incrementAndGet();
        if (!obedient) {
            acknowledged.add(new Told(agent, atNs));
        }
    }

    static void await(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + PATIENCE_NS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException("waited in vain until " + what);
            }
            LockSupport.parkNanos(200_000);
        }
    }

    /** Looks at frameworks' records until one is as wanted; keeps book of the offers among them. */
    SimFramework.Seen await(String what, Predicate<Event> wanted) throws InterruptedException {
        while (true) {
            SimFramework.Seen seen = inbox.poll(PATIENCE_NS, TimeUnit.NANOSECONDS);
            if (seen == null) {
                throw new IllegalStateException("waited in vain for " + what);
            }
            if (wanted.test(book(seen))) {
                return seen;
            }
        }
    }

    long awaitLaunch(SimAgent agent) throws InterruptedException {
        return await(launched, agent);
    }

    long awaitAcknowledgement(SimAgent agent) throws InterruptedException {
        return await(acknowledged, agent);
    }

    private static long await(LinkedBlockingQueue<Told> told, SimAgent agent)
            throws InterruptedException {
        Told next = told.poll(PATIENCE_NS, TimeUnit.NANOSECONDS);
        if (next == null || next.agent() != agent) {
            throw new IllegalStateException(
                    "agent " + agent.number() + " was not told, but " + next);
        }
        return next.atNs();
    }

    /** What came to the frameworks until nothing more came for a while. */
    List<SimFramework.Seen> quiet() throws InterruptedException {
        List<SimFramework.Seen> all = new ArrayList<>();
        SimFramework.Seen next = inbox.poll(400, TimeUnit.MILLISECONDS);
        while (next != null) {
            all.add(next);
            next = inbox.poll(400, TimeUnit.MILLISECONDS);
        }
        return all;
    }

    /** Takes note of offers that came or went. */
    Event book(SimFramework.Seen seen) {
        Event event = seen.event();
        switch (event.getType()) {
            case SUBSCRIBED ->
                    seen.framework().named(event.getSubscribed().getFrameworkId().getValue());
            case OFFERS -> {
                for (Offer offer : event.getOffers().getOffersList()) {
                    held.put(
                            offer.getId().getValue(),
                            new Held(
                                    seen.framework(), agent(offer.getAgentId().getValue()), offer));
                }
            }
            case RESCIND -> held.remove(event.getRescind().getOfferId().getValue());
            case UPDATE, HEARTBEAT -> {}
            default -> throw new IllegalStateException("a framework was told " + event);
        }
        return event;
    }

    private SimAgent agent(String id) {
        if (byId.size() < agents.size()) {
            agents.forEach(agent -> byId.put(agent.id(), agent));
        }
        SimAgent agent = byId.get(id);
        if (agent == null) {
            throw new IllegalStateException("an offer of the unknown agent " + id);
        }
        return agent;
    }

    /** A task of one cpu; each tenth has a GPU. */
    static TaskInfo task(SimFramework framework, SimAgent agent, String name, boolean gpu) {
        TaskInfo.Builder task =
                TaskInfo.newBuilder()
                        .setName("step")
                        .setTaskId(
                                Protos.TaskID.newBuilder()
                                        .setValue(
                                                framework.number()
                                                        + "-"
                                                        + agent.number()
                                                        + "-"
                                                        + name))
                        .setAgentId(Protos.AgentID.newBuilder().setValue(agent.id()))
                        .setCommand(Protos.CommandInfo.newBuilder().setValue("python3 train.py"))
                        .addResources(SimAgent.scalar("cpus", 1))
                        .addResources(SimAgent.scalar("mem", 512));
        if (gpu) {
            task.addResources(SimAgent.scalar("gpus", 1));
        }
        return task.build();
    }
}
