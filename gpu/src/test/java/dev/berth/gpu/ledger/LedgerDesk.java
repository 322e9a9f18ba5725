package dev.berth.gpu.ledger;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceRequest;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.choice.Machines;
import dev.berth.isolator.ContainerId;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** A ledger with a journal in memory and a clock that is turned by hand. */
final class LedgerDesk {
    static final long SECOND = 1_000_000_000L;
    static final Cleanliness CLEAN = new Cleanliness(List.of(), 0, 0, Optional.empty(), false);

    final List<GrantRecord> journal = new ArrayList<>();
    final List<LedgerEvent> events = new ArrayList<>();
    Optional<String> journalProblem = Optional.empty();
    long now = 17 * SECOND;
    DeviceLedger ledger;

    LedgerDesk() {
        ledger = recovered(Set.of());
    }

    /** With these devices, all verified. */
    static LedgerDesk open(DeviceTable table) throws DeviceException {
        LedgerDesk desk = new LedgerDesk();
        desk.ledger.onTable(table, desk.now);
        table.devices().forEach(device -> desk.clean(device.id()));
        desk.take();
        return desk;
    }

    DeviceLedger recovered(Set<ContainerId> running) {
        return DeviceLedger.recover(
                Machines.RESOURCE,
                LedgerSettings.DEFAULT,
                this::append,
                GrantSteps.UNWATCHED,
                List.copyOf(journal),
                running,
                now);
    }

    private void append(GrantRecord record) throws DeviceException {
        if (journalProblem.isPresent()) {
            throw new DeviceException(journalProblem.get());
        }
        journal.add(record);
    }

    static ContainerId container(int number) {
        return new ContainerId(String.format(Locale.ROOT, "%064x", (long) number << 32 | number));
    }

    static DeviceRequest of(Selection selection) {
        return new DeviceRequest(Machines.RESOURCE, selection, Set.of());
    }

    LedgerEvent.Answer ask(int container, Selection selection) {
        return ledger.request(container(container), of(selection), now);
    }

    LedgerEvent.Answer ask(int container, int count) {
        return ask(container, new Selection.Count(count));
    }

    List<DeviceId> granted(LedgerEvent.Answer answer) {
        return assertInstanceOf(LedgerEvent.Granted.class, answer).added();
    }

    void clean(DeviceId id) {
        ledger.verified(id, CLEAN, now);
    }

    void dirty(DeviceId id, String problem, boolean resetHelps) {
        ledger.verified(
                id, new Cleanliness(List.of(), 1 << 30, 0, Optional.of(problem), resetHelps), now);
    }

    void pass(long ns) {
        now += ns;
        ledger.tick(now);
    }

    /** What happened since the last call. */
    List<LedgerEvent> take() {
        ledger.poll(events::add, Integer.MAX_VALUE);
        List<LedgerEvent> taken = List.copyOf(events);
        events.clear();
        return taken;
    }

    DeviceState state(DeviceId id) {
        return ledger.view().devices().stream()
                .filter(device -> device.id().equals(id))
                .findFirst()
                .orElseThrow()
                .state();
    }
}
