package dev.berth.linux;

/** File system magic numbers of {@code statfs(2)}, from {@code linux/magic.h}. */
public final class FsMagic {
    public static final long CGROUP_SUPER_MAGIC = 0x27e0ebL;
    public static final long CGROUP2_SUPER_MAGIC = 0x63677270L;
    public static final long PROC_SUPER_MAGIC = 0x9fa0L;
    public static final long SYSFS_MAGIC = 0x62656572L;
    public static final long TMPFS_MAGIC = 0x01021994L;
    public static final long OVERLAYFS_SUPER_MAGIC = 0x794c7630L;
    public static final long EXT4_SUPER_MAGIC = 0xEF53L;
    public static final long XFS_SUPER_MAGIC = 0x58465342L;
    public static final long BTRFS_SUPER_MAGIC = 0x9123683EL;
    public static final long NSFS_MAGIC = 0x6e736673L;
    public static final long DEVPTS_SUPER_MAGIC = 0x1cd1L;

    private FsMagic() {}
}
