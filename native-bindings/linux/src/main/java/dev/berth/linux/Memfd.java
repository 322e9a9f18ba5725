package dev.berth.linux;

/** Flags of {@code memfd_create(2)} and seals of {@code fcntl(2)}, from {@code linux/memfd.h} and {@code linux/fcntl.h}. */
public final class Memfd {
    public static final int MFD_CLOEXEC = 0x01;
    public static final int MFD_ALLOW_SEALING = 0x02;

    /** Linux 6.3; older kernels refuse it with EINVAL. */
    public static final int MFD_NOEXEC_SEAL = 0x08;

    /** Linux 6.3; older kernels refuse it with EINVAL. */
    public static final int MFD_EXEC = 0x10;

    public static final int F_SEAL_SEAL = 0x01;
    public static final int F_SEAL_SHRINK = 0x02;
    public static final int F_SEAL_GROW = 0x04;
    public static final int F_SEAL_WRITE = 0x08;
    public static final int F_SEAL_FUTURE_WRITE = 0x10;

    private Memfd() {}
}
