package dev.berth.containerizer;

import dev.berth.linux.Linux;
import dev.berth.linux.process.CrashAt;

/**
 * Dies at the {@link CrashPoint} that the system property {@code berth.crash-at} names.
 *
 * <p>Thread: conductor.
 */
final class CrashPoints {
    private final CrashAt<CrashPoint> crash;

    private CrashPoints(CrashAt<CrashPoint> crash) {
        this.crash = crash;
    }

    static CrashPoints fromProperty(Linux linux) {
        return new CrashPoints(CrashAt.property(linux, "berth.crash-at", CrashPoint.class));
    }

    void reached(CrashPoint point) {
        crash.reached(point);
    }
}
