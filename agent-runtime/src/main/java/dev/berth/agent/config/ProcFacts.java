package dev.berth.agent.config;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What {@code proc(5)} says of this host. Any thread; reads a small file each time. */
public final class ProcFacts {
    private static final Path MEMORY = Path.of("/proc/meminfo");
    private static final Path LOADS = Path.of("/proc/loadavg");
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private ProcFacts() {}

    /** {@code MemTotal}, in bytes; 0 when it cannot be read. */
    public static long memoryBytes() {
        return memory("MemTotal:");
    }

    /** {@code MemFree}, in bytes; 0 when it cannot be read. */
    public static long freeMemoryBytes() {
        return memory("MemFree:");
    }

    /** How many processes ran or waited to, on average over 1, 5 and 15 minutes; empty when it cannot be read. */
    public static List<Double> loads() {
        try {
            return Stream.of(Files.readString(LOADS, StandardCharsets.US_ASCII).split(" ", -1))
                    .limit(3)
                    .map(Double::valueOf)
                    .toList();
        } catch (IOException | NumberFormatException e) {
            AgentLog.warn("read " + LOADS + ": " + e.getMessage());
            return List.of();
        }
    }

    private static long memory(String name) {
        try {
            for (String line : Files.readAllLines(MEMORY, StandardCharsets.US_ASCII)) {
                if (line.startsWith(name)) {
                    return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
                }
            }
        } catch (IOException | NumberFormatException e) {
            AgentLog.warn("read " + MEMORY + ": " + e.getMessage());
        }
        return 0;
    }

    /** Another one after each start of the host. */
    public static String bootId() throws AgentException {
        try {
            return Files.readString(BOOT_ID).strip();
        } catch (IOException e) {
            throw AgentException.failed("read " + BOOT_ID, e);
        }
    }
}
