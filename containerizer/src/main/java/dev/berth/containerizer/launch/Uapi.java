package dev.berth.containerizer.launch;

/** Numbers of the kernel's user interface, spelled as in its headers (linux/mount.h, fcntl.h, openat2.h, prctl.h, sched.h, asm/ioctls.h). */
@SuppressWarnings("checkstyle:ConstantName")
final class Uapi {
    static final int AT_FDCWD = -100;
    static final int AT_SYMLINK_NOFOLLOW = 0x100;
    static final int AT_EMPTY_PATH = 0x1000;
    static final int AT_RECURSIVE = 0x8000;
    static final int OPEN_TREE_CLONE = 1;

    static final int O_WRONLY = 1;
    static final int O_RDWR = 2;
    static final int O_NOCTTY = 0x100;
    static final int O_CLOEXEC = 0x8_0000;
    static final int O_PATH = 0x20_0000;

    static final int RESOLVE_NO_XDEV = 0x01;
    static final int RESOLVE_NO_MAGICLINKS = 0x02;
    static final int RESOLVE_NO_SYMLINKS = 0x04;
    static final int RESOLVE_BENEATH = 0x08;
    static final int RESOLVE_IN_ROOT = 0x10;

    static final int FSOPEN_CLOEXEC = 1;
    static final int FSMOUNT_CLOEXEC = 1;
    static final int FSCONFIG_SET_FLAG = 0;
    static final int FSCONFIG_SET_STRING = 1;
    static final int FSCONFIG_CMD_CREATE = 6;
    static final int MOVE_MOUNT_F_EMPTY_PATH = 0x04;
    static final int MOVE_MOUNT_T_EMPTY_PATH = 0x40;
    static final int MOUNT_ATTR__ATIME = 0x70;
    static final int MNT_DETACH = 2;
    static final long MS_UNBINDABLE = 1L << 17;
    static final long MS_PRIVATE = 1L << 18;
    static final long MS_SLAVE = 1L << 19;
    static final long MS_SHARED = 1L << 20;

    static final int S_IFCHR = 0x2000;
    static final int S_IFBLK = 0x6000;
    static final int S_IFREG = 0x8000;

    static final int TIOCSCTTY = 0x540E;
    static final int TIOCSPTLCK = 0x4004_5431;
    static final int TIOCGPTPEER = 0x5441;
    static final int F_GETFD = 1;

    static final int PR_SET_KEEPCAPS = 8;
    static final int PR_CAPBSET_DROP = 24;
    static final int PR_SET_NO_NEW_PRIVS = 38;
    static final int PR_CAP_AMBIENT = 47;
    static final int PR_CAP_AMBIENT_RAISE = 2;
    static final int CAPABILITY_VERSION_3 = 0x2008_0522;
    static final int CAP_SYS_ADMIN = 21;

    /** CAP_CHECKPOINT_RESTORE: every kernel from the floor (6.1) on has all up to it. */
    static final int CAP_LAST_KNOWN = 40;

    static final int SECCOMP_SET_MODE_FILTER = 1;
    static final int KEYCTL_JOIN_SESSION_KEYRING = 1;

    private Uapi() {}

    /** {@code makedev(3)} as {@code mknod(2)} reads it: the new 32-bit encoding. */
    static long makedev(int major, int minor) {
        return ((long) (minor & 0xff)
                        | ((long) (major & 0xfff) << 8)
                        | ((long) (minor & ~0xff) << 12))
                & 0xffff_ffffL;
    }
}
