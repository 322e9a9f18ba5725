package dev.berth.tests.guest;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.BusyboxRoot;
import dev.berth.tests.kit.Engine;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;

/** CPU sets, on the kernel that has that controller. */
@Tag("emulated")
class CpusetTest {
    @Test
    void processesRunOnTheirCpusOnly() throws Exception {
        Path directory = Files.createTempDirectory("cpuset");
        Path root = BusyboxRoot.make(directory.resolve("root"));
        try (AgentProcess agent = AgentProcess.start(directory.resolve("agent"))) {
            assertThat(allowed(agent.engine(), root, "1")).isEqualTo("1");
            assertThat(allowed(agent.engine(), root, "")).isEqualTo("0-1");
        }
    }

    private static String allowed(Engine engine, Path root, String cpus) throws Exception {
        ObjectNode request = Engine.command(root, "grep", "Cpus_allowed_list", "/proc/self/status");
        ((ObjectNode) request.get("HostConfig")).put("CpusetCpus", cpus);
        Engine.Result result = engine.run(request);
        assertThat(result.code()).as(result.stderr()).isZero();
        return result.stdout().replaceFirst(".*:\\s*", "").strip();
    }
}
