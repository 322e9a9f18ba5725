import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Lays out what `berth dist` packs: a Java runtime with just the modules that are used, and the jars without compression (the archive compresses better) and without the native libraries of other machines.
 *
 * <p>Usage: java .ci/Dist.java JARS-DIR TREE
 */
class Dist {
    /** What jdeps finds, without the desktop that Jackson only asks for. */
    private static final String MODULES =
            "java.base,java.logging,java.management,java.naming,java.net.http,java.security.jgss,java.security.sasl,java.sql,jdk.jfr,jdk.unsupported";

    /** Native libraries in jars, by the folders that zstd-jni, JNA and sqlite-jdbc put them in. */
    private static final Pattern NATIVE =
            Pattern.compile(
                    "(aix|darwin|freebsd|linux|win)/[^/]+/[^/]+|com/sun/jna/[a-z0-9]+-[^/]+/[^/]+|org/sqlite/native/.+/[^/]+");

    private static final Pattern OURS =
            Pattern.compile(
                    "linux/amd64/.*|com/sun/jna/linux-x86-64/.*|org/sqlite/native/Linux/x86_64/.*");

    /** Signatures do not fit repacked jars, and a manifest's class path or module has no meaning here. */
    private static final Set<String> DROPPED = Set.of("META-INF/INDEX.LIST");

    private static final FileTime WHEN = FileTime.fromMillis(1_763_769_600_000L);

    public static void main(String[] args) throws IOException {
        Path jars = Path.of(args[0]);
        Path tree = Path.of(args[1]);
        Path lib = Files.createDirectories(tree.resolve("lib"));
        try (Stream<Path> all = Files.list(jars)) {
            for (Path jar : all.filter(p -> p.toString().endsWith(".jar")).sorted().toList()) {
                repack(jar, lib.resolve(jar.getFileName()));
            }
        }
        int rc =
                ToolProvider.findFirst("jlink")
                        .orElseThrow(() -> new IOException("this JDK has no jlink"))
                        .run(
                                System.out,
                                System.err,
                                "--add-modules",
                                MODULES,
                                "--strip-debug",
                                "--no-header-files",
                                "--no-man-pages",
                                "--compress",
                                "zip-0",
                                "--output",
                                tree.resolve("runtime").toString());
        if (rc != 0) {
            throw new IOException("jlink ended with " + rc);
        }
    }

    private static void repack(Path from, Path to) throws IOException {
        try (ZipFile in = new ZipFile(from.toFile());
                OutputStream file = Files.newOutputStream(to);
                ZipOutputStream out = new ZipOutputStream(file, StandardCharsets.UTF_8)) {
            out.setMethod(ZipOutputStream.STORED);
            for (ZipEntry entry : List.copyOf(in.stream().toList())) {
                String name = entry.getName();
                boolean foreign =
                        NATIVE.matcher(name).matches() && !OURS.matcher(name).matches();
                if (entry.isDirectory() || foreign || DROPPED.contains(name)) {
                    continue;
                }
                byte[] bytes = bytes(in, entry);
                CRC32 crc = new CRC32();
                crc.update(bytes);
                ZipEntry stored = new ZipEntry(name);
                stored.setSize(bytes.length);
                stored.setCompressedSize(bytes.length);
                stored.setCrc(crc.getValue());
                stored.setLastModifiedTime(WHEN);
                out.putNextEntry(stored);
                out.write(bytes);
                out.closeEntry();
            }
        }
    }

    private static byte[] bytes(ZipFile zip, ZipEntry entry) throws IOException {
        try (InputStream in = zip.getInputStream(entry)) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            in.transferTo(bytes);
            return bytes.toByteArray();
        }
    }
}
