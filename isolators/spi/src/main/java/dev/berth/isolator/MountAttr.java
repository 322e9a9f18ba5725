package dev.berth.isolator;

import java.util.Set;

/** MOUNT_ATTR_* of {@code fsmount(2)} and {@code mount_setattr(2)}. */
public enum MountAttr {
    READ_ONLY(0x1L),
    NO_SUID(0x2L),
    NO_DEV(0x4L),
    NO_EXEC(0x8L),
    NO_ATIME(0x10L),
    STRICT_ATIME(0x20L),
    NO_DIR_ATIME(0x80L),
    NO_SYM_FOLLOW(0x20_0000L);

    private final long bit;

    MountAttr(long bit) {
        this.bit = bit;
    }

    public long bit() {
        return bit;
    }

    /** All bits of a set. */
    public static long bits(Set<MountAttr> attributes) {
        long bits = 0;
        for (MountAttr a : attributes) {
            bits |= a.bit;
        }
        return bits;
    }
}
