package dev.berth.linux;

/** Flags of {@code open(2)}, from {@code asm/fcntl.h}. */
public final class Open {
    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_NOCTTY = 0x100;
    public static final int O_TRUNC = 0x200;
    public static final int O_APPEND = 0x400;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_DIRECTORY = Arch.select(0x10000, 0x4000);
    public static final int O_NOFOLLOW = Arch.select(0x20000, 0x8000);
    public static final int O_CLOEXEC = 0x80000;
    public static final int O_PATH = 0x200000;
    public static final int O_TMPFILE = 0x400000 | O_DIRECTORY;

    private Open() {}
}
