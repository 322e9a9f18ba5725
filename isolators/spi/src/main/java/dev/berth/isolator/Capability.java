package dev.berth.isolator;

import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Capabilities in the kernel's order ({@code capabilities(7)}). */
public enum Capability {
    CHOWN(0),
    DAC_OVERRIDE(1),
    DAC_READ_SEARCH(2),
    FOWNER(3),
    FSETID(4),
    KILL(5),
    SETGID(6),
    SETUID(7),
    SETPCAP(8),
    LINUX_IMMUTABLE(9),
    NET_BIND_SERVICE(10),
    NET_BROADCAST(11),
    NET_ADMIN(12),
    NET_RAW(13),
    IPC_LOCK(14),
    IPC_OWNER(15),
    SYS_MODULE(16),
    SYS_RAWIO(17),
    SYS_CHROOT(18),
    SYS_PTRACE(19),
    SYS_PACCT(20),
    SYS_ADMIN(21),
    SYS_BOOT(22),
    SYS_NICE(23),
    SYS_RESOURCE(24),
    SYS_TIME(25),
    SYS_TTY_CONFIG(26),
    MKNOD(27),
    LEASE(28),
    AUDIT_WRITE(29),
    AUDIT_CONTROL(30),
    SETFCAP(31),
    MAC_OVERRIDE(32),
    MAC_ADMIN(33),
    SYSLOG(34),
    WAKE_ALARM(35),
    BLOCK_SUSPEND(36),
    AUDIT_READ(37),
    PERFMON(38),
    BPF(39),
    CHECKPOINT_RESTORE(40);

    private static final Capability[] BY_NUMBER = values();

    private final int number;

    Capability(int number) {
        this.number = number;
    }

    /** All that this table knows: every kernel from 6.1 on has them. */
    public static final long ALL = (1L << BY_NUMBER.length) - 1;

    /** Names of what Docker leaves a container (moby, {@code oci/caps/defaults.go}). */
    public static final Set<String> DOCKER_DEFAULTS =
            Collections.unmodifiableSet(
                    new LinkedHashSet<>(
                            List.of(
                                    "CHOWN",
                                    "DAC_OVERRIDE",
                                    "FSETID",
                                    "FOWNER",
                                    "MKNOD",
                                    "NET_RAW",
                                    "SETGID",
                                    "SETUID",
                                    "SETFCAP",
                                    "SETPCAP",
                                    "NET_BIND_SERVICE",
                                    "SYS_CHROOT",
                                    "KILL",
                                    "AUDIT_WRITE")));

    public int number() {
        return number;
    }

    public long bit() {
        return 1L << number;
    }

    /** By name, with or without {@code CAP_}, in any case of letters. */
    public static Optional<Capability> named(String name) {
        String bare = name.regionMatches(true, 0, "CAP_", 0, 4) ? name.substring(4) : name;
        for (Capability c : BY_NUMBER) {
            if (c.name().equalsIgnoreCase(bare)) {
                return Optional.of(c);
            }
        }
        return Optional.empty();
    }

    /** The name of a number, also of one that a newer kernel has. */
    public static String nameOf(int number) {
        return "CAP_"
                + (number < BY_NUMBER.length ? BY_NUMBER[number].name() : Integer.toString(number));
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
