package dev.berth.gpu.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.Topology;
import dev.berth.gpu.health.DeviceHealth.State;
import dev.berth.gpu.health.DeviceHealth.Suspicion;
import dev.berth.isolator.ContainerId;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

final class HealthBookTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long NOW = 1_800_000_000L * SECOND;
    private static final DeviceId G0 = new DeviceId("GPU-0");
    private static final DeviceId G1 = new DeviceId("GPU-1");
    private static final ContainerId A = new ContainerId("a".repeat(64));
    private static final ContainerId B = new ContainerId("b".repeat(64));
    private static final Cleanliness CLEAN =
            new Cleanliness(List.of(), 0, 0, Optional.empty(), false);

    private final Map<Integer, ContainerId> owners = Map.of(7, A, 8, B);
    private int lookUps;
    private final HealthBook book = book("boot");

    private HealthBook book(String bootId) {
        return new HealthBook(
                new HealthPolicy(HealthSettings.DEFAULT),
                pid -> {
                    lookUps++;
                    return Optional.ofNullable(owners.get(pid));
                },
                bootId);
    }

    private static DeviceTable table(DeviceId... ids) {
        List<Device> devices = new ArrayList<>();
        for (DeviceId id : ids) {
            devices.add(
                    new Device(
                            id,
                            devices.size(),
                            "m",
                            OptionalInt.empty(),
                            Optional.empty(),
                            OptionalInt.empty(),
                            "",
                            0,
                            List.of(),
                            Map.of()));
        }
        return new DeviceTable(
                1,
                "x/y",
                DeviceTable.DriverFacts.NONE,
                devices,
                Topology.of(ids.length),
                List.of(),
                List.of());
    }

    private static HealthSignal xid(DeviceId device, int code, int pid, String source) {
        return signal(device, HealthSignal.Kind.XID, code, pid, source);
    }

    private static HealthSignal signal(
            DeviceId device, HealthSignal.Kind kind, int code, int pid, String source) {
        return new HealthSignal(
                Optional.ofNullable(device),
                kind,
                code,
                pid == 0 ? OptionalInt.empty() : OptionalInt.of(pid),
                "words",
                source,
                NOW);
    }

    private State state(DeviceId id) {
        return book.health(id).orElseThrow().state();
    }

    @Test
    void theSameXidFromNvmlAndTheKernelsLogIsOneLineAndOneFault() {
        book.onTable(table(G0), NOW);
        book.onHolders(G0, Set.of(A), NOW);
        book.onSignal(xid(G0, 31, 0, "nvml"), NOW);
        book.onSignal(xid(G0, 31, 7, "kmsg"), NOW + 300_000_000L);
        DeviceHealth health = book.health(G0).orElseThrow();
        assertThat(health.incidents()).hasSize(1);
        List<SignalHistory.Seen> seen = book.history(G0);
        assertThat(seen).hasSize(1);
        assertThat(seen.getFirst().source()).isEqualTo("nvml+kmsg");
        assertThat(seen.getFirst().pid()).hasValue(7);
        assertThat(seen.getFirst().container()).contains(A);
        assertThat(seen.getFirst().count()).isEqualTo(2);
        assertThat(seen.getFirst().action()).startsWith("RESTART_APP");
    }

    @Test
    void aProcessThatHoldsNothingIsNotBlamed() {
        book.onTable(table(G0), NOW);
        book.onHolders(G0, Set.of(A), NOW);
        List<HealthAction> actions = book.onSignal(xid(G0, 31, 8, "kmsg"), NOW);
        assertThat(actions)
                .contains(
                        new HealthAction.NotifyHolders(
                                G0, "XID 31: " + XidCatalog.of(31).meaning(), Optional.of(A)));
    }

    @Test
    void aStormCostsBoundedWorkAndNeverHidesAGraveSignal() {
        book.onTable(table(G0, G1), NOW);
        book.onHolders(G0, Set.of(A), NOW);
        int actions = 0;
        long began = System.nanoTime();
        for (int i = 0;
                i < 100_000;
                i++) { // ten seconds of 10 000 XIDs a second, from ever new processes
            int code = i % 2 == 0 ? 13 : 31;
            actions += book.onSignal(xid(G0, code, 1000 + i, "kmsg"), NOW + i * 100_000L).size();
        }
        long spent = System.nanoTime() - began;
        assertThat(actions).isLessThan(50);
        assertThat(lookUps).isLessThan(200);
        assertThat(book.history(G0).size()).isLessThanOrEqualTo(SignalHistory.SIZE);
        assertThat(book.shed(G0)).isGreaterThan(99_000);
        assertThat(spent)
                .as("100 000 signals took " + spent / 1_000_000 + " ms")
                .isLessThan(10 * SECOND);
        assertThat(book.health(G0).orElseThrow().incidents().size())
                .isLessThanOrEqualTo(DeviceHealth.MAX_INCIDENTS);
        assertThat(book.onSignal(xid(G0, 79, 0, "kmsg"), NOW + 10 * SECOND)).isNotEmpty();
        assertThat(state(G0)).isEqualTo(State.DRAINING);
        assertThat(state(G1)).isEqualTo(State.HEALTHY);
    }

    @Test
    void aStormOfOneXidIsOneLineThatCounts() {
        book.onTable(table(G0), NOW);
        book.onSignal(signal(G0, HealthSignal.Kind.XID, 63, 0, "kmsg"), NOW);
        for (int i = 0; i < 10_000; i++) {
            book.onSignal(xid(G0, 31, 7, "kmsg"), NOW + i * 100_000L);
        }
        assertThat(book.history(G0)).hasSize(2);
        assertThat(book.history(G0).getLast().count()).isEqualTo(10_000);
        assertThat(lookUps).isLessThan(10);
    }

    @Test
    void aHungDeviceIsWithheldWhileOthersAreGivenOut() {
        book.onTable(table(G0, G1), NOW);
        book.onSignal(signal(G0, HealthSignal.Kind.PROBE_HUNG, 0, 0, "probe"), NOW);
        book.onSource(false, "the worker hangs", NOW);
        assertThat(book.usable(G0)).isFalse();
        assertThat(book.usable(G1)).isTrue();
        book.onTime(NOW + 60 * SECOND);
        assertThat(book.usable(G1)).as("after a minute of hang").isTrue();
        assertThat(book.nextDeadlineNs()).isEqualTo(NOW + 300 * SECOND);
        book.onTime(NOW + 300 * SECOND);
        assertThat(book.usable(G1)).as("after the grace").isFalse();
        book.onSource(true, "", NOW + 400 * SECOND);
        assertThat(state(G1)).isEqualTo(State.VERIFYING);
        assertThat(state(G0)).as("its own hang is not over").isEqualTo(State.SUSPECT);
        book.onVerified(G1, CLEAN, NOW + 401 * SECOND);
        assertThat(book.usable(G1)).isTrue();
        assertThat(
                        book.onSignal(
                                signal(G0, HealthSignal.Kind.PROBE_ANSWERS, 0, 0, "probe"),
                                NOW + 402 * SECOND))
                .contains(new HealthAction.Verify(G0));
    }

    @Test
    void heldDevicesStayHeldWhenTheSourceIsLostAndAreWellAgainWithIt() {
        book.onTable(table(G0), NOW);
        book.onHolders(G0, Set.of(A), NOW);
        book.onSource(false, "gone", NOW);
        List<HealthAction> actions = book.onTime(NOW + 301 * SECOND);
        assertThat(actions).noneMatch(HealthAction.KillHolders.class::isInstance);
        assertThat(actions).noneMatch(HealthAction.NotifyHolders.class::isInstance);
        assertThat(book.health(G0).orElseThrow().suspicion()).isEqualTo(Suspicion.UNREACHABLE);
        book.onSource(true, "", NOW + 302 * SECOND);
        assertThat(state(G0)).isEqualTo(State.HEALTHY);
    }

    @Test
    void aVerificationThatCannotSayIsNoFailure() {
        book.onTable(table(G0), NOW);
        Cleanliness unknown =
                new Cleanliness(List.of(), -1, 0, Optional.of("memory is not known"), false);
        book.onVerified(G0, unknown, NOW);
        assertThat(book.health(G0).orElseThrow().suspicion()).isEqualTo(Suspicion.UNREACHABLE);
        book.onVerified(G0, CLEAN, NOW + SECOND);
        assertThat(book.usable(G0)).isTrue();
    }

    @Test
    void aFailedDeviceIsFailedAfterTheAgentsEndAndAfterItWasPulledOutUntilTheOperatorReleasesIt() {
        List<HealthRecord> kept = new ArrayList<>();
        book.onTable(table(G0), NOW);
        for (HealthAction action :
                book.onSignal(signal(G0, HealthSignal.Kind.ROW_REMAP_FAILED, 0, 0, "nvml"), NOW)) {
            if (action instanceof HealthAction.Persist(HealthRecord record)) {
                kept.add(record);
            }
        }
        assertThat(kept).hasSize(1);
        assertThat(kept.getFirst().bootId()).isEqualTo("boot");
        HealthBook second = book("another boot");
        second.restore(kept);
        second.onTable(table(), NOW + SECOND);
        second.onTable(table(G0), NOW + 2 * SECOND);
        assertThat(second.health(G0).orElseThrow().state()).isEqualTo(State.FAILED);
        assertThat(second.health(G0).orElseThrow().sinceNs()).isEqualTo(NOW);
        assertThat(second.usable(G0)).isFalse();
        second.onTable(table(G1), NOW + 3 * SECOND);
        assertThat(second.usable(G0)).isFalse();
        List<HealthAction> released = second.release(G0, NOW + 4 * SECOND);
        assertThat(released).contains(new HealthAction.Verify(G0));
        List<HealthAction> clean = second.onVerified(G0, CLEAN, NOW + 5 * SECOND);
        assertThat(clean).contains(new HealthAction.Forget(G0));
        assertThat(clean).contains(new HealthAction.SetUsable(G0, true, ""));
    }

    @Test
    void aLostDeviceIsVerifiedAfterTheNodeWasStartedAgain() {
        book.onTable(table(G0), NOW);
        book.onSignal(xid(G0, 79, 0, "kmsg"), NOW);
        assertThat(state(G0)).isEqualTo(State.FAILED);
        HealthRecord record =
                new HealthRecord(G0, State.FAILED, DeviceHealth.Cure.REBOOT, "lost", NOW, "boot");
        HealthBook same = book("boot");
        same.restore(List.of(record));
        same.onTable(table(G0), NOW);
        assertThat(same.health(G0).orElseThrow().state()).isEqualTo(State.FAILED);
        HealthBook other = book("boot 2");
        other.restore(List.of(record));
        assertThat(other.onTable(table(G0), NOW)).contains(new HealthAction.Verify(G0));
    }

    @Test
    void aDrainingDeviceThatIsStillHeldAtRecoveryIsNotReset() {
        HealthRecord record =
                new HealthRecord(G0, State.DRAINING, DeviceHealth.Cure.RESET, "why", NOW, "boot");
        book.restore(List.of(record));
        book.onHolders(G0, Set.of(A), NOW);
        assertThat(book.onTable(table(G0), NOW)).noneMatch(HealthAction.Reset.class::isInstance);
        assertThat(state(G0)).isEqualTo(State.DRAINING);
        assertThat(book.onHolders(G0, Set.of(), NOW + SECOND)).contains(new HealthAction.Reset(G0));
        assertThat(book.onReset(G0, Optional.of("busy"), NOW + 2 * SECOND))
                .contains(new HealthAction.Reset(G0));
        book.onReset(G0, Optional.of("busy"), NOW + 3 * SECOND);
        assertThat(state(G0)).isEqualTo(State.FAILED);
    }

    @Test
    void lostEventsHaveEveryDeviceLookedAt() {
        book.onTable(table(G0, G1), NOW);
        assertThat(book.onSignal(signal(null, HealthSignal.Kind.EVENTS_LOST, 0, 0, "kmsg"), NOW))
                .containsExactly(new HealthAction.Inspect(G0), new HealthAction.Inspect(G1));
    }

    @Test
    void signalsOfDevicesThatNobodyKnowsAreNothing() {
        assertThat(book.onSignal(xid(G0, 79, 0, "kmsg"), NOW)).isEmpty();
        assertThat(book.release(G0, NOW)).isEmpty();
        assertThat(book.usable(G0)).isFalse();
    }
}
