package dev.berth.containerizer.launch;

/** The header's fields beyond sizes and counts; −1 for "none" in registers. */
record ProgramHeader(
        int flags,
        int registers,
        int descriptors,
        long cloneFlags,
        int cgroup,
        int logDir,
        int runDir,
        int stdin,
        int stdout,
        int stderr,
        int pty,
        int logMaxBytes,
        int logMaxFiles,
        int recordName,
        int socketName,
        int id,
        int rows,
        int columns) {
    static final int BYTES = 128;
    static final int MAGIC = 0x48545242;
    static final int VERSION = 1;

    /** Of record, socket and id, in bytes. */
    static final int NAME_MAX = 64;

    static final int TTY = 1;
    static final int STDIN_OPEN = 2;
    static final int EXEC = 4;
    static final int KILL_CGROUP = 8;
}
