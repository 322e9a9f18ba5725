package dev.berth.tests.conformance;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A network namespace that reaches this one by one cable, which can be cut. One thread. */
final class CutNetwork implements AutoCloseable {
    private static final int SECONDS = 10;

    private final String name;
    private final String near;
    private final String far;
    private final String subnet;

    CutNetwork() throws IOException, InterruptedException {
        long pid = ProcessHandle.current().pid();
        name = "berth-cut-" + pid;
        near = "bc" + pid + "n";
        far = "bc" + pid + "f";
        // Of TEST-NET-2, which nobody uses.
        subnet = "198.51.100." + (pid % 63 * 4);
        ip("netns", "add", name);
        try {
            ip("link", "add", near, "type", "veth", "peer", "name", far);
            ip("link", "set", far, "netns", name);
            ip("addr", "add", host(1) + "/30", "dev", near);
            ip("link", "set", near, "up");
            ip("-n", name, "addr", "add", host(2) + "/30", "dev", far);
            ip("-n", name, "link", "set", far, "up");
            ip("-n", name, "link", "set", "lo", "up");
        } catch (IOException | InterruptedException e) {
            close();
            throw e;
        }
    }

    private String host(int number) {
        int dot = subnet.lastIndexOf('.');
        return subnet.substring(0, dot + 1)
                + (Integer.parseInt(subnet.substring(dot + 1)) + number);
    }

    /** This side's address. */
    String address() {
        return host(1);
    }

    /** Runs a program on the other side, with the mounts of this one. */
    List<String> by() {
        return List.of("nsenter", "--net=/run/netns/" + name);
    }

    void cut() throws IOException, InterruptedException {
        ip("link", "set", near, "down");
    }

    void mend() throws IOException, InterruptedException {
        ip("link", "set", near, "up");
    }

    private static void ip(String... words) throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(Stream.concat(Stream.of("ip"), Stream.of(words)).toList())
                        .redirectErrorStream(true)
                        .start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
            process.destroyForcibly();
            throw new IOException("ip " + String.join(" ", words) + ": " + said.strip());
        }
    }

    /** Takes the namespace away, and with it the cable. */
    @Override
    public void close() throws IOException {
        try {
            ip("netns", "delete", name);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
