package dev.berth.containerizer.launch;

/** The two architectures: system call numbers and the open flags that differ. */
public enum Abi {
    X86_64(0x1_0000, 0x2_0000),
    AARCH64(0x4000, 0x8000);

    private final int directory;
    private final int noFollow;

    Abi(int directory, int noFollow) {
        this.directory = directory;
        this.noFollow = noFollow;
    }

    /** O_DIRECTORY. */
    int directory() {
        return directory;
    }

    /** O_NOFOLLOW. */
    int noFollow() {
        return noFollow;
    }

    /** The architecture that this runs on. */
    public static Abi host() {
        return System.getProperty("os.arch").equals("aarch64") ? AARCH64 : X86_64;
    }
}
