package dev.berth.tests.root.escape;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.isolator.cgroup2.Cgroup2Control;
import dev.berth.linux.Linux;
import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.BusyboxRoot;
import dev.berth.tests.kit.Engine;
import dev.berth.tests.kit.EngineSocket;
import dev.berth.tests.root.LeakCheck;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * CVE-2022-31030, CVE-2022-1708: output without end while its readers do not read. Back-pressure is no switch in the agent, so there is no off-position; the control is a reader that does read, and gets more than the agent's
 * whole heap through it.
 */
@Tag("root")
final class FloodEscapeTest {
    private static final String CGROUP = "berth-flood-" + ProcessHandle.current().pid();
    private static final int CLIENTS = 4;
    private static final long MEBIBYTE = 1 << 20;
    private static final long MORE_THAN_THE_HEAP = 200 * MEBIBYTE;
    private static final long GROWTH = 48 * MEBIBYTE;
    private static final long WATCH_NS = 3_000_000_000L;

    @Test
    void stalledReadersCostTheAgentNothing() throws Exception {
        Path directory = Files.createTempDirectory("berth-flood");
        Path root = BusyboxRoot.make(directory.resolve("root"));
        try (AgentProcess agent =
                AgentProcess.start(
                        directory, List.of("-Xmx64m"), List.of("--cgroup-parent", CGROUP))) {
            Engine engine = agent.engine();
            String id = engine.create(Engine.command(root, "sleep", "1000"));
            engine.start(id);
            try {
                control(agent, id);
                flood(agent, id);
            } finally {
                engine.remove(id);
            }
        } finally {
            nothingIsLeft(directory);
            removeTree(directory);
        }
    }

    private static void nothingIsLeft(Path directory) throws Exception {
        try (Cgroup2Control cgroups = Cgroup2Control.open(Linux.host(), CGROUP)) {
            LeakCheck check =
                    new LeakCheck(
                            Linux.host(),
                            directory,
                            Path.of(cgroups.path()),
                            Optional.empty(),
                            Set.of());
            check.awaitNone(what ->
                    what.startsWith("process ")
                            || what.startsWith("cgroup c/")
                            || what.startsWith("mount of the host")
                            || what.startsWith("file exec/c/"));
            assertThat(cgroups.removeTree()).isTrue();
        }
    }

    private static EngineSocket yes(AgentProcess agent, String id) throws IOException {
        String exec =
                agent.engine()
                        .call(
                                "POST",
                                "/containers/" + id + "/exec",
                                Map.of(
                                        "Cmd",
                                        List.of("yes", "0123456789012345678901234567890"),
                                        "AttachStdout",
                                        true))
                        .get("Id")
                        .textValue();
        EngineSocket client = new EngineSocket(agent.socket());
        client.send("POST", "/v1.47/exec/" + exec + "/start", "{\"Detach\":false,\"Tty\":false}");
        return client;
    }

    private static void control(AgentProcess agent, String id) throws IOException {
        long read = 0;
        try (EngineSocket client = yes(agent, id)) {
            while (read < MORE_THAN_THE_HEAP) {
                int n = client.receiveSome();
                assertThat(n).as("after %d bytes", read).isPositive();
                read += n;
            }
        }
        assertThat(resident(agent)).isPositive();
    }

    private static void flood(AgentProcess agent, String id) throws Exception {
        long before = resident(agent);
        List<EngineSocket> stalled = new ArrayList<>();
        try {
            for (int i = 0; i < CLIENTS; i++) {
                stalled.add(yes(agent, id));
            }
            long end = System.nanoTime() + WATCH_NS;
            long most = 0;
            while (System.nanoTime() < end) {
                most = Math.max(most, resident(agent));
                long asked = System.nanoTime();
                ObjectNode container = (ObjectNode) agent.engine().inspect(id);
                assertThat(container.at("/State/Running").booleanValue()).isTrue();
                assertThat(System.nanoTime() - asked).isLessThan(WATCH_NS / 2);
                LockSupport.parkNanos(20_000_000);
            }
            assertThat(most - before).isLessThan(GROWTH);
        } finally {
            for (EngineSocket client : stalled) {
                client.close();
            }
        }
    }

    private static long resident(AgentProcess agent) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + agent.pid() + "/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) << 10;
            }
        }
        throw new AssertionError("the agent is gone: " + agent.log());
    }

    private static void removeTree(Path directory) throws IOException {
        try (var all = Files.walk(directory)) {
            for (Path path : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
