package dev.berth.containerizer.launch;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Sockets;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** The header that every packet of the spawner's and the monitors' sockets begins with, and a reused buffer behind it. Little-endian, as both architectures are. */
final class ShimPacket {
    static final int SPAWNER_MAGIC = 0x53545242;
    static final int MONITOR_MAGIC = 0x4D545242;
    static final int VERSION = 1;
    static final int HEADER_BYTES = 16;

    static final int LAUNCH = 1;
    static final int NETNS = 2;
    static final int PING = 3;
    static final int NETNS_ANSWER = 0x82;
    static final int PONG = 0x83;
    static final int ERROR = 0x8F;

    static final int HELLO = 0x01;
    static final int CLOSE_STDIN = 0x02;
    static final int REOPEN_LOG = 0x03;
    static final int RESIZE = 0x04;
    static final int STARTED = 0x10;
    static final int FAILED = 0x11;
    static final int EXITED = 0x12;
    static final int STATE = 0x20;
    static final int ACK = 0x2F;

    static final int STAMPS = 32;

    private static final int MAX_BYTES = 4096;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private final MemorySegment buffer = Arena.ofAuto().allocate(MAX_BYTES, 8);
    private final Sockets sockets;
    private final int magic;
    private int length;
    private int sequence;

    ShimPacket(Linux linux, int magic) {
        this.sockets = linux.sockets();
        this.magic = magic;
    }

    /** Sends a packet whose payload is already in place; false when the socket is full. */
    boolean send(Fd socket, int type, int payloadBytes, List<? extends Fd> descriptors)
            throws ErrnoException {
        buffer.set(INT, 0, magic);
        buffer.set(SHORT, 4, (short) VERSION);
        buffer.set(SHORT, 6, (short) type);
        buffer.set(INT, 8, payloadBytes);
        buffer.set(INT, 12, ++sequence);
        return sockets.send(
                socket, buffer.asSlice(0, HEADER_BYTES + (long) payloadBytes), descriptors);
    }

    /** Receives one packet into the buffer. A malformed one counts as closed: nothing after it could be trusted. */
    Sockets.Received receive(Fd socket) throws ErrnoException {
        Sockets.Received received = sockets.receive(socket, buffer);
        length = received.length();
        if (length > 0
                && (length < HEADER_BYTES
                        || buffer.get(INT, 0) != magic
                        || buffer.get(SHORT, 4) != VERSION
                        || buffer.get(INT, 8) != length - HEADER_BYTES)) {
            received.descriptors().forEach(dev.berth.linux.OwnedFd::close);
            return new Sockets.Received(0, List.of());
        }
        return received;
    }

    int type() {
        return Short.toUnsignedInt(buffer.get(SHORT, 6));
    }

    /** Whether the payload received last has at least so many bytes. */
    boolean has(int payloadBytes) {
        return length - HEADER_BYTES >= payloadBytes;
    }

    int intAt(int at) {
        return buffer.get(INT, HEADER_BYTES + (long) at);
    }

    long longAt(int at) {
        return buffer.get(LONG, HEADER_BYTES + (long) at);
    }

    int byteAt(int at) {
        return Byte.toUnsignedInt(buffer.get(ValueLayout.JAVA_BYTE, HEADER_BYTES + (long) at));
    }

    List<Long> stampsAt(int at) {
        List<Long> stamps = new ArrayList<>(STAMPS);
        for (int i = 0; i < STAMPS; i++) {
            stamps.add(longAt(at + 8 * i));
        }
        return stamps;
    }

    void putInt(int at, int value) {
        buffer.set(INT, HEADER_BYTES + (long) at, value);
    }

    void putShort(int at, int value) {
        buffer.set(SHORT, HEADER_BYTES + (long) at, (short) value);
    }

    /** For tests that play the other side. */
    void putLong(int at, long value) {
        buffer.set(LONG, HEADER_BYTES + (long) at, value);
    }
}
