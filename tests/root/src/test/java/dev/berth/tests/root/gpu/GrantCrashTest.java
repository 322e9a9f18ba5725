package dev.berth.tests.root.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.gpu.ledger.GrantStep;
import dev.berth.tests.kit.Engine;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The agent is killed by SIGKILL at every step of a grant; the next one has every GPU, gives none out twice, and what a container held it holds. */
@Tag("root")
class GrantCrashTest {
    private static final String[] SLEEP = {"sleep", "1000"};

    /** What the agent is asked for until it dies: each step of a grant is among it. */
    private static void live(GpuHost host, List<String> started) throws Exception {
        Engine engine = host.engine;
        started.add(engine.create(host.request(2, SLEEP)));
        engine.start(started.getFirst());
        engine.call("POST", "/containers/" + started.getFirst() + "/gpus/attach", "{\"Count\":1}");
        String gone = host.held(started.getFirst()).getFirst();
        engine.call(
                "POST",
                "/containers/" + started.getFirst() + "/gpus/detach",
                "{\"DeviceIDs\":[\"" + gone + "\"]}");
        // Memory that nobody holds: a reset frees it.
        host.control().stuckMemory(0, 1 << 30);
        started.add(engine.create(host.requestNamed(List.of("0"), SLEEP)));
        engine.start(started.get(1));
        engine.remove(started.get(1));
        host.await("reset", () -> host.gpu(0).path("State").asText().equals("FREE"));
        // A process that NVML goes on to show: no reset helps.
        host.control().stuckProcess(0, 1, 1 << 30);
        String stuck = engine.create(host.requestNamed(List.of("0"), SLEEP));
        engine.start(stuck);
        engine.remove(stuck);
        host.await("quarantine", () -> host.gpu(0).path("State").asText().equals("QUARANTINED"));
        host.control().clearAll();
        engine.call("POST", "/berth/gpus/0/release", "");
        host.awaitFree(6);
    }

    @ParameterizedTest
    @EnumSource(
            value = GrantStep.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"LEFTOVER_JOURNALED", "RECOVERED"})
    void noGpuIsLostAndNoneIsGrantedTwice(GrantStep step) throws Exception {
        // The first look at each of eight GPUs at the start says CLEANED, too.
        String at = step + (step == GrantStep.CLEANED ? ":9" : "");
        try (GpuHost host = new GpuHost("sim:8xH100", List.of("-Dberth.crash-at-grant=" + at))) {
            host.awaitFree(8);
            List<String> started = new ArrayList<>();
            try {
                live(host, started);
            } catch (IOException | AssertionError _) {
                // It has died: that is what the test is for.
            }
            host.agent.awaitDeath();
            host.control().clearAll();
            host.agent.restart(List.of());
            check(host);
            if (step == GrantStep.QUARANTINE_JOURNALED || step == GrantStep.QUARANTINED) {
                assertThat(host.gpu(0).path("State").asText()).isEqualTo("QUARANTINED");
            }
            if (step.compareTo(GrantStep.QUARANTINE_JOURNALED) >= 0) {
                // Half a release is none: the operator says it again.
                host.engine.call("POST", "/berth/gpus/0/release", "");
            }
            for (var container : host.engine.call("GET", "/containers/json?all=1", "")) {
                host.engine.remove(container.path("Id").asText());
            }
            host.awaitFree(8);
            String all = host.start(host.request(-1, SLEEP));
            assertThat(host.held(all)).hasSize(8);
        }
    }

    /** What recovery itself does may be cut short too. The first agent dies between a grant and its launch, so that the second one finds a grant without a container that runs. */
    @ParameterizedTest
    @EnumSource(
            value = GrantStep.class,
            names = {"LEFTOVER_JOURNALED", "RECOVERED"})
    void recoveryThatIsCutShortIsDoneAgain(GrantStep step) throws Exception {
        try (GpuHost host =
                new GpuHost("sim:8xH100", List.of("-Dberth.crash-at-grant=GRANTED:2"))) {
            host.awaitFree(8);
            String lasting = host.start(host.request(2, SLEEP));
            List<String> held = host.held(lasting);
            assertThatThrownBy(() -> host.start(host.request(2, SLEEP)))
                    .isInstanceOf(IOException.class);
            host.agent.awaitDeath();
            host.agent.restartToDie(List.of("-Dberth.crash-at-grant=" + step));
            host.agent.restart(List.of());
            check(host);
            assertThat(host.held(lasting)).isEqualTo(held);
            host.awaitFree(6);
        }
    }

    /** Every GPU is there once, every holder runs, no GPU has two, and the kernel says the same. */
    private static void check(GpuHost host) throws Exception {
        host.await("discovery", () -> host.gpus().path("Devices").size() == 8);
        Set<String> held = new TreeSet<>();
        for (var container : host.engine.call("GET", "/containers/json", "")) {
            String id = container.path("Id").asText();
            List<String> own = host.held(id);
            own.forEach(device -> assertThat(held.add(device)).as(device).isTrue());
            long open =
                    host.opens(id).entrySet().stream()
                            .filter(e -> e.getKey().matches("nvidia\\d+"))
                            .filter(e -> e.getValue().equals("ENXIO"))
                            .count();
            assertThat(open).as("GPUs that %s can open of %s", id, own).isEqualTo(own.size());
        }
        for (var device : host.gpus().path("Devices")) {
            boolean granted = device.path("State").asText().equals("GRANTED");
            assertThat(granted)
                    .as(device.toString())
                    .isEqualTo(held.contains(device.path("Id").asText()));
        }
    }
}
