package dev.berth.tests.root.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;

import dev.berth.gpu.simulator.SimulatorControl;
import dev.berth.gpu.simulator.SimulatorException;
import dev.berth.tests.kit.EngineFailure;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** Every fault that can be scripted: what the agent says of the GPU while a container holds it, what becomes of the container, and where the GPU is when the container has ended. */
@Tag("root")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GpuFaultTest {
    private static final int GPU = 3;

    private GpuHost host;

    @BeforeAll
    void open() throws Exception {
        host = new GpuHost("sim:8xH100", List.of());
        host.awaitFree(8);
    }

    @AfterAll
    void close() throws Exception {
        host.close();
    }

    private interface Injection {
        void into(SimulatorControl control) throws SimulatorException;
    }

    /**
     * @param held health while a container holds the GPU
     * @param told a kind of signal that is shown then; empty for none
     * @param after state and health when the container has ended
     */
    private record Fault(String name, Injection injection, String held, String told, String after) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Stream<Fault> faults() {
        return Stream.of(
                new Fault("XID 43, told only", c -> c.xid(GPU, 43), "HEALTHY", "XID", "FREE"),
                new Fault(
                        "XID 63, a row was remapped",
                        c -> c.xid(GPU, 63),
                        "HEALTHY",
                        "XID",
                        "FREE"),
                new Fault("XID 13, a program's", c -> c.xid(GPU, 13), "SUSPECT", "XID", "FREE"),
                new Fault("XID 31, a program's", c -> c.xid(GPU, 31), "SUSPECT", "XID", "FREE"),
                new Fault("XID 95, uncontained", c -> c.xid(GPU, 95), "DRAINING", "XID", "FREE"),
                new Fault("XID 119, GSP", c -> c.xid(GPU, 119), "DRAINING", "XID", "FREE"),
                new Fault("XID 79, off the bus", c -> c.xid(GPU, 79), "DRAINING", "XID", "FAILED"),
                new Fault(
                        "a row that waits for a reset",
                        c -> c.remap(GPU, false),
                        "DRAINING|HEALTHY",
                        "",
                        "FREE"),
                new Fault(
                        "a row that could not be remapped",
                        c -> c.remap(GPU, true),
                        "DRAINING",
                        "",
                        "FAILED|FREE"),
                new Fault(
                        "recovery action: reset",
                        c -> c.recoveryAction(GPU, 1),
                        "DRAINING",
                        "",
                        "FREE"),
                new Fault(
                        "recovery action: reboot",
                        c -> c.recoveryAction(GPU, 2),
                        "DRAINING",
                        "",
                        "FAILED"),
                new Fault(
                        "uncorrected memory errors",
                        c -> c.ecc(GPU, true, 3),
                        "DRAINING|SUSPECT",
                        "",
                        "FREE"),
                new Fault(
                        "memory that nobody holds",
                        c -> c.stuckMemory(GPU, 1L << 30),
                        "HEALTHY",
                        "",
                        "FREE"),
                new Fault(
                        "a process that does not go away",
                        c -> c.stuckProcess(GPU, 1, 1L << 30),
                        "HEALTHY",
                        "",
                        "QUARANTINED"),
                new Fault(
                        "a storm of XIDs",
                        c -> c.storm(GPU, 94, 1000, Duration.ofSeconds(2)),
                        "SUSPECT|DRAINING",
                        "XID",
                        "FREE"));
    }

    @ParameterizedTest
    @MethodSource("faults")
    void theAgentDoesWhatTheFaultAsksFor(Fault fault) throws Exception {
        String id = host.start(host.requestNamed(List.of("" + GPU), "sleep", "1000"));
        fault.injection().into(host.control());
        if (!fault.told().isEmpty()) {
            host.await(
                    "the signal is shown",
                    () -> host.health(GPU).path("Signals").toString().contains(fault.told()));
        }
        List<String> wanted = List.of(fault.held().split("\\|"));
        host.await(
                "health " + fault.held(),
                () -> wanted.contains(host.health(GPU).path("Health").asText()));
        assertThat(host.engine.inspect(id).at("/State/Running").asBoolean())
                .as("the option says keep")
                .isTrue();
        if (wanted.contains("DRAINING") && wanted.size() == 1) {
            assertThat(
                            host.engine
                                    .call("POST", "/berth/gpus/explain", "{\"Count\":7}")
                                    .path("Chosen"))
                    .hasSize(7)
                    .noneMatch(node -> node.asText().equals(idOf(GPU)));
        }
        host.remove(id);
        List<String> ends = List.of(fault.after().split("\\|"));
        host.await("in the end " + fault.after(), () -> ends.contains(end()));
        assertThat(host.count("FREE")).as("all others").isGreaterThanOrEqualTo(7);
        host.control().clearAll();
        if (!end().equals("FREE")) {
            assertThat(refusal(host)).contains(idOf(GPU));
            host.engine.call("POST", "/berth/gpus/" + GPU + "/release", "");
        }
        host.awaitFree(8);
        host.await(
                "well again",
                () ->
                        List.of("HEALTHY", "SUSPECT")
                                .contains(host.health(GPU).path("Health").asText()));
    }

    private String idOf(int index) {
        try {
            return host.gpu(index).path("Id").asText();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** FREE means free and not kept back by its health. */
    private String end() throws IOException {
        JsonNode gpu = host.gpu(GPU);
        String health = gpu.path("Health").asText();
        String state = gpu.path("State").asText();
        if (state.equals("QUARANTINED")) {
            return state;
        }
        return health.equals("FAILED") || !List.of("HEALTHY", "SUSPECT").contains(health)
                ? health
                : state;
    }

    private static String refusal(GpuHost host) throws IOException {
        try {
            String id = host.start(host.requestNamed(List.of("" + GPU), "sleep", "1000"));
            throw new AssertionError("granted to " + id);
        } catch (EngineFailure e) {
            return String.valueOf(e.getMessage());
        }
    }

    @Test
    void aDetachedGpuThatIsStillInUseWaitsForItsUser() throws Exception {
        String id =
                host.start(
                        host.requestNamed(
                                List.of("5"), "/simtask", "--memory", "1GiB", "--seconds", "60"));
        host.await("the task is seen", () -> host.gpu(5).path("Processes").size() == 1);
        JsonNode process = host.gpu(5).path("Processes").get(0);
        assertThat(process.path("Container").asText()).isEqualTo(id);
        assertThat(host.engine.inspect(id).at("/State/Pid").asInt())
                .isEqualTo(process.path("Pid").asInt());
        host.remove(id);
        host.awaitFree(8);
    }
}
