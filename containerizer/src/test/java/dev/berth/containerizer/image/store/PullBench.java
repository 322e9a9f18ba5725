package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.PullProgress;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.registry.FaultyRegistry;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.file.TreeRemoval;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Pull and unpack of a Debian image from a registry on loopback: our store, and skopeo copy with umoci unpack, in turns. {@code tests/bench/pull} runs it. */
final class PullBench {
    private PullBench() {}

    /** Argument: rounds. */
    public static void main(String[] args) throws Exception {
        int rounds = Integer.parseInt(args[0]);
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Path stage = Files.createTempDirectory("berth-bench-pull");
        try (RealRegistry registry = RealRegistry.start(stage.resolve("registry"))) {
            OciImageWriter image = DebianImage.image();
            Path layout = stage.resolve("layout");
            image.writeLayout(layout, Optional.empty());
            String name = "127.0.0.1:" + registry.port() + "/library/debian:bench";
            RealRegistry.run(
                    "skopeo",
                    "copy",
                    "--dest-tls-verify=false",
                    "oci:" + layout,
                    "docker://" + name);
            out.printf(
                    Locale.ROOT,
                    "image: %.1f MB compressed, 4 layers%n",
                    image.layout(Optional.empty()).values().stream().mapToLong(b -> b.length).sum()
                            / 1e6);
            double[] berth = new double[rounds];
            double[] peer = new double[rounds];
            for (int i = 0; i < rounds; i++) {
                berth[i] = berth(stage.resolve("berth"), name);
                peer[i] = peer(stage.resolve("peer"), name);
                out.printf(
                        Locale.ROOT,
                        "round %d: berth %.2f s, skopeo copy + umoci unpack %.2f s%n",
                        i,
                        berth[i],
                        peer[i]);
            }
            Arrays.sort(berth);
            Arrays.sort(peer);
            out.printf(
                    Locale.ROOT,
                    "median: berth %.2f s, peer %.2f s: %.2f of the peer's time%n",
                    berth[rounds / 2],
                    peer[rounds / 2],
                    berth[rounds / 2] / peer[rounds / 2]);
        } finally {
            empty(stage);
            Files.delete(stage);
        }
    }

    private static double berth(Path dataRoot, String name) throws Exception {
        RealRegistry.run("sync");
        long start = System.nanoTime();
        try (DirectoryImageStore store =
                DirectoryImageStore.open(
                        Linux.host(),
                        dataRoot,
                        ImageStoreOptions.defaults().withRegistry(FaultyRegistry.quick()))) {
            store.pull(
                    ImageReference.parse(name),
                    Platform.host(),
                    Optional.empty(),
                    PullProgress.NONE);
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        empty(dataRoot);
        return seconds;
    }

    /** Ends with a sync as our commit does: umoci by itself leaves everything to the page cache. */
    private static double peer(Path directory, String name) throws Exception {
        Files.createDirectories(directory);
        RealRegistry.run("sync");
        long start = System.nanoTime();
        RealRegistry.run(
                "skopeo",
                "copy",
                "--src-tls-verify=false",
                "docker://" + name,
                "oci:" + directory.resolve("layout") + ":bench");
        RealRegistry.run(
                "umoci",
                "unpack",
                "--image",
                directory.resolve("layout") + ":bench",
                directory.resolve("bundle").toString());
        RealRegistry.run("sync", "--file-system", directory.toString());
        double seconds = (System.nanoTime() - start) / 1e9;
        empty(directory);
        return seconds;
    }

    private static void empty(Path directory) throws Exception {
        try (OwnedFd opened =
                Linux.host()
                        .files()
                        .openat(
                                Fd.CWD,
                                directory.toString(),
                                Open.O_RDONLY | Open.O_DIRECTORY,
                                0)) {
            new TreeRemoval(Linux.host().files()).empty(opened);
        }
    }
}
