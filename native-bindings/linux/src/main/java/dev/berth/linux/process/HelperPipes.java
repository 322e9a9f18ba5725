package dev.berth.linux.process;

import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Poll;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Our ends of a helper's three pipes, all non-blocking, served until it ends. The ends are closed as they run dry. */
final class HelperPipes {
    private static final int CHUNK = 32 * 1024;

    private final Linux linux;
    private final byte[] input;
    private final OwnedFd in;
    private final Sink output;
    private final Sink errors;
    private final int limitBytes;
    private int written;

    HelperPipes(Linux linux, byte[] input, OwnedFd in, OwnedFd out, OwnedFd err, int limitBytes) {
        this.linux = linux;
        this.input = input;
        this.in = in;
        this.output = new Sink(out);
        this.errors = new Sink(err);
        this.limitBytes = limitBytes;
    }

    /** False when the deadline came first. */
    boolean pump(Fd pidfd, long endNs) throws ErrnoException {
        write();
        while (true) {
            List<Fd> fds = new ArrayList<>(List.of(pidfd));
            int[] events = new int[4];
            events[0] = Poll.POLLIN;
            if (in.isOpen()) {
                events[fds.size()] = Poll.POLLOUT;
                fds.add(in);
            }
            for (Sink sink : List.of(output, errors)) {
                if (sink.fd.isOpen()) {
                    events[fds.size()] = Poll.POLLIN;
                    fds.add(sink.fd);
                }
            }
            int left = millisUntil(endNs);
            int[] ready = linux.processes().poll(fds, events, left);
            if (ready[0] != 0) {
                return true;
            }
            if (left == 0) {
                return false;
            }
            write();
            drain();
        }
    }

    /** Rounded up, so that 0 means that the time has come. */
    static int millisUntil(long endNs) {
        long left = endNs - System.nanoTime();
        return left <= 0 ? 0 : (int) Math.min((left + 999_999) / 1_000_000, Integer.MAX_VALUE);
    }

    private void write() throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            while (in.isOpen()) {
                int length = Math.min(input.length - written, CHUNK);
                if (length == 0) {
                    in.close();
                    return;
                }
                MemorySegment chunk = arena.allocate(length);
                MemorySegment.copy(input, written, chunk, ValueLayout.JAVA_BYTE, 0, length);
                int n = linux.files().write(in, chunk);
                if (n < 0) {
                    return;
                }
                written += n;
            }
        } catch (ErrnoException e) {
            // A program may end, or close its input, without having read all of it.
            if (e.errno() != Errno.EPIPE) {
                throw e;
            }
            in.close();
        }
    }

    /** Takes what is there now. */
    void drain() throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(CHUNK);
            output.drain(buffer);
            errors.drain(buffer);
        }
    }

    byte[] output() {
        return output.kept.toByteArray();
    }

    byte[] errors() {
        return errors.kept.toByteArray();
    }

    boolean truncated() {
        return output.truncated || errors.truncated;
    }

    private final class Sink {
        private final OwnedFd fd;
        private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
        private boolean truncated;

        Sink(OwnedFd fd) {
            this.fd = fd;
        }

        /** Bounded, so that a program that writes without end cannot hold us beyond its deadline. */
        void drain(MemorySegment buffer) throws ErrnoException {
            for (int i = 0; i < 64 && fd.isOpen(); i++) {
                int n = linux.files().read(fd, buffer);
                if (n < 0) {
                    return;
                }
                if (n == 0) {
                    fd.close();
                    return;
                }
                int room = Math.min(n, limitBytes - kept.size());
                truncated |= room < n;
                kept.writeBytes(buffer.asSlice(0, room).toArray(ValueLayout.JAVA_BYTE));
            }
        }
    }
}
