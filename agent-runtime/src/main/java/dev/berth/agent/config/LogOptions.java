package dev.berth.agent.config;

import dev.berth.containerizer.Containerizer.LogLimits;

/** {@code --log-opt max-size} and {@code max-file}. */
public final class LogOptions {
    private LogOptions() {}

    /** Without options the log grows without bound, as Docker's does. */
    public static LogLimits of(ContainerSpec spec) throws AgentException {
        Fields options =
                new Fields(spec.hostConfig(), "HostConfig").object("LogConfig").object("Config");
        String size = options.text("max-size");
        String files = options.text("max-file");
        long bytes = size.isEmpty() ? 0 : ContainerSpec.size("log option max-size", size);
        if (bytes > Integer.MAX_VALUE || (bytes > 0 && bytes < 64 * 1024)) {
            throw AgentException.invalid(
                    "invalid log option max-size: want 64k to 2g, got \"" + size + "\"");
        }
        if (!files.isEmpty() && !files.matches("[1-9]\\d{0,2}")) {
            throw AgentException.invalid(
                    "invalid log option max-file: want 1 to 999, got \"" + files + "\"");
        }
        return new LogLimits((int) bytes, files.isEmpty() ? 1 : Integer.parseInt(files));
    }
}
