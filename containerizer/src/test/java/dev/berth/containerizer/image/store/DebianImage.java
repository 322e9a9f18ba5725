package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.archive.OciImageWriter.Member;
import dev.berth.containerizer.image.manifest.ContentDigest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;

/** A real Debian root by debootstrap from the mirror that this machine's apt uses, as an image of several layers. Kept below the temporary directory for later runs. */
public final class DebianImage {
    private static final Pattern MIRROR =
            Pattern.compile("(?m)^(?:URIs:|deb(?: \\[[^\\]]*\\])?)\\s+(https?://\\S+)");
    private static final Pattern SUITE =
            Pattern.compile(
                    "(?m)^(?:Suites:|deb(?: \\[[^\\]]*\\])?\\s+https?://\\S+)\\s+([a-z]+)\\b");

    private DebianImage() {}

    /** The root's directory, made if it is not there. */
    public static Path root() throws IOException, InterruptedException {
        Path cache = Path.of(System.getProperty("java.io.tmpdir"), "berth-test-debian");
        Path root = cache.resolve("root");
        if (Files.exists(root.resolve("etc/debian_version"))) {
            return root;
        }
        Path fresh = Files.createTempDirectory("berth-test-debootstrap");
        String sources = sources();
        RealRegistry.run(
                "debootstrap",
                "--variant=minbase",
                first(SUITE, sources),
                fresh.resolve("root").toString(),
                first(MIRROR, sources));
        Files.createDirectories(cache);
        Files.move(fresh.resolve("root"), root);
        Files.delete(fresh);
        return root;
    }

    private static String first(Pattern pattern, String sources) throws IOException {
        Matcher matcher = pattern.matcher(sources);
        if (!matcher.find()) {
            throw new IOException("apt has no source to take Debian from");
        }
        return matcher.group(1);
    }

    private static String sources() throws IOException {
        StringBuilder result = new StringBuilder();
        List<Path> files = new ArrayList<>(List.of(Path.of("/etc/apt/sources.list")));
        Path directory = Path.of("/etc/apt/sources.list.d");
        if (Files.isDirectory(directory)) {
            try (Stream<Path> found = Files.list(directory)) {
                found.filter(p -> p.toString().matches(".*\\.(list|sources)"))
                        .sorted()
                        .forEach(files::add);
            }
        }
        for (Path file : files) {
            if (Files.exists(file)) {
                result.append(Files.readString(file)).append('\n');
            }
        }
        return result.toString();
    }

    /** Three layers of the root, and a small one that changes and removes things. */
    public static OciImageWriter image() throws IOException, InterruptedException {
        Path root = root();
        OciImageWriter image = new OciImageWriter(Platform.host()).cmd("/bin/sh");
        add(image, root, "--exclude=./usr", "--exclude=./var", ".");
        add(image, root, "./usr");
        add(image, root, "./var");
        return image.layer(
                List.of(
                        new Member.Directory("etc", 0755),
                        new Member.RegularFile(
                                "etc/motd", 0644, "berth\n".getBytes(StandardCharsets.UTF_8)),
                        new Member.RegularFile("etc/.wh.issue", 0644, new byte[0])));
    }

    private static void add(OciImageWriter image, Path root, String... what)
            throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "tar",
                                "--create",
                                "--sort=name",
                                "--numeric-owner",
                                "--xattrs",
                                "--one-file-system",
                                "--directory=" + root));
        command.addAll(List.of(what));
        Process process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        ByteArrayOutputStream compressed = new ByteArrayOutputStream();
        java.security.MessageDigest digest = ContentDigest.start("sha256");
        byte[] buffer = new byte[128 << 10];
        try (InputStream in = process.getInputStream();
                GZIPOutputStream gzip = new GZIPOutputStream(compressed, 64 << 10)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
                gzip.write(buffer, 0, n);
            }
        }
        if (process.waitFor() != 0) {
            throw new IOException("tar of " + root + " failed");
        }
        image.blob(
                "application/vnd.oci.image.layer.v1.tar+gzip",
                compressed.toByteArray(),
                ContentDigest.finish("sha256", digest));
    }
}
