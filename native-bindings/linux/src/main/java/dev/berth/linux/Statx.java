package dev.berth.linux;

/**
 * What {@code statx(2)} tells of a file. Times are nanoseconds since the epoch; {@code device} and {@code rdev} are encoded as {@link #makedev} does; {@code mountId} is
 * STATX_MNT_ID_UNIQUE where the kernel has it, else STATX_MNT_ID.
 */
public record Statx(
        int mode,
        int uid,
        int gid,
        int links,
        long inode,
        long sizeBytes,
        long blocks,
        long device,
        long rdev,
        long mtimeNs,
        long mountId) {
    public boolean isDirectory() {
        return (mode & 0xF000) == 0x4000;
    }

    public boolean isRegular() {
        return (mode & 0xF000) == 0x8000;
    }

    public boolean isSymlink() {
        return (mode & 0xF000) == 0xA000;
    }

    public boolean isCharDevice() {
        return (mode & 0xF000) == 0x2000;
    }

    public boolean isBlockDevice() {
        return (mode & 0xF000) == 0x6000;
    }

    /** {@code makedev(3)}: the 64-bit encoding that glibc and {@code mknod(2)} use for small numbers. */
    public static long makedev(int major, int minor) {
        return ((major & 0xfffL) << 8)
                | (minor & 0xffL)
                | ((minor & 0xfff00L) << 12)
                | ((major & 0xfffff000L) << 32);
    }

    public static int major(long device) {
        return (int) (((device >> 8) & 0xfff) | ((device >> 32) & ~0xfffL));
    }

    public static int minor(long device) {
        return (int) ((device & 0xff) | ((device >> 12) & ~0xffL));
    }
}
