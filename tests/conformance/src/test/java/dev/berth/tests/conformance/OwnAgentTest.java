package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.berth.agent.config.AgentArguments;
import dev.berth.tests.conformance.CommandLine.Outcome;
import dev.berth.tests.kit.BusyboxRoot;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Where nobody listens on the default socket the command line starts an agent. Runs where {@code /run} and {@code /var/lib} are empty and private, so that a host's own agent is left alone. */
@Tag("conformance")
@Timeout(120)
class OwnAgentTest {
    private static final String CGROUP =
            "berth-" + AgentArguments.suffix(Path.of("/var/lib/berth"));

    /** {@code $0} is the directory of the root file system, the arguments are the command line. */
    private static final String SCRIPT =
            """
            mount -t tmpfs none /run && mount -t tmpfs none /var/lib || exit 99
            "$@" version | grep -q 'none listens' || exit 98
            "$@" run --rm --rootfs "$0" echo from its own agent
            code=$?
            "$@" run --rm --rootfs "$0" sh -c 'exit 6'
            echo second $?
            pid=$(cat /run/berth/agent.pid)
            kill "$pid"
            while [ -d "/proc/$pid" ]; do sleep 0.02; done
            exit $code
            """;

    @TempDir Path directory;

    @Test
    void anAgentIsStartedOnceAndServesTheNextCommandToo() throws Exception {
        for (Path group : Cgroups.named(CGROUP)) {
            assumeTrue(
                    Files.readString(group.resolve("cgroup.events")).contains("populated 0"),
                    "this host's own agent has containers");
        }
        String root = BusyboxRoot.make(directory.resolve("root")).toString();
        List<String> command =
                new ArrayList<>(List.of("unshare", "--mount", "sh", "-c", SCRIPT, root));
        command.addAll(CommandLine.command());
        try {
            Outcome outcome = CommandLine.finish(new ProcessBuilder(command).start(), new byte[0]);
            assertThat(outcome.code()).as(outcome.err()).isZero();
            assertThat(outcome.out()).isEqualTo("from its own agent\nsecond 6\n");
        } finally {
            removeCgroup();
        }
    }

    /** An agent that was told to end leaves its groups for the next one. */
    private static void removeCgroup() throws IOException {
        for (Path group : Cgroups.named(CGROUP)) {
            List<Path> directories;
            try (Stream<Path> walk = Files.walk(group)) {
                directories =
                        walk.filter(Files::isDirectory).sorted(Comparator.reverseOrder()).toList();
            }
            for (Path each : directories) {
                Files.delete(each);
            }
        }
    }
}
