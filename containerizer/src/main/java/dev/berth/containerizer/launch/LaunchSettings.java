package dev.berth.containerizer.launch;

import java.nio.charset.StandardCharsets;

/**
 * What a launch program says to its monitor beside the plan.
 *
 * @param recordName name of the exit record in the run directory: at most 64 bytes, no slash, no dot in front
 * @param socketName name of the monitor's socket there, alike
 * @param logged whether output goes to a log in the log directory
 * @param logMaxBytes of one file, 0 no rotation
 * @param logMaxFiles kept, at least 1
 */
public record LaunchSettings(
        String recordName, String socketName, boolean logged, int logMaxBytes, int logMaxFiles) {
    public LaunchSettings {
        checkName(recordName);
        checkName(socketName);
        if (logMaxBytes < 0 || logMaxFiles < 1) {
            throw new IllegalArgumentException(
                    "log rotation: " + logMaxBytes + " bytes, " + logMaxFiles + " files");
        }
    }

    private static void checkName(String name) {
        if (name.isEmpty()
                || name.getBytes(StandardCharsets.UTF_8).length > ProgramHeader.NAME_MAX
                || name.startsWith(".")
                || name.contains("/")) {
            throw new IllegalArgumentException(
                    "not a name of 1 to "
                            + ProgramHeader.NAME_MAX
                            + " bytes in the run directory: "
                            + name);
        }
    }
}
