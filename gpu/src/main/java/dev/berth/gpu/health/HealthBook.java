package dev.berth.gpu.health;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.HealthSignal;
import dev.berth.isolator.ContainerId;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;

/**
 * The health of one provider's devices: keeps what {@link HealthPolicy} makes of the events, in front of it a storm guard, beside it a history of signals. Every method returns what has to be done now, in order.
 *
 * <p>At the agent's start: {@link #restore}, then {@link #onHolders} for every device that a recovered container holds, then events as they come.
 *
 * <p>When the whole source stops answering, held devices stay held and devices that are free and healthy are still given out for {@link HealthSettings#sourceGraceNs}: they were well when last seen, the kernel's
 * log is still heard where it is read, and a hang of NVML mostly concerns one device while its lock stops the view of all. A device that becomes free meanwhile is not given out, since it cannot be verified. After
 * that time all are UNREACHABLE until the source answers.
 *
 * <p>Thread: conductor. Times: CLOCK_REALTIME in nanoseconds.
 */
public final class HealthBook {
    private final HealthPolicy policy;
    private final IntFunction<Optional<ContainerId>> owner;
    private final String bootId;
    private final Map<DeviceId, Page> pages = new LinkedHashMap<>();
    private final Map<DeviceId, HealthRecord> records = new HashMap<>();
    private final Map<DeviceId, Set<ContainerId>> holders = new HashMap<>();
    private String sourceReason = "";
    private long sourceDownNs = DeviceHealth.NEVER;
    private boolean sourceGivenUp;

    /** One device. */
    private static final class Page {
        DeviceHealth health;
        final StormGuard guard;
        final SignalHistory history = new SignalHistory();
        long shed;
        boolean unreachableBySource;

        Page(DeviceHealth health, HealthSettings settings) {
            this.health = health;
            this.guard = new StormGuard(settings);
        }
    }

    /**
     * @param owner container of a pid, see {@link ProcessOwner#of}
     * @param bootId content of {@code /proc/sys/kernel/random/boot_id}
     */
    public HealthBook(
            HealthPolicy policy, IntFunction<Optional<ContainerId>> owner, String bootId) {
        this.policy = policy;
        this.owner = owner;
        this.bootId = bootId;
    }

    /** Takes over what an earlier agent persisted; before anything else. */
    public void restore(Collection<HealthRecord> kept) {
        kept.forEach(record -> records.put(record.device(), record));
    }

    /** The provider's devices are now these. Devices that are gone keep their page: one that comes back FAILED is still FAILED. */
    public List<HealthAction> onTable(DeviceTable table, long now) {
        List<HealthAction> actions = new ArrayList<>();
        for (Device device : table.devices()) {
            DeviceId id = device.id();
            if (pages.containsKey(id)) {
                continue;
            }
            boolean held = !holders.getOrDefault(id, Set.of()).isEmpty();
            Page page = new Page(DeviceHealth.healthy(id, now).withHeld(held), policy.settings());
            pages.put(id, page);
            HealthRecord record = records.remove(id);
            if (record != null) {
                apply(page, policy.restored(record, held, bootId, now), actions);
            }
        }
        return actions;
    }

    /** Something was said of one device or of all; the action of the first step that it caused is in the history. */
    public List<HealthAction> onSignal(HealthSignal signal, long now) {
        List<HealthAction> actions = new ArrayList<>();
        if (signal.device().isPresent()) {
            Page page = pages.get(signal.device().get());
            if (page != null) {
                signal(page, signal, now, actions);
            }
            return actions;
        }
        for (Page page : pages.values()) {
            signal(page, signal, now, actions);
        }
        return actions;
    }

    private void signal(Page page, HealthSignal signal, long now, List<HealthAction> actions) {
        Diagnosis diagnosis = Diagnosis.of(signal);
        switch (page.guard.admit(signal, diagnosis.weight(), now)) {
            case SHED -> page.shed++;
            case REPEATED -> page.history.add(signal, Optional.empty(), diagnosis.action(), now);
            case NEW, OTHER_SOURCE -> {
                Optional<ContainerId> blamed = blame(page.health.device(), signal);
                page.history.add(signal, blamed, diagnosis.action(), now);
                // The second report of one fault says nothing new but, maybe, whose it was: the
                // policy counts it once.
                step(page, diagnosis.blaming(blamed).input(), now, actions);
            }
        }
    }

    /** Whose process it was: by its pid where that belongs to a holder, else the only holder. */
    private Optional<ContainerId> blame(DeviceId device, HealthSignal signal) {
        Set<ContainerId> held = holders.getOrDefault(device, Set.of());
        if (signal.pid().isPresent()) {
            Optional<ContainerId> found = owner.apply(signal.pid().getAsInt());
            if (found.isPresent() && held.contains(found.get())) {
                return found;
            }
        }
        return held.size() == 1 ? Optional.of(held.iterator().next()) : Optional.empty();
    }

    /** Answer to a verification, whoever asked for it. */
    public List<HealthAction> onVerified(DeviceId device, Cleanliness found, long now) {
        return input(device, Diagnosis.of(found), now);
    }

    /** A reset ended; {@code failure} as {@link dev.berth.gpu.DeviceEvent.ResetEnded}. */
    public List<HealthAction> onReset(DeviceId device, Optional<String> failure, long now) {
        HealthInput input =
                failure.<HealthInput>map(HealthInput.ResetFailed::new)
                        .orElseGet(HealthInput.ResetDone::new);
        return input(device, input, now);
    }

    /** Who holds the device now; also before it is in a table. */
    public List<HealthAction> onHolders(DeviceId device, Set<ContainerId> now, long realtimeNs) {
        boolean before = !holders.getOrDefault(device, Set.of()).isEmpty();
        if (now.isEmpty()) {
            holders.remove(device);
        } else {
            holders.put(device, Set.copyOf(now));
        }
        if (before != now.isEmpty()) {
            return List.of();
        }
        return input(
                device,
                now.isEmpty() ? new HealthInput.Idle() : new HealthInput.Held(),
                realtimeNs);
    }

    /** How the source fares, see {@link dev.berth.gpu.DeviceEvent.SourceChanged}. */
    public List<HealthAction> onSource(boolean working, String reason, long now) {
        List<HealthAction> actions = new ArrayList<>();
        if (!working) {
            if (sourceDownNs == DeviceHealth.NEVER) {
                sourceDownNs = now;
            }
            sourceReason = reason;
            return actions;
        }
        sourceDownNs = DeviceHealth.NEVER;
        sourceReason = "";
        sourceGivenUp = false;
        for (Page page : pages.values()) {
            if (page.unreachableBySource) {
                page.unreachableBySource = false;
                step(page, new HealthInput.Reachable(), now, actions);
            }
        }
        return actions;
    }

    /** Time passes; call it at {@link #nextDeadlineNs}, earlier does no harm. */
    public List<HealthAction> onTime(long now) {
        List<HealthAction> actions = new ArrayList<>();
        if (!sourceGivenUp && sourceDeadlineNs() <= now) {
            sourceGivenUp = true;
            String reason = "the source of this device does not answer: " + sourceReason;
            for (Page page : pages.values()) {
                boolean reachable = page.health.suspicion() != DeviceHealth.Suspicion.UNREACHABLE;
                step(page, new HealthInput.Unreachable(reason), now, actions);
                page.unreachableBySource =
                        reachable && page.health.suspicion() == DeviceHealth.Suspicion.UNREACHABLE;
            }
        }
        for (Page page : pages.values()) {
            if (page.health.deadlineNs() <= now) {
                step(page, new HealthInput.Elapsed(), now, actions);
            }
        }
        return actions;
    }

    private long sourceDeadlineNs() {
        return sourceDownNs == DeviceHealth.NEVER
                ? DeviceHealth.NEVER
                : sourceDownNs + policy.settings().sourceGraceNs();
    }

    /** When {@link #onTime} has something to do; {@link DeviceHealth#NEVER} when nothing is due. */
    public long nextDeadlineNs() {
        long next = sourceGivenUp ? DeviceHealth.NEVER : sourceDeadlineNs();
        for (Page page : pages.values()) {
            next = Math.min(next, page.health.deadlineNs());
        }
        return next;
    }

    /** The operator gives a device back; it is verified first. Unknown devices are none of ours: nothing. */
    public List<HealthAction> release(DeviceId device, long now) {
        return input(device, new HealthInput.Released(), now);
    }

    private List<HealthAction> input(DeviceId device, HealthInput input, long now) {
        List<HealthAction> actions = new ArrayList<>();
        Page page = pages.get(device);
        if (page != null) {
            step(page, input, now, actions);
        }
        return actions;
    }

    private void step(Page page, HealthInput input, long now, List<HealthAction> actions) {
        apply(page, policy.next(page.health, input, now), actions);
    }

    private void apply(Page page, HealthPolicy.Step step, List<HealthAction> actions) {
        page.health = step.health();
        for (HealthAction action : step.actions()) {
            actions.add(
                    action instanceof HealthAction.Persist(HealthRecord r) ? persist(r) : action);
        }
    }

    private HealthAction persist(HealthRecord r) {
        return new HealthAction.Persist(
                new HealthRecord(r.device(), r.state(), r.cure(), r.reason(), r.sinceNs(), bootId));
    }

    /** Empty for a device that was never in a table. */
    public Optional<DeviceHealth> health(DeviceId device) {
        Page page = pages.get(device);
        return page == null ? Optional.empty() : Optional.of(page.health);
    }

    /** Whether it may be given out. */
    public boolean usable(DeviceId device) {
        Page page = pages.get(device);
        return page != null && page.health.usable();
    }

    /** The last signals of a device, oldest first. */
    public List<SignalHistory.Seen> history(DeviceId device) {
        Page page = pages.get(device);
        return page == null ? List.of() : page.history.seen();
    }

    /** Signals of a device that came too fast to be looked at, since the agent's start. */
    public long shed(DeviceId device) {
        Page page = pages.get(device);
        return page == null ? 0 : page.shed;
    }

    /** Every device that was ever in a table, in the order in which it came. */
    public List<DeviceId> devices() {
        return List.copyOf(pages.keySet());
    }
}
