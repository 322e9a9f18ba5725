package dev.berth.agent.config;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What {@code proc(5)} says of this host. Any thread; reads a small file each time. */
public final class ProcFacts {
    private static final Path MEMORY = Path.of("/proc/meminfo");
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private ProcFacts() {}

    /** {@code MemTotal}, in bytes; 0 when it cannot be read. */
    public static long memoryBytes() {
        try {
            for (String line : Files.readAllLines(MEMORY, StandardCharsets.US_ASCII)) {
                if (line.startsWith("MemTotal:")) {
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
