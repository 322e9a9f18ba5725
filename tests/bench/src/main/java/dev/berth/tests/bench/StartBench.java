package dev.berth.tests.bench;

import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.archive.OciImageWriter.Member;
import dev.berth.tests.kit.EngineSocket;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Start to exit of one static program: Berth, asked over the agent's socket to start a created container and to tell its end, beside a peer's {@code run} of the same file, in turns.
 * {@code tests/bench/start} sets the stage.
 */
public final class StartBench {
    private static final Pattern STAGE = Pattern.compile("\\{\"Stage\":\"([^\"]+)\",\"Us\":(\\d+)");

    private static final int PEER_WARM_UP = 50;
    static final String IMAGE = "localhost/berth/bench:latest";

    private StartBench() {}

    /** Arguments: socket, the static program, rounds, warm-up rounds. The peer's timer is on standard input and output. */
    public static void main(String[] args) throws IOException {
        Path socket = Path.of(args[0]);
        Path program = Path.of(args[1]);
        int rounds = Integer.parseInt(args[2]);
        int warmUp = Integer.parseInt(args[3]);
        long[] berth = new long[rounds];
        long[] answered = new long[rounds];
        long[] peer = new long[rounds];
        Map<Integer, Map.Entry<String, long[]>> stages = new TreeMap<>();
        PrintStream err = new PrintStream(System.err, true, StandardCharsets.UTF_8);
        BufferedReader peerOut =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream peerIn = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try (EngineSocket commands = new EngineSocket(socket);
                EngineSocket waits = new EngineSocket(socket)) {
            load(commands, program);
            for (int i = -warmUp; i < rounds; i++) {
                String id = create(commands);
                waits.send("POST", "/v1.47/containers/" + id + "/wait?condition=next-exit", "");
                long before = System.nanoTime();
                commands.send("POST", "/v1.47/containers/" + id + "/start", "");
                commands.receive();
                long started = System.nanoTime() - before;
                String end = waits.receive();
                long took = System.nanoTime() - before;
                if (!end.contains("\"StatusCode\":0")) {
                    throw new IOException("the container did not end with 0: " + end);
                }
                if (i >= 0) {
                    berth[i] = took;
                    answered[i] = started;
                    stamp(
                            stages,
                            commands.call("GET", "/v1.47/containers/" + id + "/json", ""),
                            i,
                            rounds);
                }
                commands.call("DELETE", "/v1.47/containers/" + id, "");
                if (i < -PEER_WARM_UP) {
                    continue; // a peer is a new process each time: it has nothing to warm but the
                    // page cache
                }
                peerIn.println("go");
                String[] answer = peerOut.readLine().split(" ");
                if (!answer[1].equals("0")) {
                    throw new IOException("the peer ended with wait status " + answer[1]);
                }
                if (i >= 0) {
                    peer[i] = Long.parseLong(answer[0]);
                }
            }
        }
        report(err, Percentiles.of(berth), Percentiles.of(answered), Percentiles.of(peer), stages);
    }

    /** An image of one layer: the root is an overlay, as of any image. */
    static void load(EngineSocket commands, Path program) throws IOException {
        OciImageWriter image =
                new OciImageWriter(Platform.host())
                        .layer(
                                List.of(
                                        new Member.Directory("bin", 0755),
                                        new Member.RegularFile(
                                                "bin/true", 0755, Files.readAllBytes(program))));
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        try {
            image.writeArchive(archive, Optional.of(ImageReference.parse(IMAGE)));
        } catch (ImageException e) {
            throw new IOException("cannot make the image", e);
        }
        commands.send("POST", "/v1.47/images/load", "application/x-tar", archive.toByteArray());
        commands.receive();
    }

    private static String create(EngineSocket commands) throws IOException {
        String made =
                commands.call(
                        "POST",
                        "/v1.47/containers/create",
                        "{\"Image\":\""
                                + IMAGE
                                + "\",\"Cmd\":[\"/bin/true\"],\"HostConfig\":{\"NetworkMode\":\"none\"}}");
        Matcher id = Pattern.compile("\"Id\":\"([0-9a-f]{64})\"").matcher(made);
        if (!id.find()) {
            throw new IOException("no id in " + made);
        }
        return id.group(1);
    }

    private static void stamp(
            Map<Integer, Map.Entry<String, long[]>> stages, String inspect, int round, int rounds) {
        Matcher stage = STAGE.matcher(inspect);
        long first = -1;
        for (int index = 0; stage.find(); index++) {
            long at = Long.parseLong(stage.group(2));
            first = first < 0 ? at : first;
            String name = stage.group(1);
            stages.computeIfAbsent(index, _ -> Map.entry(name, new long[rounds]))
                            .getValue()[round] =
                    at - first;
        }
    }

    private static void report(
            PrintStream out,
            Percentiles berth,
            Percentiles answered,
            Percentiles peer,
            Map<Integer, Map.Entry<String, long[]>> stages)
            throws IOException {
        Writer text = new java.io.StringWriter();
        text.write(
                String.format(
                        Locale.ROOT,
                        "%-34s %8s %8s %8s %8s %8s%n",
                        "milliseconds",
                        "min",
                        "p10",
                        "p50",
                        "p99",
                        "max"));
        text.write(berth.row("berth start to exit (socket)") + "\n");
        text.write(answered.row("  of that, until start is answered") + "\n");
        text.write(peer.row("peer run") + "\n");
        text.write(
                String.format(
                        Locale.ROOT,
                        "ratio berth/peer: p10 %.2f, p50 %.2f%n",
                        (double) berth.at(10) / peer.at(10),
                        (double) berth.at(50) / peer.at(50)));
        text.write("\nstage, microseconds since the first (p50)\n");
        for (Map.Entry<String, long[]> stage : stages.values()) {
            text.write(
                    String.format(
                            Locale.ROOT,
                            "  %-32s %8.0f%n",
                            stage.getKey(),
                            Percentiles.of(stage.getValue()).at(50) * 1.0));
        }
        out.print(text);
    }
}
