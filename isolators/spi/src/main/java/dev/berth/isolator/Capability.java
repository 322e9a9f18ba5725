package dev.berth.isolator;

import java.util.Optional;
import java.util.Set;

/** Capabilities in the kernel's order ({@code capabilities(7)}): the ordinal is the number. */
public enum Capability {
    CHOWN,
    DAC_OVERRIDE,
    DAC_READ_SEARCH,
    FOWNER,
    FSETID,
    KILL,
    SETGID,
    SETUID,
    SETPCAP,
    LINUX_IMMUTABLE,
    NET_BIND_SERVICE,
    NET_BROADCAST,
    NET_ADMIN,
    NET_RAW,
    IPC_LOCK,
    IPC_OWNER,
    SYS_MODULE,
    SYS_RAWIO,
    SYS_CHROOT,
    SYS_PTRACE,
    SYS_PACCT,
    SYS_ADMIN,
    SYS_BOOT,
    SYS_NICE,
    SYS_RESOURCE,
    SYS_TIME,
    SYS_TTY_CONFIG,
    MKNOD,
    LEASE,
    AUDIT_WRITE,
    AUDIT_CONTROL,
    SETFCAP,
    MAC_OVERRIDE,
    MAC_ADMIN,
    SYSLOG,
    WAKE_ALARM,
    BLOCK_SUSPEND,
    AUDIT_READ,
    PERFMON,
    BPF,
    CHECKPOINT_RESTORE;

    /** All that this table knows: every kernel from 6.1 on has them. */
    public static final long ALL = (1L << values().length) - 1;

    public int number() {
        return ordinal();
    }

    public long bit() {
        return 1L << ordinal();
    }

    /** By name, with or without {@code CAP_}, in any case of letters. */
    public static Optional<Capability> named(String name) {
        String bare = name.regionMatches(true, 0, "CAP_", 0, 4) ? name.substring(4) : name;
        for (Capability c : values()) {
            if (c.name().equalsIgnoreCase(bare)) {
                return Optional.of(c);
            }
        }
        return Optional.empty();
    }

    /** The name of a number, also of one that a newer kernel has. */
    public static String nameOf(int number) {
        return "CAP_"
                + (number < values().length ? values()[number].name() : Integer.toString(number));
    }

    /** The bits of a set of names; unknown names fail, naming the first. */
    public static long bits(Set<String> names) throws IsolatorException {
        long bits = 0;
        for (String name : names) {
            if (name.equalsIgnoreCase("ALL")) {
                bits |= ALL;
                continue;
            }
            bits |=
                    named(name)
                            .orElseThrow(() -> new IsolatorException("unknown capability " + name))
                            .bit();
        }
        return bits;
    }
}
