package dev.berth.linux;

/** The architectures that the bindings have numbers for; both are 64-bit and little-endian. */
public enum Arch {
    X86_64,
    AARCH64;

    /** What this JVM runs on. */
    public static final Arch HOST = detect();

    private static Arch detect() {
        String name = System.getProperty("os.arch", "");
        return switch (name) {
            case "amd64", "x86_64" -> X86_64;
            case "aarch64", "arm64" -> AARCH64;
            default ->
                    throw new UnsupportedOperationException(
                            "no system call numbers for architecture '"
                                    + name
                                    + "': Berth runs on x86-64 and arm64 Linux");
        };
    }

    /** The value of a constant that the two architectures define differently. */
    static int select(int x86, int arm64) {
        return HOST == X86_64 ? x86 : arm64;
    }
}
