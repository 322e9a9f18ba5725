package dev.berth.tests.root;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.Containerizer.ExecId;
import dev.berth.containerizer.Containerizer.ExecSpec;
import dev.berth.containerizer.ContainerizerKit;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** An agent in small, which one start, one exec and one end make die where {@code berth.crash-at} says. What it would have checkpointed is appended to a file. */
final class CrashingAgent {
    static final ContainerId ID = ContainerizerKit.id("cafe");
    static final String CHECKPOINT = "checkpoint";

    private CrashingAgent() {}

    /** Arguments: directory, cgroup parent. Ends with 0 only if no crash point stopped it. */
    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        try (ContainerizerKit kit = new ContainerizerKit(directory, arguments[1])) {
            kit.recover(List.of());
            ContainerConfig config = config();
            checkpoint(directory, "asked");
            kit.start(config);
            kit.await(ContainerEvent.Started.class, ID);
            checkpoint(directory, "started");
            kit.until("ready", () -> log(kit).startsWith("ready"));
            kit.containerizer.exec(
                    ID,
                    new ExecId("12".repeat(32)),
                    new ExecSpec(
                            ContainerizerKit.process("/probe", "true"),
                            config.security(),
                            false,
                            0,
                            0,
                            List.of()));
            kit.await(ContainerEvent.ExecExited.class, ID);
            kit.containerizer.signal(ID, 15);
            kit.await(ContainerEvent.Exited.class, ID);
            checkpoint(directory, "exited");
        }
    }

    static ContainerConfig config() {
        return ContainerizerKit.config(ID, "/probe", "sleep-until-signal");
    }

    private static String log(ContainerizerKit kit) {
        try {
            return kit.log(ID);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void checkpoint(Path directory, String what) throws java.io.IOException {
        Files.writeString(
                directory.resolve(CHECKPOINT),
                what + "\n",
                StandardCharsets.UTF_8,
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }
}
