package dev.berth.containerizer.log;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/** Writes log files as PROTOCOL.md section 5 says, independently of the reader's code. */
public final class LogWriter {
    private final Path directory;
    private final int keep;
    private long sequence;

    public LogWriter(Path directory, int keep) throws IOException {
        this.directory = directory;
        this.keep = keep;
        begin();
    }

    private Path current() {
        return directory.resolve("log");
    }

    private void begin() throws IOException {
        sequence++;
        ByteBuffer header = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
        header.put("BERTHLOG".getBytes(StandardCharsets.US_ASCII)).putInt(1).putInt(0);
        header.putLong(sequence).putLong(1);
        Files.write(current(), header.array(), StandardOpenOption.CREATE_NEW);
    }

    public void rotate() throws IOException {
        for (int i = keep - 1; i >= 1; i--) {
            Path from = i == 1 ? current() : directory.resolve("log." + (i - 1));
            if (Files.exists(from)) {
                Files.move(
                        from, directory.resolve("log." + i), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        if (keep == 1) {
            Files.delete(current());
        }
        begin();
    }

    public void write(int stream, long realtimeNs, String text) throws IOException {
        append(frame(stream, realtimeNs, text.getBytes(StandardCharsets.UTF_8)));
    }

    public void append(byte[] bytes) throws IOException {
        Files.write(current(), bytes, StandardOpenOption.APPEND);
    }

    public static byte[] frame(int stream, long realtimeNs, byte[] payload) {
        ByteBuffer frame = ByteBuffer.allocate(24 + payload.length).order(ByteOrder.LITTLE_ENDIAN);
        frame.putInt(payload.length).putInt(0).putLong(realtimeNs).put((byte) stream).put((byte) 0);
        frame.putShort((short) 0).putInt(0).put(payload);
        CRC32C crc = new CRC32C();
        crc.update(frame.array(), 8, frame.array().length - 8);
        frame.putInt(4, (int) crc.getValue());
        return frame.array();
    }
}
