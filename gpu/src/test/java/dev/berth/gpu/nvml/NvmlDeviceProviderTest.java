package dev.berth.gpu.nvml;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceMetric;
import dev.berth.gpu.DeviceSample;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.HealthSignal.Kind;
import dev.berth.gpu.proc.CharMajors;
import dev.berth.gpu.proc.HostFiles;
import dev.berth.gpu.simulator.Fault;
import dev.berth.gpu.simulator.Machine;
import dev.berth.gpu.simulator.Simulator;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Poll;
import dev.berth.linux.Signal;
import dev.berth.linux.process.HelperCommand;
import dev.berth.linux.process.HelperProcess;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** The provider with its real worker, the real JNA and the simulator's library. */
@Timeout(120)
class NvmlDeviceProviderTest {
    private static final UnaryOperator<NvmlSettings> QUICK =
            settings ->
                    settings.withDeadlines(
                            NvmlSettings.Deadlines.DEFAULT
                                    .withQuery(Duration.ofMillis(1500))
                                    .withFirstRests(Duration.ofMillis(50), Duration.ofMillis(400)));

    @TempDir Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"8xH100", "8xA100", "4xL40S", "1xH200", "1xA30"})
    void discoveryIsWhatTheMachineFileSays(String name) throws Exception {
        Machine machine = Machine.shipped(name);
        try (ProviderRig rig = new ProviderRig(directory, name)) {
            DeviceTable table = rig.ready();
            assertThat(table.generation()).isEqualTo(1);
            assertThat(table.resourceName()).isEqualTo("nvidia.com/gpu");
            assertThat(table.driver().version()).isEqualTo(machine.driver());
            assertThat(table.driver().nvml()).isEqualTo(machine.nvml());
            assertThat(table.driver().cuda())
                    .isEqualTo(machine.cuda() / 1000 + "." + machine.cuda() % 1000 / 10);
            assertThat(table.devices()).hasSameSizeAs(machine.gpus());
            for (int i = 0; i < machine.gpus().size(); i++) {
                Machine.Board board = machine.gpus().get(i);
                Device device = table.devices().get(i);
                assertThat(device.id().value()).isEqualTo(board.uuid());
                assertThat(device.index()).isEqualTo(i);
                assertThat(device.model()).isEqualTo(machine.model().name());
                assertThat(device.minor()).hasValue(board.minor());
                assertThat(device.pci().orElseThrow()).hasToString(board.pci());
                assertThat(device.memoryBytes())
                        .isEqualTo((long) machine.model().memoryMiB() << 20);
                assertThat(device.nodes())
                        .containsExactly(
                                new DeviceNode(
                                        "/dev/nvidia" + board.minor(),
                                        'c',
                                        195,
                                        board.minor(),
                                        0666,
                                        0,
                                        0,
                                        "rw"));
                assertThat(device.attributes())
                        .containsEntry("compute_capability", machine.model().computeCapability());
            }
            topologyIs(machine, table);
            assertThat(rig.workers()).hasSize(1);
        }
    }

    private static void topologyIs(Machine machine, DeviceTable table) {
        int size = machine.gpus().size();
        for (int a = 0; a < size; a++) {
            for (int b = 0; b < size; b++) {
                if (a != b) {
                    assertThat(table.topology().nvLinks(a, b))
                            .as("links %d %d", a, b)
                            .isEqualTo(machine.nvLinks().get(a).get(b));
                    assertThat(table.topology().proximity(a, b).name())
                            .as("nearness %d %d", a, b)
                            .isEqualTo(ancestor(machine.ancestors().get(a).get(b).name()));
                }
            }
        }
    }

    private static String ancestor(String name) {
        return switch (name) {
            case "SINGLE" -> "SINGLE_SWITCH";
            case "MULTIPLE" -> "MULTIPLE_SWITCHES";
            case "HOSTBRIDGE" -> "HOST_BRIDGE";
            case "NODE" -> "NUMA_NODE";
            default -> name;
        };
    }

    @Test
    void nodesHaveTheHostsNumbersAndWhatIsDangerousIsWithheld() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "8xH100")) {
            DeviceTable table = rig.ready();
            CharMajors majors = CharMajors.read(new HostFiles(rig.simulator.hostRoot()));
            int uvm = majors.of("nvidia-uvm").orElseThrow();
            int caps = majors.of("nvidia-caps").orElseThrow();
            assertThat(table.controlNodes().stream().map(DeviceNode::path))
                    .containsExactly("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools");
            assertThat(table.controlNodes().get(1).major()).isEqualTo(uvm);
            assertThat(table.withheldNodes())
                    .anySatisfy(node -> assertThat(node.path()).isEqualTo("/dev/nvidia-modeset"))
                    .anySatisfy(node -> {
                        assertThat(node.path()).isEqualTo("/dev/nvidia-caps/nvidia-cap1");
                        assertThat(node.major()).isEqualTo(caps);
                        assertThat(node.access()).isEqualTo("r");
                    });
        }
    }

    @Test
    void aSampleHasTheMetricsAndTheProcessesWithTheirHostPids() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "8xH100")) {
            DeviceTable table = rig.ready();
            try (HelperProcess task = task(rig, 3)) {
                DeviceSample sample = null;
                while (sample == null || sample.processes().isEmpty()) {
                    rig.provider.sample();
                    sample = rig.await(DeviceEvent.Sampled.class, _ -> true).samples().get(3);
                }
                assertThat(sample.device()).isEqualTo(table.devices().get(3).id());
                assertThat(sample.processes())
                        .singleElement()
                        .satisfies(use -> {
                            assertThat(use.pid()).isEqualTo(task.pid());
                            assertThat(use.memoryBytes()).isGreaterThanOrEqualTo(1L << 30);
                            assertThat(use.type()).startsWith("C");
                        });
                assertThat(sample.values())
                        .containsKeys(
                                DeviceMetric.GPU_TEMP,
                                DeviceMetric.POWER_USAGE,
                                DeviceMetric.FB_USED,
                                DeviceMetric.FB_FREE,
                                DeviceMetric.SM_CLOCK,
                                DeviceMetric.GPU_UTIL,
                                DeviceMetric.XID_ERRORS,
                                DeviceMetric.ROW_REMAP_FAILURE);
                assertThat(sample.values().get(DeviceMetric.FB_USED)).isGreaterThan(1024);
                DeviceEvent.Verified dirty = rig.verify(sample.device());
                assertThat(dirty.found().pids()).containsExactly(task.pid());
                assertThat(dirty.found().problem().orElseThrow())
                        .contains("still used by process [" + task.pid() + "]");
            }
            DeviceEvent.Verified clean = rig.verify(table.devices().get(3).id());
            assertThat(clean.found().problem()).isEmpty();
            assertThat(clean.found().memoryUsedBytes())
                    .isEqualTo(clean.found().baselineBytes())
                    .isPositive();
        }
    }

    private static HelperProcess task(ProviderRig rig, int gpu) throws Exception {
        List<String> argv =
                List.of(
                        "simtask",
                        "--memory",
                        "1GiB",
                        "--seconds",
                        "600",
                        "--gpu",
                        Integer.toString(gpu));
        Linux linux = Linux.host();
        HelperCommand command =
                HelperCommand.of(
                        rig.simulator.simtask().toString(), argv, rig.simulator.environment());
        try (var nothing = HelperProcess.devNull(linux)) {
            return HelperProcess.start(linux, command, List.of(nothing, nothing, nothing));
        }
    }

    @Test
    void leftoverMemoryIsFoundAndAResetTakesItAway() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "4xL40S")) {
            Device device = rig.ready().devices().get(2);
            rig.simulator.control().stuckMemory(2, 5L << 30);
            DeviceEvent.Verified dirty = rig.verify(device.id());
            assertThat(dirty.found().problem().orElseThrow()).contains("without a process");
            assertThat(dirty.found().resetHelps()).isTrue();
            rig.provider.reset(device.id());
            DeviceEvent.ResetEnded ended = rig.await(DeviceEvent.ResetEnded.class, _ -> true);
            assertThat(ended.failure()).isEmpty();
            assertThat(rig.verify(device.id()).found().problem()).isEmpty();
        }
    }

    @Test
    void aResetThatIsRefusedSaysWhy() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "1xA30")) {
            Device device = rig.ready().devices().getFirst();
            rig.simulator.control().stuckProcess(0, 4711, 1L << 30);
            rig.provider.reset(device.id());
            DeviceEvent.ResetEnded ended = rig.await(DeviceEvent.ResetEnded.class, _ -> true);
            assertThat(ended.failure().orElseThrow()).contains("nvidia-smi --gpu-reset");
            // The worker is there again.
            assertThat(rig.verify(device.id()).found().pids()).containsExactly(4711);
        }
    }

    @Test
    void eventsBecomeSignals() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "8xH100")) {
            DeviceTable table = rig.ready();
            // A sample is answered when the event thread has had its time; the signal is waited
            // for.
            rig.provider.sample();
            rig.await(DeviceEvent.Sampled.class, _ -> true);
            armed(rig);
            rig.simulator.control().xid(5, 79);
            HealthSignal xid =
                    rig.await(DeviceEvent.Signalled.class, event -> event.signal().code() == 79)
                            .signal();
            assertThat(xid.kind()).isEqualTo(Kind.XID);
            assertThat(xid.device()).contains(table.devices().get(5).id());
            assertThat(xid.source()).isEqualTo("nvml");
            rig.simulator.control().recoveryAction(5, 1);
            assertThat(rig.signal(Kind.RECOVERY_ACTION).code()).isEqualTo(1);
            rig.simulator.control().remap(6, false);
            assertThat(rig.signal(Kind.ROW_REMAP_PENDING).device())
                    .contains(table.devices().get(6).id());
            rig.simulator.control().ecc(7, true, 1);
            assertThat(rig.signal(Kind.ECC_UNCORRECTED).device())
                    .contains(table.devices().get(7).id());
            DeviceEvent.Verified pending = rig.verify(table.devices().get(6).id());
            assertThat(pending.found().problem().orElseThrow()).contains("remapped");
            assertThat(pending.found().resetHelps()).isTrue();
        }
    }

    /** Sends XIDs until one comes: an event set sees only what happens after its registration. */
    private static void armed(ProviderRig rig) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (rig.signalled().isEmpty() && System.nanoTime() < end) {
            rig.simulator.control().xid(0, 13);
            rig.provider.sample();
            rig.await(DeviceEvent.Sampled.class, _ -> true);
        }
        assertThat(rig.signalled()).contains(Kind.XID);
    }

    @Test
    void aLostGpuIsSaidOnceAndTheOthersGoOn() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "8xH100")) {
            DeviceTable table = rig.ready();
            rig.simulator.control().lost(4, true);
            rig.provider.sample();
            HealthSignal lost = rig.signal(Kind.GPU_LOST);
            assertThat(lost.device()).contains(table.devices().get(4).id());
            assertThat(lost.code()).isEqualTo(15);
            rig.await(DeviceEvent.Sampled.class, _ -> true);
            rig.provider.sample();
            assertThat(rig.await(DeviceEvent.Sampled.class, _ -> true).samples()).hasSize(7);
            assertThat(rig.signalled()).containsOnlyOnce(Kind.GPU_LOST);
            assertThat(rig.verify(table.devices().get(3).id()).found().problem()).isEmpty();
        }
    }

    @Test
    void aHungCallCostsTheWorkerButNotTheOtherGpus() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "8xH100", QUICK, _ -> {})) {
            DeviceTable table = rig.ready();
            List<Integer> before = rig.workers();
            int fault = rig.simulator.control().arm(Fault.hangForEver().on(2));
            rig.provider.sample();
            HealthSignal hung = rig.signal(Kind.PROBE_HUNG);
            assertThat(hung.device()).contains(table.devices().get(2).id());
            assertThat(hung.detail()).contains("has not answered for 15");
            rig.await(DeviceEvent.SourceChanged.class, source -> !source.working());
            DeviceEvent.SourceChanged again =
                    rig.await(DeviceEvent.SourceChanged.class, DeviceEvent.SourceChanged::working);
            assertThat(again.reason()).contains(table.devices().get(2).id().value());
            assertThat(rig.workers()).hasSize(1).doesNotContainAnyElementsOf(before);
            assertThat(rig.verify(table.devices().get(5).id()).found().problem()).isEmpty();
            assertThat(rig.verify(table.devices().get(2).id()).found().problem()).isPresent();
            rig.simulator.control().clear(fault);
            HealthSignal answers = rig.signal(Kind.PROBE_ANSWERS);
            assertThat(answers.device()).contains(table.devices().get(2).id());
            rig.await(
                    DeviceEvent.SourceChanged.class,
                    source -> source.working() && source.reason().isEmpty());
            assertThat(rig.seen.stream().filter(DeviceEvent.TableChanged.class::isInstance))
                    .as("the table has not changed")
                    .hasSize(1);
        }
    }

    @Test
    void aHangInInitIsKilledAndTriedAgain() throws Exception {
        int[] fault = new int[1];
        UnaryOperator<NvmlSettings> quick =
                settings ->
                        QUICK.apply(settings)
                                .withDeadlines(
                                        QUICK.apply(settings)
                                                .deadlines()
                                                .withInit(Duration.ofSeconds(3)));
        try (ProviderRig rig =
                new ProviderRig(
                        directory,
                        "1xH200",
                        quick,
                        simulator ->
                                fault[0] =
                                        simulator.control().arm(Fault.hangForEver().in("init")))) {
            HealthSignal hung = rig.signal(Kind.PROBE_HUNG);
            assertThat(hung.device()).isEmpty();
            assertThat(hung.detail()).contains("nvmlInit_v2 has not answered");
            DeviceEvent.SourceChanged source =
                    rig.await(DeviceEvent.SourceChanged.class, _ -> true);
            assertThat(source.working()).isFalse();
            rig.simulator.control().clear(fault[0]);
            assertThat(rig.ready().devices()).hasSize(1);
        }
    }

    @Test
    void anotherLibraryThanTheDriverIsSaidAndHealsWithAFreshProcess() throws Exception {
        try (ProviderRig rig =
                new ProviderRig(
                        directory,
                        "1xH200",
                        QUICK,
                        simulator -> simulator.control().versionMismatch(true))) {
            assertThat(rig.signal(Kind.VERSION_MISMATCH).code()).isEqualTo(18);
            assertThat(rig.await(DeviceEvent.SourceChanged.class, _ -> true).reason())
                    .contains("LIB_RM_VERSION_MISMATCH (18)");
            rig.simulator.control().versionMismatch(false);
            assertThat(rig.ready().devices()).hasSize(1);
        }
    }

    @Test
    void aLibraryThatIsNotThereIsAReason() throws Exception {
        try (ProviderRig rig =
                new ProviderRig(
                        directory,
                        "1xH200",
                        settings ->
                                new NvmlSettings(
                                        settings.hostRoot(),
                                        Path.of("/nonexistent/libnvidia-ml.so.1"),
                                        settings.worker(),
                                        settings.deadlines(),
                                        settings.memoryEpsilonBytes(),
                                        settings.mostBaselineBytes()),
                        _ -> {})) {
            DeviceEvent.SourceChanged source =
                    rig.await(DeviceEvent.SourceChanged.class, _ -> true);
            assertThat(source.working()).isFalse();
            assertThat(source.reason()).contains("/nonexistent/libnvidia-ml.so.1");
        }
    }

    @Test
    void aHostWhoseGpusAreAllElsewhereHasAnEmptyTable() throws Exception {
        try (ProviderRig rig =
                new ProviderRig(
                        directory,
                        "1xA30",
                        QUICK,
                        simulator -> simulator.control().removed(0, true))) {
            DeviceTable table = rig.ready();
            assertThat(table.devices()).isEmpty();
            assertThat(table.driver().version()).isNotEmpty();
        }
    }

    @Test
    void aHungWaitForEventsIsNoticedThoughNobodyAsksAnything() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "1xA30", QUICK, _ -> {})) {
            rig.ready();
            int fault = rig.simulator.control().arm(Fault.hangForEver().in("nvmlEventSetWait_v2"));
            HealthSignal hung = rig.signal(Kind.PROBE_HUNG);
            assertThat(hung.device()).isEmpty();
            assertThat(hung.detail()).startsWith("nvmlEventSetWait_v2 has not answered");
            rig.simulator.control().clear(fault);
            rig.await(DeviceEvent.SourceChanged.class, DeviceEvent.SourceChanged::working);
        }
    }

    @Test
    void aHangThatHoldsTheLibrarysLockIsOneHang() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "4xL40S", QUICK, _ -> {})) {
            DeviceTable table = rig.ready();
            rig.simulator.control().arm(Fault.hangForEver().on(1).calls(1, 1).holdingTheLibrary());
            rig.provider.sample();
            assertThat(rig.signal(Kind.PROBE_HUNG).device()).contains(table.devices().get(1).id());
            rig.signal(Kind.PROBE_ANSWERS);
            assertThat(rig.signalled()).containsOnlyOnce(Kind.PROBE_HUNG);
        }
    }

    @Test
    void slowCallsAreOnlySlow() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "1xA30", QUICK, _ -> {})) {
            rig.ready();
            rig.simulator.control().arm(Fault.slow(Duration.ofMillis(100)).on(0).calls(1, 15));
            rig.provider.sample();
            assertThat(rig.await(DeviceEvent.Sampled.class, _ -> true).samples()).hasSize(1);
            assertThat(rig.signalled()).isEmpty();
        }
    }

    @Test
    void aStormOfEventsComesThroughWhole() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "1xA30")) {
            rig.ready();
            armed(rig);
            int before = rig.signalled().size();
            rig.simulator.control().storm(0, 31, 5000, Duration.ofMillis(400));
            rig.simulator.control().xid(0, 79);
            rig.await(DeviceEvent.Signalled.class, event -> event.signal().code() == 79);
            assertThat(rig.signalled().size() - before).isGreaterThanOrEqualTo(1000);
        }
    }

    @Test
    void aDriverThatIsChangedUnderTheWorkerIsFoundAgain() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "1xA30", QUICK, _ -> {})) {
            DeviceTable table = rig.ready();
            rig.simulator.control().versionMismatch(true);
            rig.provider.sample();
            rig.signal(Kind.VERSION_MISMATCH);
            rig.simulator.control().versionMismatch(false);
            rig.await(DeviceEvent.SourceChanged.class, DeviceEvent.SourceChanged::working);
            assertThat(rig.verify(table.devices().getFirst().id()).found().clean()).isTrue();
        }
    }

    @Test
    void aWorkerThatIsKilledComesBack() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "1xA30", QUICK, _ -> {})) {
            DeviceTable table = rig.ready();
            int pid = rig.workers().getFirst();
            Linux linux = Linux.host();
            try (OwnedFd pidfd = linux.processes().pidfdOpen(pid).orElseThrow()) {
                linux.processes().pidfdSendSignal(pidfd, Signal.SIGKILL);
            }
            DeviceEvent.SourceChanged gone =
                    rig.await(DeviceEvent.SourceChanged.class, source -> !source.working());
            assertThat(gone.reason()).contains("gpu-worker " + pid).contains("signal 9");
            assertThat(rig.verify(table.devices().getFirst().id()).found().clean()).isTrue();
        }
    }

    @Test
    void aWorkerInAHungCallEndsWithItsAgent() throws Exception {
        Linux linux = Linux.host();
        Simulator simulator =
                Simulator.start(linux, directory.resolve("sim"), Machine.shipped("1xA30"));
        try (OwnedFd log = HelperProcess.devNull(linux)) {
            WorkerProcess worker =
                    WorkerProcess.start(linux, ProviderRig.settings(simulator, log, directory));
            try (OwnedFd pidfd = linux.processes().pidfdOpen(worker.pid()).orElseThrow()) {
                simulator.control().arm(Fault.hangForEver().in("init"));
                worker.send(new WorkerCommand.Discover(0, Set.of()));
                while (worker.calls()[0].symbol().isEmpty()) {
                    linux.processes().poll(worker.readable(), Poll.POLLIN, 20);
                    worker.receive();
                }
                // As the agent's death does: its end of the connection is closed, nobody kills.
                worker.close();
                assertThat(linux.processes().poll(pidfd, Poll.POLLIN, 20_000))
                        .as("it ends by itself")
                        .isEqualTo(Poll.POLLIN);
            } finally {
                linux.processes().waitChild(worker.pid());
            }
        }
    }

    @Test
    void theWorkerIsSmall() throws Exception {
        try (ProviderRig rig = new ProviderRig(directory, "8xH100")) {
            rig.ready();
            rig.provider.sample();
            rig.await(DeviceEvent.Sampled.class, _ -> true);
            Path process = Path.of("/proc/" + rig.workers().getFirst());
            List<String> threads;
            try (Stream<Path> tasks = Files.list(process.resolve("task"))) {
                threads = tasks.map(NvmlDeviceProviderTest::name).toList();
            }
            assertThat(threads).contains("events");
            long kib =
                    Files.readAllLines(process.resolve("status")).stream()
                            .filter(line -> line.startsWith("VmRSS:"))
                            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                            .findFirst()
                            .orElseThrow();
            assertThat(kib).as("resident KiB").isLessThan(110 * 1024);
        }
    }

    private static String name(Path task) {
        try {
            return Files.readString(task.resolve("comm")).strip();
        } catch (IOException e) {
            return "";
        }
    }

    @Test
    void nothingIsLeftAtTheEnd() throws Exception {
        ProviderRig rig = new ProviderRig(directory, "8xH100");
        try (rig) {
            rig.ready();
            assertThat(rig.workers()).hasSize(1);
        }
        assertThat(rig.workers()).isEmpty();
        rig.provider.close();
    }
}
