package dev.berth.containerizer.launch;

import static dev.berth.containerizer.launch.Argument.ADDRESS;
import static dev.berth.containerizer.launch.Argument.CLONE_FLAGS;
import static dev.berth.containerizer.launch.Argument.DEVICE;
import static dev.berth.containerizer.launch.Argument.FD;
import static dev.berth.containerizer.launch.Argument.FSCONFIG;
import static dev.berth.containerizer.launch.Argument.INT;
import static dev.berth.containerizer.launch.Argument.IOCTL;
import static dev.berth.containerizer.launch.Argument.MODE;
import static dev.berth.containerizer.launch.Argument.MOUNT_ATTRIBUTES;
import static dev.berth.containerizer.launch.Argument.MOUNT_ATTR_STRUCT;
import static dev.berth.containerizer.launch.Argument.MOVE_FLAGS;
import static dev.berth.containerizer.launch.Argument.OPEN_FLAGS;
import static dev.berth.containerizer.launch.Argument.OPEN_HOW;
import static dev.berth.containerizer.launch.Argument.PRCTL;
import static dev.berth.containerizer.launch.Argument.RESOURCE;
import static dev.berth.containerizer.launch.Argument.RLIMIT;
import static dev.berth.containerizer.launch.Argument.STRING;
import static dev.berth.containerizer.launch.Argument.STRINGS;
import static dev.berth.containerizer.launch.Argument.TREE_FLAGS;

import java.util.List;
import java.util.Optional;

/** The system calls that launch programs are made of: numbers of both architectures and what their arguments are, for printing. */
enum Call {
    WRITE("write", 1, 64, FD, STRING, INT),
    IOCTL_("ioctl", 16, 29, FD, IOCTL, ADDRESS),
    FCNTL("fcntl", 72, 25, FD, INT),
    PRCTL_("prctl", 157, 167, PRCTL, INT, INT, INT, INT),
    PIVOT_ROOT("pivot_root", 155, 41, STRING, STRING),
    UMOUNT2("umount2", 166, 39, STRING, INT),
    SETSID("setsid", 112, 157),
    SETHOSTNAME("sethostname", 170, 161, STRING, INT),
    SETDOMAINNAME("setdomainname", 171, 162, STRING, INT),
    UMASK("umask", 95, 166, MODE),
    SETGROUPS("setgroups", 116, 159, INT, ADDRESS),
    SETRESUID("setresuid", 117, 147, INT, INT, INT),
    SETRESGID("setresgid", 119, 149, INT, INT, INT),
    CAPSET("capset", 126, 91, ADDRESS, Argument.CAPABILITIES),
    SCHED_SETAFFINITY("sched_setaffinity", 203, 122, INT, INT, ADDRESS),
    FCHDIR("fchdir", 81, 50, FD),
    FCHOWN("fchown", 93, 55, FD, INT, INT),
    FCHOWNAT("fchownat", 260, 54, FD, STRING, INT, INT, INT),
    EXECVE("execve", 59, 221, STRING, STRINGS, STRINGS),
    KEYCTL("keyctl", 250, 219, INT, STRING),
    UNSHARE("unshare", 272, 97, CLONE_FLAGS),
    SETNS("setns", 308, 268, FD, CLONE_FLAGS),
    OPENAT("openat", 257, 56, FD, STRING, OPEN_FLAGS),
    OPENAT2("openat2", 437, 437, FD, STRING, OPEN_HOW, INT),
    MKDIRAT("mkdirat", 258, 34, FD, STRING, MODE),
    MKNODAT("mknodat", 259, 33, FD, STRING, MODE, DEVICE),
    SYMLINKAT("symlinkat", 266, 36, STRING, FD, STRING),
    DUP3("dup3", 292, 24, FD, INT, OPEN_FLAGS),
    PRLIMIT64("prlimit64", 302, 261, INT, RESOURCE, RLIMIT, ADDRESS),
    SECCOMP("seccomp", 317, 277, INT, INT, Argument.FILTER),
    OPEN_TREE("open_tree", 428, 428, FD, STRING, TREE_FLAGS),
    MOVE_MOUNT("move_mount", 429, 429, FD, STRING, FD, STRING, MOVE_FLAGS),
    FSOPEN("fsopen", 430, 430, STRING, INT),
    FSCONFIG_("fsconfig", 431, 431, FD, FSCONFIG, STRING, STRING, INT),
    FSMOUNT("fsmount", 432, 432, FD, INT, MOUNT_ATTRIBUTES),
    PIDFD_GETFD("pidfd_getfd", 438, 438, FD, INT, INT),
    MOUNT_SETATTR("mount_setattr", 442, 442, FD, STRING, TREE_FLAGS, MOUNT_ATTR_STRUCT, INT);

    private final String manName;
    private final int x86;
    private final int arm;

    /** Never changed: List.of. */
    @SuppressWarnings("ImmutableEnumChecker")
    private final List<Argument> arguments;

    Call(String manName, int x86, int arm, Argument... arguments) {
        this.manName = manName;
        this.x86 = x86;
        this.arm = arm;
        this.arguments = List.of(arguments);
    }

    /** As section 2 of the manual calls it. */
    String manName() {
        return manName;
    }

    List<Argument> arguments() {
        return arguments;
    }

    int number(Abi abi) {
        return abi == Abi.X86_64 ? x86 : arm;
    }

    static Optional<Call> of(int number, Abi abi) {
        for (Call call : values()) {
            if (call.number(abi) == number) {
                return Optional.of(call);
            }
        }
        return Optional.empty();
    }
}
