package dev.berth.isolator.seccomp;

import java.util.Locale;

/** An architecture that filters can be compiled for. */
public enum Architecture {
    X86_64(0xC000003E, "amd64", "syscalls-x86_64.txt"),
    AARCH64(0xC00000B7, "arm64", "syscalls-aarch64.txt");

    private final int auditArch;
    private final String profileName;
    private final String table;

    Architecture(int auditArch, String profileName, String table) {
        this.auditArch = auditArch;
        this.profileName = profileName;
        this.table = table;
    }

    /** The architecture of this machine. */
    public static Architecture host() {
        String name = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        return switch (name) {
            case "amd64", "x86_64" -> X86_64;
            case "aarch64" -> AARCH64;
            default ->
                    throw new IllegalStateException(
                            "no system call table for architecture " + name);
        };
    }

    /** {@code AUDIT_ARCH_*} of linux/audit.h: what {@code seccomp_data.arch} holds for native calls. */
    int auditArch() {
        return auditArch;
    }

    /** The name in {@code includes.arches} of profiles (Go's GOARCH). */
    String profileName() {
        return profileName;
    }

    /** The resource with its system calls. */
    String table() {
        return table;
    }
}
