package dev.berth.containerizer.launch;

/** What an argument of a system call is, for printing; see {@link ArgumentText}. */
enum Argument {
    FD,
    INT,
    ADDRESS,
    STRING,
    STRINGS,
    MODE,
    DEVICE,
    OPEN_FLAGS,
    OPEN_HOW,
    TREE_FLAGS,
    MOVE_FLAGS,
    MOUNT_ATTRIBUTES,
    MOUNT_ATTR_STRUCT,
    FSCONFIG,
    CLONE_FLAGS,
    IOCTL,
    PRCTL,
    RESOURCE,
    RLIMIT,
    CAPABILITIES,
    FILTER
}
