package dev.berth.tests.conformance;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** An image with busybox in it, as {@code docker save} writes one; the tar is written by hand, so that no library of ours is on both sides. */
final class DockerArchive {
    private static final List<String> NAMES =
            List.of(
                    "sh",
                    "echo",
                    "cat",
                    "sleep",
                    "true",
                    "false",
                    "id",
                    "ls",
                    "env",
                    "hostname",
                    "head",
                    "yes",
                    "tty",
                    "stty",
                    "kill",
                    "printf",
                    "seq",
                    "pwd",
                    "touch",
                    "wc",
                    "grep",
                    "test",
                    "ps");

    private DockerArchive() {}

    /** Writes {@code NAME:latest} to a file. */
    static void write(Path file, String name) throws IOException {
        byte[] layer = layer();
        String layerDigest = sha256(layer);
        byte[] config =
                ("""
                {"architecture":"amd64","os":"linux","created":"2026-01-01T00:00:00Z",
                 "config":{"Env":["PATH=/bin","FROM=image"],"Cmd":["sh"],"WorkingDir":"/root","Labels":{"made":"by-hand"}},
                 "rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"2026-01-01T00:00:00Z","created_by":"by hand"}]}
                """)
                        .formatted(layerDigest)
                        .getBytes(StandardCharsets.UTF_8);
        String manifest =
                "[{\"Config\":\"%s.json\",\"RepoTags\":[\"%s:latest\"],\"Layers\":[\"%s/layer.tar\"]}]"
                        .formatted(sha256(config), name, layerDigest);
        try (OutputStream out = Files.newOutputStream(file)) {
            entry(out, sha256(config) + ".json", '0', 0644, "", config);
            entry(out, layerDigest + "/layer.tar", '0', 0644, "", layer);
            entry(out, "manifest.json", '0', 0644, "", manifest.getBytes(StandardCharsets.UTF_8));
            out.write(new byte[1024]);
        }
    }

    private static byte[] layer() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (String directory : List.of("bin", "etc", "proc", "sys", "dev", "root", "tmp")) {
            int mode = directory.equals("tmp") ? 01777 : 0755;
            entry(out, directory + "/", '5', mode, "", new byte[0]);
        }
        entry(out, "bin/busybox", '0', 0755, "", Files.readAllBytes(Path.of("/bin/busybox")));
        for (String name : NAMES) {
            entry(out, "bin/" + name, '2', 0777, "busybox", new byte[0]);
        }
        entry(
                out,
                "etc/passwd",
                '0',
                0644,
                "",
                "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/tmp:/bin/sh\n"
                        .getBytes(StandardCharsets.UTF_8));
        entry(
                out,
                "etc/group",
                '0',
                0644,
                "",
                "root:x:0:\nbob:x:1000:\nextra:x:2000:bob\n".getBytes(StandardCharsets.UTF_8));
        out.write(new byte[1024]);
        return out.toByteArray();
    }

    /** One ustar entry, padded. */
    private static void entry(
            OutputStream out, String name, char type, int mode, String link, byte[] content)
            throws IOException {
        byte[] header = new byte[512];
        put(header, 0, name);
        put(header, 100, "%07o".formatted(mode));
        put(header, 108, "0000000");
        put(header, 116, "0000000");
        put(header, 124, "%011o".formatted(content.length));
        put(header, 136, "00000000000");
        Arrays.fill(header, 148, 156, (byte) ' ');
        header[156] = (byte) type;
        put(header, 157, link);
        put(header, 257, "ustar\00000");
        int sum = 0;
        for (byte b : header) {
            sum += b & 0xff;
        }
        put(header, 148, "%06o\0 ".formatted(sum));
        out.write(header);
        out.write(content);
        out.write(new byte[(512 - content.length % 512) % 512]);
    }

    private static void put(byte[] header, int at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, header, at, bytes.length);
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
