package dev.berth.tests.root.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.gpu.simulator.Fault;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** NVML does not answer; the agent does, and gives out the GPUs that it knows to be well. {@code tests/bench/gpu} has the figures of a minute's hang. */
@Tag("root")
class NvmlHangTest {
    private static final long QUICK_NS = TimeUnit.SECONDS.toNanos(3);

    @Test
    void whileEveryCallHangsTheAgentAnswersAndOtherGpusAreGivenOut() throws Exception {
        try (GpuHost host = new GpuHost("sim:8xH100", List.of("-Dberth.nvml-query-ms=500"))) {
            host.awaitFree(8);
            String held = host.start(host.request(1, "sleep", "1000"));
            host.control().arm(Fault.hang(Duration.ofSeconds(20)).holdingTheLibrary());
            host.await("the hang is noticed", () -> !host.gpus().at("/Source/Working").asBoolean());
            long slowest = 0;
            for (int i = 0; i < 50; i++) {
                long before = System.nanoTime();
                host.engine.call("GET", "/containers/json", "");
                slowest = Math.max(slowest, System.nanoTime() - before);
            }
            assertThat(slowest).isLessThan(QUICK_NS);
            long before = System.nanoTime();
            String other = host.start(host.request(2, "sleep", "1000"));
            assertThat(System.nanoTime() - before).isLessThan(QUICK_NS);
            assertThat(host.held(other)).hasSize(2).doesNotContainAnyElementsOf(host.held(held));
            assertThat(host.gpus().at("/Source/Reason").asText()).isNotEmpty();
            host.remove(other);
            assertThat(host.count("VERIFYING"))
                    .as("nobody can say that they are clean")
                    .isEqualTo(2);
            host.await("it answers again", () -> host.gpus().at("/Source/Working").asBoolean());
            host.awaitFree(7);
            assertThat(host.engine.inspect(held).at("/State/Running").asBoolean()).isTrue();
        }
    }

    @Test
    void aHangForEverInInitLeavesTheAgentWithWhatTheKernelSays() throws Exception {
        try (GpuHost host = new GpuHost("sim:8xH100", List.of("-Dberth.nvml-query-ms=500"))) {
            host.awaitFree(8);
            host.control().arm(Fault.hangForEver().in("init"));
            host.agent.kill();
            host.agent.restart();
            long before = System.nanoTime();
            host.engine.call("GET", "/containers/json", "");
            assertThat(System.nanoTime() - before).isLessThan(QUICK_NS);
            host.await("discovery without NVML", () -> host.gpus().path("Devices").size() == 8);
            host.await("it is said", () -> !host.gpus().at("/Source/Working").asBoolean());
            host.control().clearFaults();
            host.await("NVML is back", () -> host.gpus().at("/Source/Working").asBoolean());
            host.awaitFree(8);
        }
    }
}
