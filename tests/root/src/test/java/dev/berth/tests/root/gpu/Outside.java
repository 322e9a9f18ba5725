package dev.berth.tests.root.gpu;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;

import java.nio.file.Path;

/** What this test may do itself, outside of every container: the positive control of a denial. */
final class Outside {
    private Outside() {}

    /** The errno of an open, or {@code OK}. */
    static String open(Linux linux, Path path) {
        try {
            linux.files()
                    .openat(Fd.CWD, path.toString(), Open.O_RDONLY | Open.O_NONBLOCK, 0)
                    .close();
            return "OK";
        } catch (ErrnoException e) {
            return e.errno().name();
        }
    }
}
