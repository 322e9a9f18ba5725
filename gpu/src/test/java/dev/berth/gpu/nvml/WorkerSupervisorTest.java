package dev.berth.gpu.nvml;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.HealthSignal.Kind;
import dev.berth.linux.Fd;
import dev.berth.nvml.NvmlEventSet;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What the lane decides, without a process and without time passing. */
class WorkerSupervisorTest {
    private static final DeviceId ZERO = new DeviceId("GPU-0");
    private static final DeviceId ONE = new DeviceId("GPU-1");
    private static final Duration QUERY = Duration.ofSeconds(5);
    private static final Duration A_MOMENT = Duration.ofMillis(1);

    @TempDir Path root;
    private final FakeWorkers workers = new FakeWorkers();
    private final List<DeviceEvent> events = new ArrayList<>();
    private final List<String> resets = new ArrayList<>();
    private Optional<String> resetFailure = Optional.empty();
    private WorkerSupervisor supervisor;

    @BeforeEach
    void make() {
        NvmlSettings.Worker worker =
                new NvmlSettings.Worker(
                        Path.of("/java"),
                        "",
                        List.of(),
                        Map.of(),
                        Fd.borrowed(2),
                        Optional.empty());
        supervisor =
                new WorkerSupervisor(
                        NvmlSettings.of(root, Path.of("/lib"), worker),
                        workers,
                        address -> {
                            resets.add(address.toString());
                            return resetFailure;
                        },
                        () -> workers.nowNs,
                        () -> 0,
                        events::add);
    }

    /** Steps until nothing is to be done at this moment. */
    private void settle() {
        for (int i = 0; i < 20; i++) {
            supervisor.step();
        }
    }

    /** Lets time pass to where the supervisor wants to be woken, until the time is over. */
    private void pass(Duration time) {
        long end = workers.nowNs + time.toNanos();
        settle();
        while (supervisor.wakeAtNs() - end <= 0 && supervisor.wakeAtNs() - workers.nowNs > 0) {
            workers.nowNs = supervisor.wakeAtNs();
            settle();
        }
        workers.nowNs = end;
        settle();
    }

    private <T> List<T> of(Class<T> type) {
        return events.stream().filter(type::isInstance).map(type::cast).toList();
    }

    private List<Kind> signals() {
        return of(DeviceEvent.Signalled.class).stream().map(e -> e.signal().kind()).toList();
    }

    private DeviceEvent.SourceChanged source() {
        return of(DeviceEvent.SourceChanged.class).getLast();
    }

    @Test
    void theFirstTableEndsDiscoveryAndTheSourceWorks() {
        settle();
        assertThat(of(DeviceEvent.TableChanged.class))
                .singleElement()
                .satisfies(e -> {
                    assertThat(e.table().devices()).hasSize(2);
                    assertThat(e.table().generation()).isEqualTo(1);
                });
        assertThat(source()).isEqualTo(new DeviceEvent.SourceChanged(true, ""));
        assertThat(workers.started).hasSize(1);
    }

    @Test
    void everyRequestIsAnswered() {
        settle();
        supervisor.verify(ZERO);
        supervisor.verify(new DeviceId("GPU-stranger"));
        supervisor.reset(new DeviceId("GPU-stranger"));
        supervisor.sample();
        settle();
        assertThat(of(DeviceEvent.Verified.class)).hasSize(2);
        assertThat(of(DeviceEvent.Verified.class).getFirst().found().clean()).isTrue();
        assertThat(of(DeviceEvent.ResetEnded.class).getFirst().failure()).isPresent();
        assertThat(of(DeviceEvent.Sampled.class))
                .singleElement()
                .satisfies(e -> assertThat(e.samples()).hasSize(2));
    }

    @Test
    void aResetIsRunWhenTheWorkerHasLetGoAndTheDevicesAreFoundAgain() {
        settle();
        supervisor.reset(ONE);
        settle();
        assertThat(resets).containsExactly("0000:01:00.0");
        List<WorkerCommand> commands = workers.last().commands;
        int letGo = commands.indexOf(new WorkerCommand.LetGo());
        assertThat(letGo).isPositive();
        assertThat(commands.get(letGo + 1)).isInstanceOf(WorkerCommand.Discover.class);
        assertThat(of(DeviceEvent.ResetEnded.class))
                .containsExactly(new DeviceEvent.ResetEnded(ONE, Optional.empty()));
        assertThat(of(DeviceEvent.TableChanged.class)).as("nothing has changed").hasSize(1);
    }

    @Test
    void aResetThatFailsSaysWhy() {
        resetFailure = Optional.of("in use");
        settle();
        supervisor.reset(ONE);
        settle();
        assertThat(of(DeviceEvent.ResetEnded.class).getFirst().failure()).contains("in use");
    }

    @Test
    void aCallIsGivenItsDeadlineAndNoMore() {
        settle();
        workers.hangs = 1;
        supervisor.verify(ONE);
        settle();
        assertThat(signals()).isEmpty();
        pass(QUERY.minus(A_MOMENT));
        assertThat(signals()).isEmpty();
        pass(A_MOMENT);
        HealthSignal hung = of(DeviceEvent.Signalled.class).getFirst().signal();
        assertThat(hung.kind()).isEqualTo(Kind.PROBE_HUNG);
        assertThat(hung.device()).contains(ONE);
        assertThat(hung.detail())
                .isEqualTo("nvmlDeviceGetMemoryInfo_v2 of GPU-1 has not answered for 5000 ms");
        assertThat(of(DeviceEvent.Verified.class))
                .singleElement()
                .satisfies(e -> assertThat(e.found().problem()).contains(hung.detail()));
    }

    @Test
    void aHungDeviceIsLeftAloneAndTheOthersGoOnWithTheNextWorker() {
        settle();
        workers.hangs = 1;
        supervisor.sample();
        pass(QUERY);
        assertThat(workers.started).hasSize(2);
        assertThat(workers.started.getFirst().killed).isTrue();
        assertThat(workers.started.getFirst().closed).isTrue();
        assertThat(of(DeviceEvent.SourceChanged.class).get(1).working()).isFalse();
        assertThat(source().working()).isTrue();
        assertThat(source().reason()).contains("GPU-1");
        assertThat(of(DeviceEvent.TableChanged.class)).hasSize(1);
        assertThat(of(DeviceEvent.Sampled.class))
                .as("what was read before the hang")
                .singleElement()
                .satisfies(e -> assertThat(e.samples()).hasSize(1));
        supervisor.verify(ZERO);
        supervisor.verify(ONE);
        settle();
        assertThat(of(DeviceEvent.Verified.class).get(0).found().clean()).isTrue();
        assertThat(of(DeviceEvent.Verified.class).get(1).found().clean()).isFalse();
        assertThat(workers.last().commands.getFirst())
                .isEqualTo(new WorkerCommand.Discover(2, Set.of(1)));
    }

    @Test
    void aDeviceThatHangsBeforeItWasEverFoundDoesNotKeepTheOthersAway() {
        workers.hangs = 0;
        pass(QUERY);
        assertThat(of(DeviceEvent.TableChanged.class))
                .singleElement()
                .satisfies(e -> assertThat(e.table().devices()).hasSize(1));
        assertThat(source().working()).isTrue();
        assertThat(source().reason()).contains("GPU at index 0");
        assertThat(signals()).as("it has no name to signal by").isEmpty();
        workers.hangs = -1;
        pass(Duration.ofSeconds(31));
        assertThat(of(DeviceEvent.TableChanged.class).getLast().table().devices()).hasSize(2);
        assertThat(signals()).containsExactly(Kind.PROBE_ANSWERS);
    }

    @Test
    void whenAllHangTheSourceDoesNotWork() {
        workers.devices = 1;
        workers.hangs = 0;
        pass(QUERY.plusSeconds(1));
        assertThat(source().working()).isFalse();
        assertThat(source().reason()).contains("did not answer within the deadline");
    }

    @Test
    void aHungDeviceIsAskedAgainWithGrowingRestsUntilItAnswers() {
        settle();
        workers.hangs = 1;
        supervisor.sample();
        pass(QUERY);
        assertThat(workers.started).hasSize(2);
        pass(Duration.ofSeconds(29));
        assertThat(workers.started).hasSize(2);
        pass(Duration.ofSeconds(1).plus(QUERY).plus(Duration.ofSeconds(1)));
        assertThat(workers.started).as("the probe hung").hasSize(3);
        pass(Duration.ofSeconds(40));
        assertThat(workers.started).as("twice the rest").hasSize(3);
        workers.hangs = -1;
        pass(Duration.ofSeconds(20));
        assertThat(signals()).endsWith(Kind.PROBE_ANSWERS);
        assertThat(source()).isEqualTo(new DeviceEvent.SourceChanged(true, ""));
        assertThat(workers.started).hasSize(3);
    }

    @Test
    void aHangInInitConcernsAllAndIsTriedAgainAfterRests() {
        workers.hangInInit = true;
        pass(Duration.ofSeconds(30));
        assertThat(signals()).containsExactly(Kind.PROBE_HUNG);
        assertThat(of(DeviceEvent.Signalled.class).getFirst().signal().device()).isEmpty();
        assertThat(source().working()).isFalse();
        pass(Duration.ofMinutes(10));
        assertThat(workers.started).as("rests grow to a minute").hasSizeBetween(7, 12);
        workers.hangInInit = false;
        pass(Duration.ofMinutes(2));
        assertThat(source().working()).isTrue();
    }

    @Test
    void whatAsksWhileTheSourceDoesNotWorkIsAnsweredAfterAWhile() {
        workers.hangInInit = true;
        supervisor.verify(ZERO);
        supervisor.reset(ZERO);
        pass(QUERY.multipliedBy(2).minus(A_MOMENT));
        assertThat(of(DeviceEvent.Verified.class)).isEmpty();
        pass(A_MOMENT);
        assertThat(of(DeviceEvent.Verified.class))
                .singleElement()
                .satisfies(e -> assertThat(e.found().clean()).isFalse());
        assertThat(of(DeviceEvent.ResetEnded.class).getFirst().failure()).isPresent();
    }

    @Test
    void aRequestOutlivesAWorkerThatEnds() {
        settle();
        workers.last().end = Optional.of("signal 9");
        supervisor.verify(ZERO);
        pass(Duration.ofSeconds(1));
        assertThat(workers.started).hasSize(2);
        assertThat(of(DeviceEvent.SourceChanged.class).get(1).reason()).contains("signal 9");
        assertThat(of(DeviceEvent.Verified.class))
                .singleElement()
                .satisfies(e -> assertThat(e.found().clean()).isTrue());
    }

    @Test
    void workersThatCannotBeEndedAreLeftBehindButNotMoreThanTwo() {
        settle();
        workers.unkillable = true;
        workers.hangInInit = true;
        workers.last().end = Optional.of("it has closed its connection");
        pass(Duration.ofMinutes(30));
        assertThat(workers.started).hasSize(2);
        assertThat(source().working()).isFalse();
        assertThat(source().reason())
                .isEqualTo(
                        "gpu-worker 0 and gpu-worker 1 hang in the kernel and cannot be ended: reload the driver or reboot the node");
        // The driver lets go of them after all.
        workers.unkillable = false;
        workers.hangInInit = false;
        pass(Duration.ofSeconds(2));
        assertThat(workers.started).hasSize(3);
        assertThat(source().working()).isTrue();
        assertThat(workers.started.get(0).closed && workers.started.get(1).closed).isTrue();
    }

    @Test
    void anotherVersionOfTheDriverIsSaidAndAFreshProcessTried() {
        workers.discoveryFails =
                Optional.of(new WorkerMessage.Failed(18, "nvmlInit_v2", "mismatch"));
        settle();
        pass(Duration.ofMinutes(3));
        assertThat(signals()).as("said once").containsExactly(Kind.VERSION_MISMATCH);
        assertThat(source().reason())
                .isEqualTo("nvmlInit_v2: LIB_RM_VERSION_MISMATCH (18): mismatch");
        workers.discoveryFails = Optional.empty();
        pass(Duration.ofMinutes(1));
        assertThat(source().working()).isTrue();
        assertThat(workers.started).hasSizeGreaterThan(1);
    }

    @Test
    void aLostDeviceIsSaidOnce() {
        settle();
        workers.lost = Set.of(1);
        for (int i = 0; i < 3; i++) {
            supervisor.sample();
            settle();
        }
        assertThat(signals()).containsExactly(Kind.GPU_LOST);
        assertThat(of(DeviceEvent.Sampled.class).getLast().samples()).hasSize(1);
    }

    @Test
    void anEventIsASignalAndALookFollowsButNotMoreThanOneASecond() {
        pass(Duration.ofSeconds(5));
        int before = workers.last().commands.size();
        for (int i = 0; i < 10_000; i++) {
            workers.last().messages.add(new WorkerMessage.Noticed(1, NvmlEventSet.XID, 31, -1, -1));
        }
        settle();
        assertThat(signals()).hasSize(10_000).containsOnly(Kind.XID);
        assertThat(workers.last().commands).hasSize(before + 1);
        pass(Duration.ofMillis(999));
        assertThat(workers.last().commands).hasSize(before + 1);
        pass(Duration.ofSeconds(1));
        assertThat(workers.last().commands.size()).isLessThanOrEqualTo(before + 2);
    }

    @Test
    void aChangedPartitionMakesADiscovery() {
        settle();
        workers.devices = 3;
        workers.last()
                .messages
                .add(new WorkerMessage.Noticed(0, NvmlEventSet.MIG_CONFIG_CHANGE, 0, -1, -1));
        settle();
        assertThat(of(DeviceEvent.TableChanged.class)).hasSize(2);
        assertThat(of(DeviceEvent.TableChanged.class).getLast().table().generation()).isEqualTo(2);
    }

    @Test
    void aWorkerThatSaysWhatItWasNotAskedIsReplaced() {
        settle();
        workers.last().messages.add(new WorkerMessage.HasLetGo());
        settle();
        assertThat(workers.started).hasSize(2);
        assertThat(of(DeviceEvent.SourceChanged.class).get(1).reason()).contains("HasLetGo");
    }

    @Test
    void closingEndsTheWorker() {
        settle();
        supervisor.close();
        assertThat(workers.last().killed && workers.last().closed).isTrue();
    }
}
