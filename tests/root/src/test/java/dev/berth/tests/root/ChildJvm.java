package dev.berth.tests.root;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.process.HelperCommand;
import dev.berth.linux.process.HelperProcess;
import dev.berth.linux.process.HelperResult;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A second JVM with this one's class path. */
final class ChildJvm {
    private ChildJvm() {}

    /** Runs a main class to its end, whatever that is. */
    static HelperResult run(Class<?> main, Map<String, String> properties, String... arguments)
            throws ErrnoException {
        List<String> argv = new ArrayList<>();
        argv.add("java");
        argv.addAll(
                List.of(
                        "--add-exports",
                        "java.base/jdk.internal.misc=ALL-UNNAMED",
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx128m"));
        properties.forEach((name, value) -> argv.add("-D" + name + "=" + value));
        argv.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        argv.addAll(List.of(arguments));
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return HelperProcess.run(
                Linux.host(),
                HelperCommand.of(java, argv, Map.of()),
                new byte[0],
                Duration.ofSeconds(60),
                1 << 20);
    }
}
