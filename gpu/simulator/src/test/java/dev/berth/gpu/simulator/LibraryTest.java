package dev.berth.gpu.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The library as a client sees it: symbols, structures, sizes, codes; by dlopen, and linked in under the address and undefined-behaviour sanitizers. */
class LibraryTest {
    @ParameterizedTest
    @ValueSource(strings = {"8xH100", "8xA100", "4xL40S", "1xH200", "1xA30"})
    void everyStructureSizeAndCodeIsAsTheFactsSay(String machine, @TempDir Path dir)
            throws Exception {
        try (Native host = new Native(dir, machine)) {
            Native.Outcome loaded = host.client("checks");
            assertEquals(0, loaded.code(), () -> String.join("\n", loaded.lines()));
            String checked = Native.built("client-checked").toString();
            Native.Outcome sanitized =
                    Native.run(host.simulator.environment(), checked, "-", "checks");
            assertEquals(0, sanitized.code(), () -> String.join("\n", sanitized.lines()));
        }
    }

    @Test
    void everySymbolThatClientsBindIsExported(@TempDir Path dir) throws Exception {
        try (Native host = new Native(dir, "1xA30")) {
            Native.Outcome nm =
                    Native.run(
                            java.util.Map.of(),
                            "nm",
                            "-D",
                            "--defined-only",
                            host.simulator.library().toString());
            Set<String> exported = new TreeSet<>();
            nm.lines().forEach(line -> exported.add(line.substring(line.lastIndexOf(' ') + 1)));
            List<String> missing = new ArrayList<>();
            for (String name :
                    Files.readAllLines(
                            Path.of("src/test/resources/symbols.txt"), StandardCharsets.UTF_8)) {
                if (!exported.contains(name)) {
                    missing.add(name);
                }
            }
            assertEquals(List.of(), missing);
            exported.removeIf(name -> name.startsWith("nvml"));
            assertEquals(Set.of(), exported, "nothing else leaks out");
        }
    }

    @Test
    void theLibraryBearsItsSonameAndTheDriversVersionInItsFileName(@TempDir Path dir)
            throws Exception {
        try (Native host = new Native(dir, "1xA30")) {
            assertEquals(
                    "libnvidia-ml.so.580.65.06",
                    Files.readSymbolicLink(host.simulator.library()).toString());
            Native.Outcome dynamic =
                    Native.run(
                            java.util.Map.of(),
                            "readelf",
                            "-d",
                            host.simulator.library().toString());
            assertTrue(
                    dynamic.lines().stream()
                            .anyMatch(line ->
                                    line.contains("SONAME")
                                            && line.contains("[libnvidia-ml.so.1]")),
                    dynamic.lines()::toString);
        }
    }
}
