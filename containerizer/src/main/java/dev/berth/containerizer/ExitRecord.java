package dev.berth.containerizer;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * What a monitor left behind for an agent that was away (native-bindings/shim/PROTOCOL.md section 4).
 *
 * @param failure when the launch failed: the other values say nothing then
 */
record ExitRecord(
        Optional<LaunchFailure> failure,
        int waitStatus,
        long oomKills,
        long finishedNs,
        long userUs,
        long systemUs) {
    /** Where and how a launch failed, as in {@code MonitorMessage.Failed}. */
    record LaunchFailure(int section, int op, int errno) {}

    /** Empty when it is no whole record of a version we know. */
    static Optional<ExitRecord> parse(byte[] bytes) {
        String[] lines = new String(bytes, StandardCharsets.US_ASCII).split("\n", -1);
        if (lines.length < 2 || !lines[0].equals("berth-exit 1")) {
            return Optional.empty();
        }
        Optional<LaunchFailure> failure = Optional.empty();
        Optional<Integer> status = Optional.empty();
        long[] values = new long[4];
        try {
            for (String line : lines) {
                String[] words = line.split(" ");
                switch (words[0]) {
                    case "failed" ->
                            failure =
                                    Optional.of(
                                            new LaunchFailure(
                                                    Integer.parseInt(words[1]),
                                                    Integer.parseInt(words[2]),
                                                    Integer.parseInt(words[3])));
                    case "wait_status" -> status = Optional.of(Integer.parseInt(words[1]));
                    case "oom_kills" -> values[0] = Long.parseLong(words[1]);
                    case "finished_ns" -> values[1] = Long.parseLong(words[1]);
                    case "user_us" -> values[2] = Long.parseLong(words[1]);
                    case "system_us" -> values[3] = Long.parseLong(words[1]);
                    default -> {
                        // Fields of later versions are passed over.
                    }
                }
            }
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            return Optional.empty();
        }
        Optional<LaunchFailure> found = failure;
        return status.map(
                s -> new ExitRecord(found, s, values[0], values[1], values[2], values[3]));
    }

    ExitStatus status() {
        return new ExitStatus(waitStatus, oomKills > 0, finishedNs, userUs, systemUs);
    }
}
