package dev.berth.linux;

/** File types and permission bits of {@code st_mode} ({@code linux/stat.h}), and the {@code d_type} values of directory entries. */
public final class FileMode {
    public static final int S_IFMT = 0xF000;
    public static final int S_IFSOCK = 0xC000;
    public static final int S_IFLNK = 0xA000;
    public static final int S_IFREG = 0x8000;
    public static final int S_IFBLK = 0x6000;
    public static final int S_IFDIR = 0x4000;
    public static final int S_IFCHR = 0x2000;
    public static final int S_IFIFO = 0x1000;
    public static final int S_ISUID = 0x800;
    public static final int S_ISGID = 0x400;
    public static final int S_ISVTX = 0x200;

    public static final int DT_UNKNOWN = 0;
    public static final int DT_FIFO = 1;
    public static final int DT_CHR = 2;
    public static final int DT_DIR = 4;
    public static final int DT_BLK = 6;
    public static final int DT_REG = 8;
    public static final int DT_LNK = 10;
    public static final int DT_SOCK = 12;

    private FileMode() {}
}
