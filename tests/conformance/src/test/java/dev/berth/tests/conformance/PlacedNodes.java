package dev.berth.tests.conformance;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Device nodes that are open to everyone, on a tmpfs without nodev: bound into a container they leave its device program as the only fence. */
final class PlacedNodes implements AutoCloseable {
    private final Path place;

    /** Mounts below {@code place}, which is made. */
    PlacedNodes(Path place) throws IOException, InterruptedException {
        this.place = Files.createDirectories(place);
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", place.toString());
    }

    /** Makes a character device. */
    void make(String name, int major, int minor) throws IOException, InterruptedException {
        run(
                "mknod",
                "-m",
                "666",
                place.resolve(name).toString(),
                "c",
                Integer.toString(major),
                Integer.toString(minor));
    }

    /** As {@code -v} wants it. */
    String bind() {
        return place + ":/nodes:ro";
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + ": " + said);
        }
    }

    @Override
    public void close() throws IOException {
        try {
            run("umount", "-l", place.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
