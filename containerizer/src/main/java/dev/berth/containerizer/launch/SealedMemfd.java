package dev.berth.containerizer.launch;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.Memfd;
import dev.berth.linux.OwnedFd;

/** Bytes that nobody can change any more, as a descriptor to hand over. Thread: any. */
public final class SealedMemfd {
    static final int SEALS =
            Memfd.F_SEAL_SEAL | Memfd.F_SEAL_SHRINK | Memfd.F_SEAL_GROW | Memfd.F_SEAL_WRITE;

    private SealedMemfd() {}

    /** A memfd with these bytes, sealed against every change. */
    public static OwnedFd of(Linux linux, String name, byte[] bytes) throws ErrnoException {
        OwnedFd memfd = linux.files().memfdCreate(name, Memfd.MFD_ALLOW_SEALING);
        try {
            linux.files().writeAll(memfd, bytes);
            linux.files().addSeals(memfd, SEALS);
            return memfd;
        } catch (ErrnoException e) {
            memfd.close();
            throw e;
        }
    }
}
