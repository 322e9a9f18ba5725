package dev.berth.agent.device;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.DeviceDemand;
import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceRequest;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.choice.DeviceNames;
import dev.berth.gpu.choice.Explanation;
import dev.berth.gpu.ledger.GrantRecord;
import dev.berth.gpu.ledger.LedgerEvent;
import dev.berth.isolator.ContainerId;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Where containers get their devices: all kinds together, all or nothing, and what they add to a container.
 *
 * <p>Nothing here waits: a source is asked and answers by an event. On the way of a start there is no call to a driver and no new process; grants and edits are computed from what was learned before.
 *
 * <p>Thread: conductor, except {@link #snapshot}.
 */
public final class DeviceDesk implements AutoCloseable {
    private static final DeviceJournal.Opened NOTHING =
            new DeviceJournal.Opened(ContainerEdits.NONE, List.of());

    private final DeviceSetup setup;
    private final DeviceHost host;
    private final Map<String, DeviceStock> stocks = new LinkedHashMap<>();
    private final Map<ContainerId, Pending> pending = new HashMap<>();
    private final Readings readings;
    private @Nullable DeviceJournal journal;
    private volatile DeviceSnapshot snapshot = DeviceSnapshot.NONE;

    public DeviceDesk(DeviceSetup setup, DeviceHost host) {
        this.setup = setup;
        this.host = host;
        readings = new Readings(stocks.values(), this::snapshot, host.monotonicNs());
    }

    /** Who asked for a container's devices. */
    public interface Asker {
        /** All are the container's. {@code added}: those that it did not hold before. */
        void onPlan(DevicePlan plan, List<DeviceId> added);

        /** None was given. */
        void onRefused(AgentException why);
    }

    private static final class Pending {
        private final DeviceDemand demand;
        private final Asker asker;
        private final boolean attach;
        private final List<DeviceId> added = new ArrayList<>();
        private int answered;

        private Pending(DeviceDemand demand, Asker asker, boolean attach) {
            this.demand = demand;
            this.asker = asker;
            this.attach = attach;
        }
    }

    /**
     * Takes over what an earlier agent left and begins discovery. First.
     *
     * @param running the containers that may run now; {@link #release} the others when their end is known
     */
    public void recover(Set<ContainerId> running, Runnable wake) throws AgentException {
        DeviceJournal opened = new DeviceJournal(setup.journal(), setup.bootId());
        journal = opened;
        List.copyOf(opened.edits().keySet()).stream()
                .filter(id -> !running.contains(id))
                .forEach(opened::dropEdits);
        DeviceStock.DeviceSettings settings =
                new DeviceStock.DeviceSettings(
                        setup.ledger(), setup.health(), setup.steps(), setup.bootId());
        for (DeviceSupply supply : setup.supplies()) {
            DeviceStock stock =
                    new DeviceStock(supply, host, opened, settings, running, this::onAnswer);
            stocks.put(supply.resourceName(), stock);
        }
        opened.edits().forEach((id, had) -> takeBackUnopened(id, had.devices()));
        compact(opened);
        stocks.values().forEach(stock -> stock.open(wake));
        poll();
    }

    /** An agent that died within an attach or a detach left a container with a device that it cannot open: the next one may have it. */
    private void takeBackUnopened(ContainerId id, List<DeviceId> opened) {
        List<DeviceId> unopened = new ArrayList<>();
        for (DeviceGrant grant : held(id)) {
            unopened.addAll(grant.devices());
        }
        unopened.removeAll(opened);
        if (!unopened.isEmpty()) {
            detachQuietly(id, unopened);
        }
    }

    private void compact(DeviceJournal opened) {
        Map<String, List<GrantRecord>> records = new LinkedHashMap<>();
        stocks.forEach((kind, stock) -> records.put(kind, stock.ledger().records()));
        opened.compact(records);
    }

    /** The kinds of devices that are handed out here. */
    public Set<String> kinds() {
        return stocks.keySet();
    }

    /** Whether all sources have said once what there is, or that they cannot. */
    public boolean isKnown() {
        return stocks.values().stream().allMatch(DeviceStock::isKnown);
    }

    /** What a running container of an earlier agent has of its devices. */
    public ContainerEdits recovered(ContainerId id) {
        DeviceJournal opened = journal;
        return opened == null
                ? ContainerEdits.NONE
                : opened.edits().getOrDefault(id, NOTHING).edits();
    }

    /** Takes news and does what is due; returns how much work there was. */
    public int poll() {
        int work = 0;
        boolean changed = false;
        for (DeviceStock stock : stocks.values()) {
            work += stock.poll();
            changed |= stock.takeDirty();
        }
        long now = host.monotonicNs();
        readings.sample(now);
        if (changed) {
            snapshot = new DeviceSnapshot(stocks.values().stream().map(DeviceStock::view).toList());
            DeviceJournal opened = journal;
            if (opened != null && opened.isLong()) {
                compact(opened);
            }
        }
        readings.answer(now);
        return work;
    }

    /** When {@link #poll} has something to do at the latest, monotonic; Long.MAX_VALUE when nothing is due. */
    public long nextNs() {
        long next = readings.nextNs();
        for (DeviceStock stock : stocks.values()) {
            next = Math.min(next, stock.nextNs());
        }
        return next;
    }

    /** What readers see; as it was after the last cycle. Any thread. */
    public DeviceSnapshot snapshot() {
        return snapshot;
    }

    /** Hands on a snapshot with figures that are fresh, or the last ones where the sources do not answer at once; for a while figures are then kept fresh. */
    public void fresh(Consumer<DeviceSnapshot> receiver) {
        readings.fresh(host.monotonicNs(), receiver);
    }

    private DeviceStock stock(String kind) throws AgentException {
        DeviceStock stock = stocks.get(kind);
        if (stock == null) {
            throw AgentException.invalid(
                    "could not select device driver: this agent hands out no "
                            + kind
                            + (kind.equals(DeviceDemand.NVIDIA)
                                    ? ": it found no NVIDIA driver, or was started with --gpus none; to try without one: berth agent --gpus sim:8xH100"
                                    : "; it hands out " + stocks.keySet()));
        }
        return stock;
    }

    /** Refuses what this agent can never give. */
    public void check(DeviceDemand demand) throws AgentException {
        for (DeviceRequest request : demand.requests()) {
            stock(request.resourceName());
        }
        if (!demand.cdiNames().isEmpty()) {
            try {
                setup.cdi().edits(demand.cdiNames(), demand.uid(), demand.gid());
            } catch (DeviceException e) {
                throw invalid(e);
            }
        }
    }

    private static AgentException invalid(DeviceException e) {
        return new AgentException(AgentException.Kind.INVALID, String.valueOf(e.getMessage()), e);
    }

    /** What a start would get now; empty when it would get nothing. Changes nothing. */
    public Optional<DevicePlan> predict(ContainerId id, DeviceDemand demand) {
        List<DeviceGrant> grants = new ArrayList<>();
        for (DeviceRequest request : demand.requests()) {
            DeviceStock stock = stocks.get(request.resourceName());
            Optional<DeviceGrant> grant =
                    stock == null ? Optional.empty() : stock.predict(id, request);
            if (grant.isEmpty()) {
                return Optional.empty();
            }
            grants.add(grant.get());
        }
        try {
            return Optional.of(plan(demand, grants));
        } catch (DeviceException _) {
            return Optional.empty(); // the start will say it
        }
    }

    private DevicePlan plan(DeviceDemand demand, List<DeviceGrant> grants) throws DeviceException {
        List<ContainerEdits> parts = new ArrayList<>();
        for (DeviceGrant grant : grants) {
            DeviceStock stock = stocks.get(grant.resourceName());
            if (stock != null) {
                parts.add(stock.edits(grant, capabilities(demand, grant.resourceName())));
            }
        }
        if (!demand.cdiNames().isEmpty()) {
            parts.add(setup.cdi().edits(demand.cdiNames(), demand.uid(), demand.gid()));
        }
        return new DevicePlan(grants, Edits.together(parts));
    }

    private static Set<String> capabilities(DeviceDemand demand, String kind) {
        return demand.requests().stream()
                .filter(request -> request.resourceName().equals(kind))
                .findFirst()
                .map(DeviceRequest::capabilities)
                .orElse(Set.of());
    }

    /** Asks for everything that a container wants for a start; answers at once or within ten seconds. What is granted is the container's until {@link #release}. */
    public void request(ContainerId id, DeviceDemand demand, Asker asker) {
        ask(id, new Pending(demand, asker, false));
    }

    /** Asks for further devices of a container that runs. {@code demand}: that of its start. */
    public void attach(
            ContainerId id, DeviceDemand demand, String kind, Selection selection, Asker asker) {
        Pending wanted = new Pending(demand, asker, true);
        try {
            pending.put(id, wanted);
            onAnswer(stock(kind).attach(id, selection));
        } catch (AgentException e) {
            pending.remove(id);
            asker.onRefused(e);
        }
    }

    private void ask(ContainerId id, Pending wanted) {
        pending.put(id, wanted);
        goOn(id, wanted);
    }

    /** Whether a container's request was not answered yet. */
    public boolean isAsked(ContainerId id) {
        return pending.containsKey(id);
    }

    private void goOn(ContainerId id, Pending wanted) {
        List<DeviceRequest> requests = wanted.demand.requests();
        if (wanted.answered == requests.size()) {
            complete(id, wanted);
            return;
        }
        DeviceRequest next = requests.get(wanted.answered);
        try {
            onAnswer(stock(next.resourceName()).request(id, next));
        } catch (AgentException e) {
            refuse(id, wanted, e);
        }
    }

    private void onAnswer(LedgerEvent.Answer answer) {
        ContainerId id = answer.container();
        Pending wanted = pending.get(id);
        if (wanted == null) {
            return; // given up in the meantime
        }
        switch (answer) {
            case LedgerEvent.Granted granted -> {
                wanted.added.addAll(granted.added());
                wanted.answered++;
                if (wanted.attach) {
                    complete(id, wanted);
                } else {
                    goOn(id, wanted);
                }
            }
            case LedgerEvent.Waiting _ -> {}
            case LedgerEvent.Refused(ContainerId _, LedgerEvent.Cause cause, String reason) ->
                    refuse(
                            id,
                            wanted,
                            new AgentException(
                                    cause == LedgerEvent.Cause.NEVER
                                            ? AgentException.Kind.INVALID
                                            : AgentException.Kind.CONFLICT,
                                    "devices: " + reason));
        }
    }

    private void complete(ContainerId id, Pending wanted) {
        try {
            DevicePlan plan = plan(wanted.demand, held(id));
            keep(id, plan);
            pending.remove(id);
            wanted.asker.onPlan(plan, List.copyOf(wanted.added));
        } catch (DeviceException e) {
            refuse(id, wanted, invalid(e));
        } catch (AgentException e) {
            refuse(id, wanted, e);
        }
    }

    private void refuse(ContainerId id, Pending wanted, AgentException why) {
        pending.remove(id);
        if (!wanted.attach) {
            stocks.values().forEach(stock -> stock.release(id));
        } else if (!wanted.added.isEmpty()) {
            detachQuietly(id, wanted.added);
        }
        wanted.asker.onRefused(why);
    }

    private void keep(ContainerId id, DevicePlan plan) throws AgentException {
        DeviceJournal opened = journal;
        if (opened != null) {
            opened.keepEdits(id, new DeviceJournal.Opened(plan.edits(), plan.devices()));
        }
    }

    /** What a container holds, of every kind. */
    public List<DeviceGrant> held(ContainerId id) {
        List<DeviceGrant> grants = new ArrayList<>();
        for (DeviceStock stock : stocks.values()) {
            stock.ledger().grant(id).ifPresent(grants::add);
        }
        return grants;
    }

    /** What a container has now, with numbers as they are now. */
    public DevicePlan current(ContainerId id, DeviceDemand demand) throws AgentException {
        try {
            return plan(demand, held(id));
        } catch (DeviceException e) {
            throw invalid(e);
        }
    }

    /** A plan without some devices, and their ids. */
    public record Less(DevicePlan plan, List<DeviceId> devices) {}

    /** The devices of a kind that people call so. */
    public List<DeviceId> named(String kind, List<String> names) throws AgentException {
        DeviceStock stock = stock(kind);
        List<DeviceId> ids = new ArrayList<>();
        try {
            for (String name : names) {
                int position = DeviceNames.position(stock.ledger().table(), name);
                ids.add(stock.ledger().table().devices().get(position).id());
            }
        } catch (DeviceException e) {
            throw invalid(e);
        }
        return ids;
    }

    /** What a container would have without these devices; changes nothing but the journal of what it has. */
    public Less without(ContainerId id, DeviceDemand demand, List<DeviceId> gone)
            throws AgentException {
        List<DeviceGrant> left = new ArrayList<>();
        List<DeviceId> found = new ArrayList<>();
        for (DeviceGrant grant : held(id)) {
            List<DeviceId> devices = new ArrayList<>(grant.devices());
            devices.removeAll(gone);
            found.addAll(grant.devices());
            if (!devices.isEmpty()) {
                left.add(new DeviceGrant(id, grant.resourceName(), grant.generation(), devices));
            }
        }
        for (DeviceId device : gone) {
            if (!found.contains(device)) {
                throw AgentException.conflict(
                        "container " + id.shortForm() + " does not hold device " + device);
            }
        }
        try {
            DevicePlan plan = plan(demand, left);
            keep(id, plan);
            return new Less(plan, gone);
        } catch (DeviceException e) {
            throw invalid(e);
        }
    }

    /** The container can no longer open these devices: they are verified for the next one. */
    public void detach(ContainerId id, List<DeviceId> devices) throws AgentException {
        try {
            for (DeviceStock stock : stocks.values()) {
                List<DeviceId> own =
                        stock.ledger().grant(id).map(DeviceGrant::devices).orElse(List.of());
                List<DeviceId> gone = devices.stream().filter(own::contains).toList();
                if (!gone.isEmpty()) {
                    stock.detach(id, gone);
                }
            }
        } catch (DeviceException e) {
            throw invalid(e);
        }
    }

    private void detachQuietly(ContainerId id, List<DeviceId> devices) {
        try {
            detach(id, devices);
        } catch (AgentException e) {
            AgentLog.error("take devices of " + id.shortForm() + " back", e);
        }
    }

    /** No process of the container is left, or none came to be: its devices go to the next one, once they were found clean. Ends its waiting too. Idempotent. */
    public void release(ContainerId id) {
        Pending asked = pending.remove(id);
        if (asked != null && asked.attach) {
            asked.asker.onRefused(
                    AgentException.conflict("container " + id.shortForm() + " has ended"));
        }
        stocks.values().forEach(stock -> stock.release(id));
        DeviceJournal opened = journal;
        if (opened != null) {
            opened.dropEdits(id);
        }
    }

    /** What a request would get and why; changes nothing. */
    public Explanation explain(String kind, Selection selection, int limit) throws AgentException {
        return stock(kind).ledger().explain(selection, limit);
    }

    /** An operator gives a device back: it is verified, and then free. */
    public void lift(String name) throws AgentException {
        for (DeviceStock stock : stocks.values()) {
            try {
                int position = DeviceNames.position(stock.ledger().table(), name);
                stock.lift(stock.ledger().table().devices().get(position).id());
                return;
            } catch (DeviceException _) {
                // none of this kind; another may have it
            }
        }
        throw AgentException.notFound("no such device: " + name);
    }

    @Override
    public void close() {
        stocks.values().forEach(DeviceStock::close);
        DeviceJournal opened = journal;
        journal = null;
        if (opened != null) {
            opened.close();
        }
    }
}
