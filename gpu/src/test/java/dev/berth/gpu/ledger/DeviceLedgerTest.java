package dev.berth.gpu.ledger;

import static dev.berth.gpu.choice.Machines.id;
import static dev.berth.gpu.ledger.LedgerDesk.SECOND;
import static dev.berth.gpu.ledger.LedgerDesk.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.choice.Machines;
import dev.berth.gpu.ledger.LedgerEvent.AskReset;
import dev.berth.gpu.ledger.LedgerEvent.AskVerify;
import dev.berth.gpu.ledger.LedgerEvent.Cause;
import dev.berth.gpu.ledger.LedgerEvent.Granted;
import dev.berth.gpu.ledger.LedgerEvent.Refused;
import dev.berth.gpu.ledger.LedgerEvent.Waiting;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

class DeviceLedgerTest {
    private static final DeviceTable H100 = Machines.switched(8, 18);

    private static Refused refused(LedgerEvent.Answer answer) {
        return assertInstanceOf(Refused.class, answer);
    }

    private static <T> List<T> only(List<LedgerEvent> events, Class<T> type) {
        return events.stream().filter(type::isInstance).map(type::cast).toList();
    }

    @Test
    void devicesAreTheHoldersAloneUntilTheyAreFoundClean() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(H100);
        List<DeviceId> first = desk.granted(desk.ask(1, 2));
        assertEquals(2, first.size());
        assertEquals(6, desk.granted(desk.ask(2, 6)).size());
        assertEquals(Cause.UNAVAILABLE, refused(desk.ask(3, 1)).cause());
        desk.ledger.release(container(1), desk.now);
        desk.ledger.release(container(1), desk.now);
        assertEquals(
                List.of(
                        new LedgerEvent.Released(container(1), first),
                        new AskVerify(first.get(0)),
                        new AskVerify(first.get(1))),
                desk.take());
        Waiting waiting = assertInstanceOf(Waiting.class, desk.ask(3, 1));
        assertEquals(first, waiting.devices());
        assertEquals(desk.now + 10 * SECOND, waiting.deadlineNs());
        desk.clean(first.get(1));
        Granted granted = only(desk.take(), Granted.class).getFirst();
        assertEquals(container(3), granted.container());
        assertEquals(List.of(first.get(1)), granted.grant().devices());
    }

    @Test
    void aRefusalNamesEveryDeviceAndWhatStandsAgainstIt() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(4));
        desk.granted(desk.ask(1, new Selection.Named(List.of("0"))));
        desk.ledger.setUsable(id(1), false, "XID 79: fallen off the bus", desk.now);
        desk.ledger.quarantine(id(2), "by hand", desk.now);
        String reason = refused(desk.ask(2, 2)).reason();
        assertEquals(
                "2 of nvidia.com/gpu asked for, 1 of 4 to be had: "
                        + id(0)
                        + " (index 0) is granted to "
                        + container(1).shortForm()
                        + "; "
                        + id(1)
                        + " (index 1) is not healthy: XID 79: fallen off the bus; "
                        + id(2)
                        + " (index 2) is in quarantine: by hand",
                reason);
        assertEquals(Cause.NEVER, refused(desk.ask(2, 5)).cause());
        assertEquals(Cause.NEVER, refused(desk.ask(2, 0)).cause());
        assertEquals(
                Cause.NEVER, refused(desk.ask(2, new Selection.Named(List.of("GPU-f")))).cause());
        assertEquals(Cause.UNAVAILABLE, refused(desk.ask(2, new Selection.All())).cause());
        assertEquals(Cause.ALREADY, refused(desk.ask(1, 1)).cause());
        assertEquals(List.of(id(3)), desk.granted(desk.ask(2, 1)));
    }

    @Test
    void aWaitEndsAtItsDeadlineAndSaysWhatItWaitedFor() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(1));
        desk.granted(desk.ask(1, 1));
        desk.ledger.release(container(1), desk.now);
        desk.dirty(id(0), "process 4711 uses it", false);
        assertInstanceOf(Waiting.class, desk.ask(2, 1));
        assertEquals(Cause.ALREADY, refused(desk.ask(2, 1)).cause());
        desk.take();
        desk.pass(10 * SECOND - 1);
        assertEquals(List.of(), only(desk.take(), Refused.class));
        desk.pass(1);
        Refused refused = only(desk.take(), Refused.class).getFirst();
        assertEquals(Cause.WAITED_IN_VAIN, refused.cause());
        assertEquals(
                "waited 10000 ms in vain: "
                        + id(0)
                        + " (index 0) is being verified (last found: process 4711 uses it)",
                refused.reason());
    }

    @Test
    void aLargeRequestIsNotStarvedBySmallOnes() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(4));
        desk.granted(desk.ask(1, new Selection.Named(List.of("3"))));
        desk.ledger.release(container(1), desk.now);
        assertInstanceOf(Waiting.class, desk.ask(4, 4));
        // Three are free, and all three are kept for the one that asked first.
        assertInstanceOf(Waiting.class, desk.ask(5, 1));
        assertTrue(
                desk.ledger.explain(new Selection.Count(1), 3).unavailable().stream()
                        .anyMatch(left ->
                                left.reason().equals("kept for a request that waits for more")));
        desk.take();
        desk.clean(id(3));
        List<LedgerEvent> events = desk.take();
        assertEquals(container(4), only(events, Granted.class).getFirst().container());
        assertEquals(container(5), only(events, Refused.class).getFirst().container());
    }

    @Test
    void whatAnEarlierRequestCannotUseGoesToALaterOne() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(4));
        desk.granted(desk.ask(1, new Selection.Named(List.of("3"))));
        desk.ledger.release(container(1), desk.now);
        assertInstanceOf(Waiting.class, desk.ask(2, new Selection.Named(List.of("0", "3"))));
        assertEquals(List.of(id(1)), desk.granted(desk.ask(3, 1)));
        assertInstanceOf(Waiting.class, desk.ask(4, new Selection.Named(List.of("0"))));
        desk.take();
        desk.ledger.cancel(container(2), desk.now);
        assertEquals(container(4), only(desk.take(), Granted.class).getFirst().container());
    }

    @Test
    void whatIsNotCleanIsLookedAtAgainThenResetThenQuarantinedForEver() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(1));
        desk.granted(desk.ask(1, 1));
        desk.ledger.release(container(1), desk.now);
        assertInstanceOf(Waiting.class, desk.ask(2, 1));
        List<LedgerEvent> asked = new ArrayList<>();
        for (int reset = 0; reset < 3; reset++) {
            for (int look = 0; look < 3; look++) {
                asked.addAll(desk.take());
                assertEquals(DeviceState.VERIFYING, desk.state(id(0)));
                desk.dirty(id(0), "1 GiB in use", true);
                desk.pass(SECOND / 4);
            }
            desk.ledger.resetEnded(id(0), Optional.empty(), desk.now);
        }
        asked.addAll(desk.take());
        assertEquals(9, only(asked, AskVerify.class).size());
        assertEquals(2, only(asked, AskReset.class).size());
        assertEquals(DeviceState.QUARANTINED, desk.state(id(0)));
        assertEquals(
                "not clean after 2 resets: 1 GiB in use",
                only(asked, LedgerEvent.Quarantined.class).getFirst().reason());
        assertEquals(container(2), only(asked, Refused.class).getFirst().container());
        assertTrue(desk.journal.getLast().durable());
        desk.ledger = desk.recovered(Set.of());
        desk.ledger.onTable(Machines.sockets(1), desk.now);
        assertEquals(DeviceState.QUARANTINED, desk.state(id(0)));
        assertEquals(List.of(), only(desk.take(), AskVerify.class));
        desk.ledger.liftQuarantine(id(0), desk.now);
        assertEquals(DeviceState.VERIFYING, desk.state(id(0)));
        desk.clean(id(0));
        assertEquals(List.of(id(0)), desk.granted(desk.ask(3, 1)));
        assertThrows(DeviceException.class, () -> desk.ledger.liftQuarantine(id(7), desk.now));
    }

    @Test
    void anAnswerToAnEarlierLookIsNoAnswer() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(1));
        desk.ledger.recheck(id(0), desk.now);
        desk.ledger.quarantine(id(0), "by hand", desk.now);
        desk.ledger.liftQuarantine(id(0), desk.now);
        desk.clean(id(0));
        assertEquals(DeviceState.VERIFYING, desk.state(id(0)));
        desk.ledger.onTable(DeviceTable.empty(Machines.RESOURCE), desk.now);
        desk.ledger.onTable(Machines.sockets(1), desk.now);
        desk.clean(id(0));
        assertEquals(DeviceState.VERIFYING, desk.state(id(0)));
        desk.clean(id(0));
        assertEquals(DeviceState.FREE, desk.state(id(0)));
        desk.dirty(id(0), "somebody uses it unasked", false);
        assertEquals(DeviceState.VERIFYING, desk.state(id(0)));
    }

    @Test
    void aLookThatIsNeverAnsweredIsAskedForAgain() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(1));
        desk.ledger.recheck(id(0), desk.now);
        assertEquals(desk.now + 60 * SECOND, desk.ledger.dueNs());
        desk.pass(60 * SECOND);
        assertEquals(2, only(desk.take(), AskVerify.class).size());
        desk.clean(id(0));
        assertEquals(DeviceState.FREE, desk.state(id(0)));
    }

    @Test
    void whatCouldNotBeLookedAtIsAskedForAgainAndNotQuarantined() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(1));
        desk.ledger.recheck(id(0), desk.now);
        for (int i = 0; i < 100; i++) {
            assertEquals(1, only(desk.take(), AskVerify.class).size());
            desk.ledger.notVerified(id(0), "the driver does not answer", desk.now);
            desk.pass(SECOND);
        }
        assertEquals(DeviceState.VERIFYING, desk.state(id(0)));
        desk.clean(id(0));
        assertEquals(DeviceState.FREE, desk.state(id(0)));
    }

    @Test
    void recoveryKeepsWhatRunningContainersHoldAndVerifiesTheRest() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(H100);
        List<DeviceId> kept = desk.granted(desk.ask(1, 2));
        List<DeviceId> lost = desk.granted(desk.ask(2, 3));
        desk.ledger = desk.recovered(Set.of(container(1), container(9)));
        // Before the table nothing is refused.
        assertInstanceOf(Waiting.class, desk.ask(3, 6));
        desk.ledger.onTable(H100, desk.now);
        for (DeviceId id : kept) {
            assertEquals(DeviceState.GRANTED, desk.state(id));
        }
        for (DeviceId id : lost) {
            assertEquals(DeviceState.VERIFYING, desk.state(id));
        }
        assertEquals(6, only(desk.take(), AskVerify.class).size());
        H100.devices().forEach(device -> desk.clean(device.id()));
        assertEquals(6, only(desk.take(), Granted.class).getFirst().grant().devices().size());
        assertEquals(2, desk.ledger.records().size());
    }

    @Test
    void devicesComeAndGo() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(4));
        desk.granted(desk.ask(1, new Selection.Named(List.of("2", "3"))));
        DeviceTable less = Machines.sockets(3);
        desk.ledger.onTable(less, desk.now);
        assertEquals(List.of(new LedgerEvent.Gone(id(3), Optional.of(container(1)))), desk.take());
        assertEquals(Optional.empty(), desk.ledger.renew(container(1)));
        assertEquals(DeviceState.GRANTED, desk.state(id(3)));
        desk.ledger.onTable(Machines.sockets(4), desk.now);
        assertEquals(List.of(new LedgerEvent.Renumbered(id(3), container(1))), desk.take());
        assertTrue(desk.ledger.renew(container(1)).isPresent());
        desk.ledger.onTable(less, desk.now);
        desk.ledger.release(container(1), desk.now);
        assertEquals(3, desk.ledger.view().devices().size());
        desk.ledger.onTable(Machines.sockets(4), desk.now);
        assertEquals(DeviceState.VERIFYING, desk.state(id(3)));
    }

    @Test
    void attachTakesWhatIsNearestAndDetachGivesBackThatAlone() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(4));
        desk.granted(desk.ask(1, new Selection.Named(List.of("2"))));
        Granted more =
                assertInstanceOf(
                        Granted.class,
                        desk.ledger.attach(container(1), new Selection.Count(1), desk.now));
        assertEquals(List.of(id(3)), more.added());
        assertEquals(List.of(id(2), id(3)), more.grant().devices());
        assertThrows(
                DeviceException.class,
                () -> desk.ledger.detach(container(1), List.of(id(0)), desk.now));
        desk.ledger.detach(container(1), List.of(id(2)), desk.now);
        assertEquals(DeviceState.VERIFYING, desk.state(id(2)));
        assertEquals(List.of(id(3)), desk.ledger.grant(container(1)).orElseThrow().devices());
        desk.ledger = desk.recovered(Set.of(container(1)));
        assertEquals(List.of(id(3)), desk.ledger.grant(container(1)).orElseThrow().devices());
        desk.ledger.detach(container(1), List.of(id(3)), desk.now);
        assertEquals(Optional.empty(), desk.ledger.grant(container(1)));
    }

    @Test
    void aHeldDeviceIsQuarantinedWhenItComesBack() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(1));
        desk.granted(desk.ask(1, 1));
        desk.ledger.quarantine(id(0), "row remap failed", desk.now);
        assertEquals(DeviceState.GRANTED, desk.state(id(0)));
        desk.ledger = desk.recovered(Set.of(container(1)));
        desk.ledger.onTable(Machines.sockets(1), desk.now);
        assertEquals(DeviceState.GRANTED, desk.state(id(0)));
        desk.ledger.release(container(1), desk.now);
        assertEquals(DeviceState.QUARANTINED, desk.state(id(0)));
    }

    @Test
    void withoutAJournalNothingIsGivenOutAndEverythingComesBack() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(2));
        desk.granted(desk.ask(1, 1));
        desk.journalProblem = Optional.of("no space left on device");
        assertEquals(Cause.NOT_JOURNALED, refused(desk.ask(2, 1)).cause());
        desk.ledger.release(container(1), desk.now);
        assertEquals(1, only(desk.take(), LedgerEvent.JournalFailed.class).size());
        desk.clean(id(0));
        assertEquals(Cause.NOT_JOURNALED, refused(desk.ask(2, 1)).cause());
        assertTrue(desk.ledger.dueNs() <= desk.now);
        desk.pass(0);
        assertEquals(desk.now + SECOND / 4, desk.ledger.dueNs());
        desk.journalProblem = Optional.empty();
        desk.granted(desk.ask(2, 1));
        assertEquals(
                List.of(
                        GrantRecord.Granted.class,
                        GrantRecord.Released.class,
                        GrantRecord.Granted.class),
                desk.journal.stream().map(Object::getClass).toList());
    }

    @Test
    void twoContainersCannotBeSaidToHoldOneDevice() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(2));
        desk.granted(desk.ask(1, 1));
        DeviceGrant second = new DeviceGrant(container(2), Machines.RESOURCE, 1, List.of(id(0)));
        assertThrows(DeviceException.class, () -> desk.ledger.adopt(second, desk.now));
        desk.ledger.adopt(
                new DeviceGrant(container(2), Machines.RESOURCE, 1, List.of(id(1))), desk.now);
        assertEquals(Cause.UNAVAILABLE, refused(desk.ask(3, 1)).cause());
    }

    @Test
    void theViewIsTheSameUntilSomethingChanges() throws DeviceException {
        LedgerDesk desk = LedgerDesk.open(Machines.sockets(2));
        LedgerView view = desk.ledger.view();
        desk.pass(SECOND);
        assertEquals(view, desk.ledger.view());
        assertEquals(Long.MAX_VALUE, desk.ledger.dueNs());
        desk.granted(desk.ask(1, 1));
        assertEquals(Optional.of(container(1)), desk.ledger.view().devices().get(0).holder());
        assertEquals(Optional.empty(), view.devices().get(0).holder());
    }
}
