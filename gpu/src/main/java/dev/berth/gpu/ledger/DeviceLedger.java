package dev.berth.gpu.ledger;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceRequest;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.choice.Explanation;
import dev.berth.gpu.ledger.GrantLog.Replayed;
import dev.berth.gpu.ledger.Judge.Verdict;
import dev.berth.gpu.ledger.Judge.Want;
import dev.berth.gpu.ledger.LedgerEvent.Answer;
import dev.berth.gpu.ledger.LedgerEvent.Cause;
import dev.berth.gpu.ledger.LedgerEvent.LedgerEventHandler;
import dev.berth.isolator.ContainerId;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The book of one kind of devices: {@code package-info} says how it is kept. It starts nothing and asks nobody; what it wants done are events, taken by {@link #poll}.
 *
 * <p>Thread: conductor. Times are the monotonic clock's, in nanoseconds, and never go back.
 */
public class DeviceLedger {
    private final String resourceName;
    private final LedgerSettings settings;
    private final GrantSteps steps;
    private final ArrayDeque<LedgerEvent> events = new ArrayDeque<>();
    private final GrantLog log;
    private final Hygiene hygiene;
    private final Inventory inventory;
    private final Judge judge;
    private final Requests requests;
    private final Holdings grants;

    private Optional<LedgerView> view = Optional.empty();

    /** When records that could not be written are tried again. */
    private long retryNs;

    /** Not for others to extend: tests break it in order to see that they would notice. */
    DeviceLedger(
            String resourceName, LedgerSettings settings, GrantJournal journal, GrantSteps steps) {
        this.resourceName = resourceName;
        this.settings = settings;
        this.steps = steps;
        this.log = new GrantLog(journal, events);
        this.hygiene = new Hygiene(settings, events);
        this.inventory = new Inventory(resourceName);
        this.grants = new Holdings(inventory);
        this.judge = new Judge(inventory);
        this.requests = new Requests(inventory, events, this::judge, this::give);
    }

    /**
     * A ledger that goes on where another one ended, or begins: grants of running containers stand, devices of all others will be verified when the first table has them, quarantine stays. Until that table, requests wait.
     *
     * @param resourceName the kind of device that it is about
     * @param records what {@code journal} holds, oldest first
     * @param running the containers that run now, whether they hold devices or not
     */
    public static DeviceLedger recover(
            String resourceName,
            LedgerSettings settings,
            GrantJournal journal,
            GrantSteps steps,
            List<GrantRecord> records,
            Set<ContainerId> running,
            long nowNs) {
        DeviceLedger ledger = new DeviceLedger(resourceName, settings, journal, steps);
        ledger.replay(records, running, nowNs);
        return ledger;
    }

    void replay(List<GrantRecord> records, Set<ContainerId> running, long nowNs) {
        Replayed replayed = Replayed.of(records);
        for (DeviceGrant grant : replayed.grants().values()) {
            if (running.contains(grant.container())) {
                hold(grant, nowNs);
            } else {
                log.take(new GrantRecord.Released(grant.container()));
                steps.reached(GrantStep.LEFTOVER_JOURNALED);
            }
        }
        replayed.quarantined()
                .forEach((id, reason) -> {
                    Slot slot = inventory.claim(id, nowNs);
                    slot.condemned = Optional.of(reason);
                    if (slot.state != DeviceState.GRANTED) {
                        slot.become(DeviceState.QUARANTINED, nowNs);
                    }
                });
        steps.reached(GrantStep.RECOVERED);
    }

    void hold(DeviceGrant grant, long nowNs) {
        grants.hold(grant, nowNs);
    }

    public String resourceName() {
        return resourceName;
    }

    /** The devices as last told; empty before the first table. */
    public DeviceTable table() {
        return inventory.table();
    }

    /**
     * Asks for devices for a container that is to be started, all or nothing. When this returns {@link LedgerEvent.Granted} they are its own and the journal has it: the caller launches, and calls {@link #release} when the
     * container has ended or could not be started.
     */
    public Answer request(ContainerId container, DeviceRequest request, long nowNs) {
        if (!request.resourceName().equals(resourceName)) {
            throw new IllegalArgumentException(
                    request.resourceName() + " asked of the ledger of " + resourceName);
        }
        if (grants.find(container).isPresent()) {
            return new LedgerEvent.Refused(
                    container,
                    Cause.ALREADY,
                    "container " + container.shortForm() + " holds devices already");
        }
        return ask(container, request.selection(), false, nowNs);
    }

    /** Asks for further devices for a container that runs; those nearest to what it holds are preferred. After {@link LedgerEvent.Granted} the caller opens them to the container, and calls {@link #detach} if it cannot. */
    public Answer attach(ContainerId container, Selection selection, long nowNs) {
        return ask(container, selection, true, nowNs);
    }

    private Answer ask(ContainerId container, Selection selection, boolean attach, long nowNs) {
        view = Optional.empty();
        return requests.ask(
                new Want(container, selection, attach, nowNs + settings.waitNs()), nowNs);
    }

    /** {@code kept} is kept for those who asked before. */
    Verdict judge(Want want, long kept) {
        return judge.judge(want, kept, want.attach() ? grants.mask(want.container()) : 0);
    }

    Answer give(Want want, long devices, long nowNs) {
        List<DeviceId> added = inventory.ids(devices);
        DeviceGrant grant = grants.with(want.container(), devices);
        Optional<String> problem = log.give(grant);
        if (problem.isPresent()) {
            return new LedgerEvent.Refused(
                    want.container(),
                    Cause.NOT_JOURNALED,
                    "grant of " + added + " cannot be journaled: " + problem.get());
        }
        steps.reached(want.attach() ? GrantStep.ATTACH_JOURNALED : GrantStep.GRANT_JOURNALED);
        hold(grant, nowNs);
        view = Optional.empty();
        steps.reached(want.attach() ? GrantStep.ATTACHED : GrantStep.GRANTED);
        return new LedgerEvent.Granted(want.container(), grant, added);
    }

    /** Whoever asked no longer wants an answer; nothing happens when it was answered. */
    public void cancel(ContainerId container, long nowNs) {
        if (requests.cancel(container)) {
            serve(nowNs);
        }
    }

    /** The container has no process left, or never had one: its devices are verified. Idempotent; ends its waiting too. */
    public void release(ContainerId container, long nowNs) {
        requests.cancel(container);
        Optional<DeviceGrant> grant = grants.remove(container);
        if (grant.isPresent()) {
            log.take(new GrantRecord.Released(container));
            steps.reached(GrantStep.RELEASE_JOURNALED);
            events.add(new LedgerEvent.Released(container, grant.get().devices()));
            giveBack(grant.get().devices(), nowNs);
            steps.reached(GrantStep.RELEASED);
        }
        serve(nowNs);
    }

    /**
     * The caller has closed these devices to the container, which runs on: they are verified.
     *
     * @throws DeviceException when it does not hold one of them; then nothing was changed
     */
    public void detach(ContainerId container, Collection<DeviceId> devices, long nowNs)
            throws DeviceException {
        DeviceGrant grant = grants.holding(container, devices);
        if (devices.isEmpty()) {
            return;
        }
        List<DeviceId> left = Holdings.without(grant, devices);
        if (left.isEmpty()) {
            grants.remove(container);
            log.take(new GrantRecord.Released(container));
        } else {
            DeviceGrant less = new DeviceGrant(container, resourceName, grant.generation(), left);
            grants.put(less);
            log.take(new GrantRecord.Granted(less));
        }
        steps.reached(GrantStep.DETACH_JOURNALED);
        List<DeviceId> gone = Holdings.without(grant, left);
        events.add(new LedgerEvent.Released(container, gone));
        giveBack(gone, nowNs);
        steps.reached(GrantStep.DETACHED);
        serve(nowNs);
    }

    private void giveBack(List<DeviceId> devices, long nowNs) {
        for (DeviceId id : devices) {
            inventory.find(id).ifPresent(slot -> giveBack(slot, nowNs));
        }
    }

    void giveBack(Slot slot, long nowNs) {
        if (slot.condemned.isPresent()) {
            slot.become(DeviceState.QUARANTINED, nowNs);
            events.add(new LedgerEvent.Quarantined(slot.id, slot.condemned.get()));
        } else if (slot.present()) {
            hygiene.begin(slot, nowNs);
        } else {
            // When it comes back, it is verified like any device that comes.
            inventory.forget(slot);
        }
    }

    /** What the container holds. */
    public Optional<DeviceGrant> grant(ContainerId container) {
        return grants.find(container);
    }

    /** All grants, oldest first. */
    public List<DeviceGrant> grants() {
        return List.copyOf(grants.all());
    }

    /** The container's grant for the table as it is now, so that a launch that was planned with an earlier one is planned again; empty when a device of it is gone or unusable: release and ask again. */
    public Optional<DeviceGrant> renew(ContainerId container) {
        return grants.renew(container);
    }

    /**
     * A running container holds these though the journal does not say so.
     *
     * @throws DeviceException when another container holds one of them; then nothing was changed
     */
    public void adopt(DeviceGrant grant, long nowNs) throws DeviceException {
        grants.checkNobodyElseHolds(grant);
        Optional<DeviceGrant> former = grants.find(grant.container());
        log.take(new GrantRecord.Granted(grant));
        hold(grant, nowNs);
        former.ifPresent(held -> giveBack(Holdings.without(held, grant.devices()), nowNs));
        serve(nowNs);
    }

    /** Answer to {@link LedgerEvent.AskVerify}, one for each, in the order in which they were asked. */
    public void verified(DeviceId device, Cleanliness found, long nowNs) {
        boolean current = inventory.looks(device).answered();
        inventory.find(device).ifPresent(slot -> onLook(slot, found, current, nowNs));
    }

    void onLook(Slot slot, Cleanliness found, boolean current, long nowNs) {
        if (slot.state == DeviceState.FREE && !found.clean()) {
            hygiene.begin(slot, nowNs);
            serve(nowNs);
            return;
        }
        if (slot.state != DeviceState.VERIFYING) {
            return;
        }
        view = Optional.empty();
        switch (hygiene.onLook(slot, found, current, nowNs)) {
            case CLEAN -> {
                slot.become(DeviceState.FREE, nowNs);
                events.add(new LedgerEvent.Clean(slot.id));
                steps.reached(GrantStep.CLEANED);
                serve(nowNs);
            }
            case RESET_ASKED -> steps.reached(GrantStep.RESET_ASKED);
            case HOPELESS -> {
                condemn(slot, "not clean after " + slot.resets + " resets: " + slot.found, nowNs);
                serve(nowNs);
            }
            case ON_THE_LADDER -> {}
        }
    }

    /** Answer to {@link LedgerEvent.AskVerify} when the source could not look, hung or gone: counts for nothing, and is asked for again. */
    public void notVerified(DeviceId device, String why, long nowNs) {
        boolean current = inventory.looks(device).answered();
        inventory
                .find(device)
                .filter(slot -> slot.state == DeviceState.VERIFYING)
                .ifPresent(slot -> hygiene.onNoLook(slot, why, current, nowNs));
        view = Optional.empty();
    }

    /** Answer to {@link LedgerEvent.AskReset}. */
    public void resetEnded(DeviceId device, Optional<String> failure, long nowNs) {
        inventory
                .find(device)
                .filter(slot -> slot.state == DeviceState.VERIFYING && slot.present())
                .ifPresent(slot -> hygiene.onReset(slot, failure, nowNs));
        view = Optional.empty();
    }

    /** Health wants a free device looked at before it is given out again; others are looked at anyway. */
    public void recheck(DeviceId device, long nowNs) {
        inventory
                .find(device)
                .filter(slot -> slot.state == DeviceState.FREE)
                .ifPresent(slot -> {
                    hygiene.begin(slot, nowNs);
                    serve(nowNs);
                });
    }

    /**
     * Whether health lets the device be given out; holds until said otherwise, also for devices that come later. Who holds it keeps it.
     *
     * @param reason in words, when it is not
     */
    public void setUsable(DeviceId device, boolean usable, String reason, long nowNs) {
        inventory.setUsable(device, usable ? Optional.empty() : Optional.of(reason));
        serve(nowNs);
    }

    /** Keeps the device from everybody, over restarts, until {@link #liftQuarantine}; a holder keeps it to its end. */
    public void quarantine(DeviceId device, String reason, long nowNs) {
        condemn(inventory.claim(device, nowNs), reason, nowNs);
        serve(nowNs);
    }

    void condemn(Slot slot, String reason, long nowNs) {
        if (slot.condemned.isPresent()) {
            return;
        }
        slot.condemned = Optional.of(reason);
        log.take(new GrantRecord.Quarantined(slot.id, reason));
        steps.reached(GrantStep.QUARANTINE_JOURNALED);
        if (slot.state != DeviceState.GRANTED) {
            slot.become(DeviceState.QUARANTINED, nowNs);
            events.add(new LedgerEvent.Quarantined(slot.id, reason));
        }
        steps.reached(GrantStep.QUARANTINED);
    }

    /**
     * An operator says that the device may be given out again: it is verified. Without effect on a device that is held or being verified.
     *
     * @throws DeviceException when there is no such device
     */
    public void liftQuarantine(DeviceId device, long nowNs) throws DeviceException {
        Slot slot =
                inventory
                        .find(device)
                        .orElseThrow(() -> new DeviceException("no device '" + device + "'"));
        if (slot.condemned.isPresent()) {
            slot.condemned = Optional.empty();
            log.take(new GrantRecord.QuarantineLifted(device));
            steps.reached(GrantStep.LIFT_JOURNALED);
        }
        if (slot.state == DeviceState.QUARANTINED || slot.state == DeviceState.FREE) {
            giveBack(slot, nowNs);
        }
        steps.reached(GrantStep.LIFTED);
        serve(nowNs);
    }

    /**
     * The devices are now these. Those that came are verified; those that are gone and nobody's are forgotten; what is held stays held.
     *
     * @throws DeviceException when they are too many; then nothing was changed
     */
    public void onTable(DeviceTable table, long nowNs) throws DeviceException {
        if (!table.resourceName().equals(resourceName)) {
            throw new IllegalArgumentException(
                    table.resourceName() + " told to the ledger of " + resourceName);
        }
        for (Slot slot : inventory.take(table, events, nowNs)) {
            hygiene.begin(slot, nowNs);
        }
        serve(nowNs);
    }

    /** Does what is due: looks and resets again, ends waits, writes what could not be written. Then readies the next answer, so that a request finds it. */
    public void tick(long nowNs) {
        log.flush();
        retryNs = nowNs + settings.pauseNs();
        for (Slot slot : inventory.present()) {
            if (slot.state == DeviceState.VERIFYING) {
                hygiene.onTime(slot, nowNs);
            }
        }
        expire(nowNs);
        inventory.chooser().prepare(inventory.free() & ~requests.kept());
    }

    void expire(long nowNs) {
        requests.expire(settings.waitNs(), nowNs);
        view = Optional.empty();
    }

    /** When {@link #tick} has something to do next; {@link Long#MAX_VALUE} when nothing is due. */
    public long dueNs() {
        long due = log.lags() ? retryNs : Long.MAX_VALUE;
        for (Want want : requests.waiting()) {
            due = Math.min(due, want.deadlineNs());
        }
        for (Slot slot : inventory.present()) {
            due = slot.state == DeviceState.VERIFYING ? Math.min(due, slot.dueNs) : due;
        }
        return due;
    }

    private void serve(long nowNs) {
        view = Optional.empty();
        requests.serve(nowNs);
    }

    /** Delivers at most {@code limit} events; returns how many. */
    public int poll(LedgerEventHandler handler, int limit) {
        int count = 0;
        while (count < limit && !events.isEmpty()) {
            handler.onEvent(events.remove());
            count++;
        }
        return count;
    }

    /** The same one until something changes. */
    public LedgerView view() {
        if (view.isEmpty()) {
            view = Optional.of(Views.of(inventory, requests));
        }
        return view.get();
    }

    /** What a request would get now, and why; changes nothing. */
    public Explanation explain(Selection selection, int limit) {
        return Views.explain(inventory, requests, selection, limit);
    }

    /** The shortest journal that says the same, to replace a long one. */
    public List<GrantRecord> records() {
        return Views.records(inventory, grants.all());
    }
}
