package dev.berth.containerizer.launch;

/**
 * What a launch program says to its monitor beside the plan.
 *
 * @param recordName name of the exit record in the run directory, without a slash
 * @param socketName name of the monitor's socket there
 * @param logged whether output goes to a log in the log directory
 * @param logMaxBytes of one file, 0 no rotation
 * @param logMaxFiles kept, at least 1
 */
public record LaunchSettings(
        String recordName, String socketName, boolean logged, int logMaxBytes, int logMaxFiles) {
    public LaunchSettings {
        if (recordName.isEmpty()
                || recordName.contains("/")
                || socketName.isEmpty()
                || socketName.contains("/")) {
            throw new IllegalArgumentException(
                    "record and socket are names in the run directory: "
                            + recordName
                            + ", "
                            + socketName);
        }
        if (logMaxBytes < 0 || logMaxFiles < 1) {
            throw new IllegalArgumentException(
                    "log rotation: " + logMaxBytes + " bytes, " + logMaxFiles + " files");
        }
    }
}
