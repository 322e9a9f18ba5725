package dev.berth.agent.device;

import dev.berth.agent.config.AgentLog;
import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceProvider;
import dev.berth.gpu.DeviceRequest;
import dev.berth.gpu.DeviceSample;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.health.Diagnosis;
import dev.berth.gpu.health.HealthAction;
import dev.berth.gpu.health.HealthBook;
import dev.berth.gpu.health.HealthInput;
import dev.berth.gpu.health.HealthPolicy;
import dev.berth.gpu.health.HealthSettings;
import dev.berth.gpu.ledger.DeviceLedger;
import dev.berth.gpu.ledger.GrantSteps;
import dev.berth.gpu.ledger.LedgerEvent;
import dev.berth.gpu.ledger.LedgerSettings;
import dev.berth.gpu.ledger.LedgerView;
import dev.berth.isolator.ContainerId;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * One kind of devices: joins its sources, its ledger and its health. What the ledger and the health policy want done is done here.
 *
 * <p>The ledger alone asks for looks, since it tells answers apart by their number; health hears what came of the last one. Resets are asked for by both, each while the device is nobody's.
 *
 * <p>Thread: conductor.
 */
final class DeviceStock implements AutoCloseable {
    private static final int EVENTS_PER_CYCLE = 256;

    private final DeviceSupply supply;
    private final DeviceHost host;
    private final DeviceJournal journal;
    private final DeviceLedger ledger;
    private final HealthBook health;
    private final Consumer<LedgerEvent.Answer> answers;
    private final Map<DeviceId, ArrayDeque<Asker>> resets = new HashMap<>();
    private final Map<DeviceId, Cleanliness> lastLooks = new HashMap<>();
    private final Map<DeviceId, DeviceSample> samples = new LinkedHashMap<>();
    private EditsSource edits = EditsSource.NODES;
    private long generation;
    private boolean tabled;
    private boolean installed;
    private boolean working = true;
    private String reason = "discovery is under way";
    private boolean dirty = true;
    private boolean sampled = true;

    /** Who wanted a reset. */
    private enum Asker {
        HYGIENE,
        HEALTH
    }

    /**
     * @param running the containers that run now
     * @param answers receives what the ledger grants and refuses later than at once
     */
    DeviceStock(
            DeviceSupply supply,
            DeviceHost host,
            DeviceJournal journal,
            DeviceSettings settings,
            Set<ContainerId> running,
            Consumer<LedgerEvent.Answer> answers) {
        this.supply = supply;
        this.host = host;
        this.journal = journal;
        this.answers = answers;
        String kind = supply.resourceName();
        health =
                new HealthBook(
                        new HealthPolicy(settings.health()), host::containerOf, settings.bootId());
        health.restore(journal.replayedHealth(kind));
        ledger =
                DeviceLedger.recover(
                        kind,
                        settings.ledger(),
                        journal.of(kind),
                        settings.steps(),
                        journal.replayedGrants(kind),
                        running,
                        host.monotonicNs());
        for (DeviceGrant grant : ledger.grants()) {
            for (DeviceId id : grant.devices()) {
                act(health.onHolders(id, Set.of(grant.container()), host.realtimeNs()));
            }
        }
    }

    /** Figures and the like that all stocks share. */
    record DeviceSettings(
            LedgerSettings ledger, HealthSettings health, GrantSteps steps, String bootId) {}

    /** Begins discovery; {@code wake} as {@link DeviceProvider#onNews}. */
    void open(Runnable wake) {
        supply.first().onNews(wake);
        supply.second().ifPresent(second -> second.onNews(wake));
    }

    /** Whether it is known what there is, or that the source cannot tell. */
    boolean isKnown() {
        return installed || !working;
    }

    String resourceName() {
        return supply.resourceName();
    }

    DeviceLedger ledger() {
        return ledger;
    }

    /** Takes events of the sources and of the ledger, and does what is due. */
    int poll() {
        int work = supply.first().poll(event -> onEvent(true, event), EVENTS_PER_CYCLE);
        if (supply.second().isPresent()) {
            DeviceProvider second = supply.second().get();
            work += second.poll(event -> onEvent(false, event), EVENTS_PER_CYCLE);
        }
        long now = host.monotonicNs();
        if (ledger.dueNs() - now <= 0) {
            ledger.tick(now);
            work++;
        }
        if (health.nextDeadlineNs() <= host.realtimeNs()) {
            act(health.onTime(host.realtimeNs()));
            work++;
        }
        int told = ledger.poll(this::onLedger, EVENTS_PER_CYCLE);
        if (told > 0) {
            // Readies the next answer, so that a request finds it.
            ledger.tick(now);
        }
        dirty |= work + told > 0;
        return work + told;
    }

    /** When {@link #poll} has something to do at the latest, monotonic. */
    long nextNs() {
        long due = ledger.dueNs();
        long deadline = health.nextDeadlineNs();
        if (deadline == Long.MAX_VALUE) {
            return due;
        }
        long health = host.monotonicNs() + Math.max(0, deadline - host.realtimeNs());
        return due == Long.MAX_VALUE ? health : Math.min(due, health);
    }

    /** Whether something has changed since the last call. */
    boolean takeDirty() {
        boolean was = dirty;
        dirty = false;
        return was;
    }

    private void onEvent(boolean first, DeviceEvent event) {
        switch (event) {
            case DeviceEvent.TableChanged(DeviceTable table) -> {
                tabled |= first;
                if (first || !tabled) {
                    discovered(table);
                }
            }
            case DeviceEvent.Signalled(var signal) ->
                    act(health.onSignal(signal, host.realtimeNs()));
            case DeviceEvent.Verified(DeviceId id, Cleanliness found) -> looked(id, found);
            case DeviceEvent.ResetEnded(DeviceId id, Optional<String> failure) ->
                    resetEnded(id, failure);
            case DeviceEvent.Sampled(List<DeviceSample> taken) -> {
                sampled = true;
                taken.forEach(sample -> samples.put(sample.device(), sample));
            }
            case DeviceEvent.SourceChanged(boolean works, String why) -> {
                if (first) {
                    source(works, why);
                }
            }
        }
    }

    /** The driver's files are looked at before anybody is given a device of the new table. */
    private void discovered(DeviceTable found) {
        DeviceTable table =
                new DeviceTable(
                        ++generation,
                        found.resourceName(),
                        found.driver(),
                        found.devices(),
                        found.topology(),
                        found.controlNodes(),
                        found.withheldNodes());
        host.onLane(() -> {
            EditsSource made = EditsSource.NODES;
            String problem = "";
            try {
                made = supply.edits().open(table);
            } catch (DeviceException e) {
                problem = String.valueOf(e.getMessage());
            }
            EditsSource ready = made;
            String trouble = problem;
            host.offer(() -> install(table, ready, trouble));
        });
    }

    private void install(DeviceTable table, EditsSource ready, String trouble) {
        if (table.generation() != generation) {
            host.onLane(ready::close); // a newer one is on its way
            return;
        }
        if (!trouble.isEmpty()) {
            AgentLog.warn(
                    resourceName()
                            + ": holders get device nodes and nothing of the driver: "
                            + trouble);
        }
        EditsSource former = edits;
        edits = ready;
        host.onLane(former::close);
        try {
            ledger.onTable(table, host.monotonicNs());
        } catch (DeviceException e) {
            AgentLog.error("devices of " + resourceName(), e);
            return;
        }
        act(health.onTable(table, host.realtimeNs()));
        AgentLog.info(
                table.devices().size()
                        + " devices of "
                        + resourceName()
                        + (table.devices().isEmpty()
                                ? ""
                                : " (" + table.devices().getFirst().model() + ")"));
        if (working) {
            reason = "";
        }
        installed = true;
        dirty = true;
        host.tell(
                "source",
                resourceName(),
                Map.of(
                        "generation",
                        Long.toString(table.generation()),
                        "devices",
                        Integer.toString(table.devices().size())));
    }

    private void source(boolean works, String why) {
        if (works != working || !why.equals(reason)) {
            AgentLog.info(
                    resourceName()
                            + ": "
                            + supply.first().name()
                            + (works ? " answers" : " does not answer: " + why));
        }
        working = works;
        reason = works ? "" : why;
        act(health.onSource(works, why, host.realtimeNs()));
        host.tell(
                "source",
                resourceName(),
                Map.of("working", Boolean.toString(works), "reason", why));
    }

    /** The source that is asked now. */
    private DeviceProvider asked() {
        return tabled || supply.second().isEmpty() || working
                ? supply.first()
                : supply.second().get();
    }

    private void looked(DeviceId id, Cleanliness found) {
        lastLooks.put(id, found);
        if (Diagnosis.of(found) instanceof HealthInput.Unreachable) {
            ledger.notVerified(id, found.problem().orElse("no answer"), host.monotonicNs());
            act(health.onVerified(id, found, host.realtimeNs()));
        } else if (usedByAnother(id, found)) {
            ledger.notVerified(id, found.problem().orElse("in use"), host.monotonicNs());
        } else {
            ledger.verified(id, found, host.monotonicNs());
        }
    }

    /** A container that a device was detached from may have it open still: that is no leftover, and the device waits for it. */
    private boolean usedByAnother(DeviceId id, Cleanliness found) {
        return !found.clean()
                && found.pids().stream().anyMatch(pid -> host.containerOf(pid).isPresent())
                && ledger.view().devices().stream()
                        .filter(device -> device.id().equals(id))
                        .allMatch(device -> device.holder().isEmpty());
    }

    private void resetEnded(DeviceId id, Optional<String> failure) {
        ArrayDeque<Asker> waiting = resets.get(id);
        Asker asker = waiting == null ? null : waiting.poll();
        host.tell(
                "reset",
                id.value(),
                Map.of("result", failure.map(why -> "failed: " + why).orElse("done")));
        if (asker == Asker.HYGIENE) {
            ledger.resetEnded(id, failure, host.monotonicNs());
        } else if (asker == Asker.HEALTH) {
            act(health.onReset(id, failure, host.realtimeNs()));
        }
    }

    private void reset(DeviceId id, Asker asker) {
        resets.computeIfAbsent(id, _ -> new ArrayDeque<>()).add(asker);
        asked().reset(id);
    }

    private void onLedger(LedgerEvent event) {
        switch (event) {
            case LedgerEvent.Answer answer -> {
                if (answer instanceof LedgerEvent.Granted granted) {
                    granted(granted);
                }
                answers.accept(answer);
            }
            case LedgerEvent.Released(ContainerId container, List<DeviceId> devices) -> {
                for (DeviceId id : devices) {
                    samples.remove(id);
                    host.tell("release", id.value(), Map.of("container", container.value()));
                    act(health.onHolders(id, Set.of(), host.realtimeNs()));
                }
            }
            case LedgerEvent.Clean(DeviceId id) -> {
                host.tell("clean", id.value(), Map.of());
                Cleanliness found = lastLooks.remove(id);
                if (found != null) {
                    act(health.onVerified(id, found, host.realtimeNs()));
                }
            }
            case LedgerEvent.Quarantined(DeviceId id, String why) -> {
                AgentLog.warn("device " + id + " is in quarantine: " + why);
                host.tell("quarantine", id.value(), Map.of("reason", why));
                act(
                        health.onVerified(
                                id,
                                new Cleanliness(List.of(), 0, 0, Optional.of(why), false),
                                host.realtimeNs()));
            }
            case LedgerEvent.AskVerify(DeviceId id) -> asked().verify(id);
            case LedgerEvent.AskReset(DeviceId id, String _) -> reset(id, Asker.HYGIENE);
            case LedgerEvent.Gone(DeviceId id, Optional<ContainerId> holder) -> gone(id, holder);
            case LedgerEvent.Renumbered(DeviceId _, ContainerId holder) -> host.renumbered(holder);
            case LedgerEvent.JournalFailed(String problem) ->
                    AgentLog.warn("device journal: " + problem);
        }
    }

    private void gone(DeviceId id, Optional<ContainerId> holder) {
        AgentLog.warn("device " + id + " is gone");
        host.tell("gone", id.value(), Map.of());
        holder.ifPresent(container ->
                host.tellHolder(container, id.value(), "the device is gone", Optional.empty()));
    }

    private void act(List<HealthAction> actions) {
        dirty |= !actions.isEmpty();
        for (HealthAction action : actions) {
            switch (action) {
                case HealthAction.Persist(var record) -> journal.keepHealth(resourceName(), record);
                case HealthAction.Forget(DeviceId id) -> journal.dropHealth(resourceName(), id);
                case HealthAction.SetUsable(DeviceId id, boolean usable, String why) ->
                        ledger.setUsable(id, usable, why, host.monotonicNs());
                case HealthAction.Changed(var before, var after) ->
                        host.tell(
                                "health",
                                after.device().value(),
                                Map.of(
                                        "from",
                                        before.state().name(),
                                        "to",
                                        after.state().name(),
                                        "reason",
                                        after.reason()));
                case HealthAction.NotifyHolders(
                                DeviceId id,
                                String why,
                                Optional<ContainerId> blamed) ->
                        holder(id)
                                .ifPresent(container ->
                                        host.tellHolder(container, id.value(), why, blamed));
                case HealthAction.KillHolders(DeviceId id, String why) ->
                        holder(id).ifPresent(container -> host.kill(container, why));
                case HealthAction.Verify(DeviceId id) -> ledger.recheck(id, host.monotonicNs());
                case HealthAction.Reset(DeviceId id) -> reset(id, Asker.HEALTH);
                case HealthAction.Inspect(DeviceId _) -> asked().sample();
            }
        }
    }

    private Optional<ContainerId> holder(DeviceId id) {
        return ledger.view().devices().stream()
                .filter(device -> device.id().equals(id))
                .findFirst()
                .flatMap(LedgerView.DeviceView::holder);
    }

    private void granted(LedgerEvent.Granted granted) {
        dirty = true;
        for (DeviceId id : granted.added()) {
            host.tell("grant", id.value(), Map.of("container", granted.container().value()));
            act(health.onHolders(id, Set.of(granted.container()), host.realtimeNs()));
        }
    }

    /** Asks for a container that is to be started. What is granted later comes to the {@code answers}. */
    LedgerEvent.Answer request(ContainerId id, DeviceRequest request) {
        return heard(ledger.request(id, request, host.monotonicNs()));
    }

    /** Asks for a container that runs. */
    LedgerEvent.Answer attach(ContainerId id, DeviceRequest.Selection selection) {
        return heard(ledger.attach(id, selection, host.monotonicNs()));
    }

    private LedgerEvent.Answer heard(LedgerEvent.Answer answer) {
        dirty = true;
        if (answer instanceof LedgerEvent.Granted granted) {
            granted(granted);
        }
        return answer;
    }

    void release(ContainerId id) {
        ledger.release(id, host.monotonicNs());
        dirty = true;
    }

    void detach(ContainerId id, List<DeviceId> devices) throws DeviceException {
        ledger.detach(id, devices, host.monotonicNs());
        dirty = true;
    }

    /** What the container would get now. */
    Optional<DeviceGrant> predict(ContainerId id, DeviceRequest request) {
        if (ledger.table().devices().isEmpty()) {
            return Optional.empty();
        }
        List<DeviceId> chosen = ledger.explain(request.selection(), 1).chosen();
        return chosen.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new DeviceGrant(id, resourceName(), ledger.table().generation(), chosen));
    }

    ContainerEdits edits(DeviceGrant grant, Set<String> capabilities) throws DeviceException {
        return edits.edits(ledger.table(), grant, capabilities);
    }

    /** An operator gives a device back. */
    void lift(DeviceId id) throws DeviceException {
        ledger.liftQuarantine(id, host.monotonicNs());
        act(health.release(id, host.realtimeNs()));
        dirty = true;
    }

    void sample() {
        sampled = false;
        asked().sample();
    }

    /** Whether the last {@link #sample} was answered. */
    boolean sampled() {
        return sampled;
    }

    /** For readers. */
    DeviceSnapshot.Kind view() {
        return new StockPicture(ledger, health, samples, host::containerOf)
                .take(asked().name(), working, reason);
    }

    /** Ends the sources. */
    @Override
    public void close() {
        supply.first().close();
        supply.second().ifPresent(DeviceProvider::close);
        edits.close();
    }
}
