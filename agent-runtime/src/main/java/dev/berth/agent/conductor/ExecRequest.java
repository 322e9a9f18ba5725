package dev.berth.agent.conductor;

import java.util.List;

/**
 * What {@code POST /containers/ID/exec} asks for.
 *
 * @param user empty for the container's own
 * @param workingDir empty for the container's own
 */
public record ExecRequest(
        List<String> argv,
        List<String> env,
        String workingDir,
        String user,
        boolean tty,
        boolean attachStdin,
        boolean attachStdout,
        boolean attachStderr,
        boolean privileged,
        int rows,
        int columns,
        String detachKeys) {}
