package dev.berth.isolator;

/**
 * A further process in a running container.
 *
 * @param id Docker's 64-digit exec id
 * @param streamsGiven whether STDIN, STDOUT and STDERR come as slots; else the monitor makes pipes (or a terminal is made)
 */
public record ExecConfig(
        String id,
        ContainerConfig.ProcessSpec process,
        ContainerConfig.Security security,
        boolean tty,
        boolean openStdin,
        boolean streamsGiven,
        int rows,
        int columns) {}
