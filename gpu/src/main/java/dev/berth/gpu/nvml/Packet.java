package dev.berth.gpu.nvml;

import java.nio.BufferOverflowException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The fields of a packet in either direction. A value that does not fit its field is cut where that is harmless (text, long lists) and refused where it is not. */
final class Packet {
    static final int MOST_BYTES = 64 * 1024;
    static final int MAGIC = 0x4247;
    static final int VERSION = 1;

    private static final int MOST_TEXT = 4096;

    private final ByteBuffer bytes;

    private Packet(ByteBuffer bytes) {
        this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
    }

    static Packet write(int type) {
        Packet packet = new Packet(ByteBuffer.allocate(MOST_BYTES));
        packet.u16(MAGIC).u8(VERSION).u8(type);
        return packet;
    }

    /** Reads the head; {@link #type} is next. */
    static Packet read(byte[] received) throws PacketException {
        if (received.length < 4 || received.length > MOST_BYTES) {
            throw new PacketException("a packet of " + received.length + " bytes");
        }
        Packet packet = new Packet(ByteBuffer.wrap(received));
        int magic = packet.u16();
        int version = packet.u8();
        if (magic != MAGIC || version != VERSION) {
            throw new PacketException(
                    "magic " + magic + " and version " + version + " are not this protocol's");
        }
        return packet;
    }

    int type() {
        return u8();
    }

    /** What was written, in an array of its own. */
    byte[] finished() throws PacketException {
        byte[] copy = new byte[bytes.position()];
        bytes.flip().get(copy);
        return copy;
    }

    /** Nothing may follow. */
    void end() throws PacketException {
        if (bytes.hasRemaining()) {
            throw new PacketException(bytes.remaining() + " bytes too many");
        }
    }

    Packet u8(int value) {
        bytes.put((byte) value);
        return this;
    }

    Packet u16(int value) {
        if (value < 0 || value > 0xffff) {
            throw new IllegalArgumentException("not 16 bits: " + value);
        }
        bytes.putShort((short) value);
        return this;
    }

    Packet i32(int value) {
        bytes.putInt(value);
        return this;
    }

    Packet i64(long value) {
        bytes.putLong(value);
        return this;
    }

    Packet real(double value) {
        bytes.putDouble(value);
        return this;
    }

    Packet text(String value) {
        String cut = value.length() > MOST_TEXT / 3 ? value.substring(0, MOST_TEXT / 3) : value;
        byte[] utf8 = cut.getBytes(StandardCharsets.UTF_8);
        u16(utf8.length);
        bytes.put(utf8);
        return this;
    }

    <T> Packet list(List<T> values, Consumer<T> each) {
        u16(values.size());
        values.forEach(each);
        return this;
    }

    int u8() {
        return bytes.get() & 0xff;
    }

    int u16() {
        return bytes.getShort() & 0xffff;
    }

    int i32() {
        return bytes.getInt();
    }

    long i64() {
        return bytes.getLong();
    }

    double real() {
        return bytes.getDouble();
    }

    String text() throws PacketException {
        int length = u16();
        if (length > MOST_TEXT || length > bytes.remaining()) {
            throw new PacketException("text of " + length + " bytes");
        }
        ByteBuffer part = bytes.slice(bytes.position(), length);
        bytes.position(bytes.position() + length);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(part).toString();
        } catch (CharacterCodingException e) {
            throw new PacketException("text that is not UTF-8", e);
        }
    }

    /** Reads one element of a list. */
    interface Element<T> {
        T read() throws PacketException;
    }

    /** @param atLeast the fewest bytes of an element: a count that cannot be is refused before anything is made of it */
    <T> List<T> list(int atLeast, Element<T> element) throws PacketException {
        return list(u16(), atLeast, element);
    }

    <T> List<T> list(int count, int atLeast, Element<T> element) throws PacketException {
        if ((long) count * atLeast > bytes.remaining()) {
            throw new PacketException("a list of " + count);
        }
        List<T> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            values.add(element.read());
        }
        return values;
    }

    /** Does one reading or writing of a whole packet; what runs over its ends is not of the protocol. */
    static <T> T whole(Element<T> work) throws PacketException {
        try {
            return work.read();
        } catch (BufferUnderflowException e) {
            throw new PacketException("the packet ends too early", e);
        } catch (BufferOverflowException e) {
            throw new PacketException("more than " + MOST_BYTES + " bytes", e);
        } catch (IllegalArgumentException e) {
            throw new PacketException("a value that cannot be: " + e.getMessage(), e);
        }
    }
}
