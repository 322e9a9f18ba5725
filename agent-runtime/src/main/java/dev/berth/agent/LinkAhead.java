package dev.berth.agent;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarFile;
import java.util.stream.Stream;

/**
 * Loads, and runs nothing of, the classes that an agent or a master needs: the JVM that is told to write a cache of linked classes ({@code -XX:AOTCacheOutput}) then has them all. With the cache the first task after a start
 * does not wait for hundreds of classes to be read and verified. A training run of the real thing would need root, a kernel and containers, which a build has not.
 *
 * <p>Thread: main.
 */
final class LinkAhead {
    /** Jars of which every class is taken; the others' are loaded when they are needed. */
    private static final List<String> JARS =
            List.of("berth-", "netty-", "protobuf-", "jackson-", "agrona-");

    /** Parts of the JDK's base module. */
    private static final List<String> PACKAGES =
            List.of(
                    "java/io",
                    "java/lang",
                    "java/net",
                    "java/nio",
                    "java/time",
                    "java/util",
                    "jdk/internal/foreign",
                    "jdk/internal/misc",
                    "jdk/internal/util",
                    "sun/invoke",
                    "sun/net",
                    "sun/nio");

    private LinkAhead() {}

    public static void main(String[] words) throws IOException {
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            Path jar = Path.of(entry);
            if (JARS.stream().anyMatch(String.valueOf(jar.getFileName())::startsWith)) {
                jar(jar);
            }
        }
        FileSystem modules = FileSystems.getFileSystem(URI.create("jrt:/"));
        for (String name : PACKAGES) {
            Path base = modules.getPath("/modules/java.base");
            try (Stream<Path> files = Files.walk(base.resolve(name))) {
                files.map(file -> base.relativize(file).toString()).forEach(LinkAhead::load);
            }
        }
    }

    private static void jar(Path jar) throws IOException {
        try (JarFile open = new JarFile(jar.toFile())) {
            open.stream().forEach(entry -> load(entry.getName()));
        }
    }

    private static void load(String file) {
        if (!file.endsWith(".class") || file.startsWith("META-INF/") || file.contains("-info")) {
            return;
        }
        String name = file.substring(0, file.length() - ".class".length()).replace('/', '.');
        try {
            Class.forName(name, false, LinkAhead.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError _) {
            // It is for something else that is not here, and nothing that is here needs it.
        }
    }
}
