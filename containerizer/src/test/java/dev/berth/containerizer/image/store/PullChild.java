package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.Image;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.PullProgress;
import dev.berth.containerizer.image.registry.FaultyRegistry;
import dev.berth.linux.Linux;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/** A process that pulls one image and can be told to stand still at a step, to be killed there. */
final class PullChild implements AutoCloseable {
    private final Process process;
    private final BufferedReader output;

    private PullChild(Process process) {
        this.process = process;
        this.output =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Starts one; {@code stopAt} is the name of a {@link PullStep} or empty. */
    static PullChild start(Path dataRoot, String reference, String stopAt) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty(
                                "surefire.test.class.path", System.getProperty("java.class.path")),
                        PullChild.class.getName(),
                        dataRoot.toString(),
                        reference,
                        stopAt));
        return new PullChild(new ProcessBuilder(command).redirectErrorStream(true).start());
    }

    /** The next line that it prints; empty at its end. */
    Optional<String> line() throws IOException {
        return Optional.ofNullable(output.readLine());
    }

    /** SIGKILL, and waits for the end. */
    void kill() {
        process.destroyForcibly().onExit().join();
    }

    @Override
    public void close() {
        kill();
    }

    /** Arguments: data-root, reference, step. Prints {@code at STEP} and then stands still, or {@code pulled ID}. */
    public static void main(String[] args) throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        Consumer<PullStep> stop =
                step -> {
                    if (step.name().equals(args[2])) {
                        say("at " + step);
                        try {
                            never.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    }
                };
        try (DirectoryImageStore store =
                DirectoryImageStore.open(
                        Linux.host(),
                        Path.of(args[0]),
                        ImageStoreOptions.defaults()
                                .withRegistry(FaultyRegistry.quick())
                                .withCrashPoints(stop))) {
            Image image =
                    store.pull(
                            ImageReference.parse(args[1]),
                            Platform.host(),
                            Optional.empty(),
                            PullProgress.NONE);
            say("pulled " + image.id());
        }
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
