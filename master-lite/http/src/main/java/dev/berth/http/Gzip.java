package dev.berth.http;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** Bodies, compressed. Pure functions. */
public final class Gzip {
    /** From this size on a response is compressed, where the client takes it. */
    public static final int WORTH_BYTES = 1024;

    private Gzip() {}

    /** Whether a body is said to be compressed so. */
    public static boolean isCoded(@Nullable String contentEncoding) {
        return contentEncoding != null && contentEncoding.strip().equalsIgnoreCase("gzip");
    }

    /** What is answered to a coding that is not read here; empty when it is. */
    static Optional<Reply> refusal(@Nullable String contentEncoding) {
        return contentEncoding == null
                        || isCoded(contentEncoding)
                        || contentEncoding.strip().equalsIgnoreCase("identity")
                ? Optional.empty()
                : Optional.of(
                        Reply.text(415, "'Content-Encoding' may be gzip, not " + contentEncoding));
    }

    /** In gzip's format. */
    public static byte[] compress(byte[] bytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length / 4 + 64);
        try (GZIPOutputStream gzip = new GZIPOutputStream(out, 8192)) {
            gzip.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException("memory does not fail", e);
        }
        return out.toByteArray();
    }

    /** Refuses what would become larger than a body may be. */
    public static byte[] expand(byte[] bytes, int mostBytes) throws IOException {
        try (GZIPInputStream gzip = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
            byte[] expanded = gzip.readNBytes(mostBytes + 1);
            if (expanded.length > mostBytes) {
                throw new IOException("the body is larger than " + mostBytes + " bytes");
            }
            return expanded;
        }
    }
}
