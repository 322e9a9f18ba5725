package dev.berth.containerizer.image.layer;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.manifest.ContentDigest;

import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;

import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;

/**
 * A layer's tar as it comes out of its compression, counted and digested on the way. The compression is told by the first bytes, not by the media type: registries exist that serve gzip under any name.
 *
 * <p>Thread: one.
 */
public final class LayerStream extends FilterInputStream {
    private static final int BUFFER_BYTES = 256 << 10;

    private final Counting compressed;
    private final String algorithm;
    private final MessageDigest digest;
    private final UnpackLimits limits;
    private long bytes;

    private LayerStream(
            InputStream tar, Counting compressed, String algorithm, UnpackLimits limits) {
        super(tar);
        this.compressed = compressed;
        this.algorithm = algorithm;
        this.digest = ContentDigest.start(algorithm);
        this.limits = limits;
    }

    /** Looks at the first bytes of {@code source} and undoes gzip (any number of members) or zstd. */
    public static LayerStream open(InputStream source, String algorithm, UnpackLimits limits)
            throws IOException {
        Counting counting = new Counting(source);
        return new LayerStream(
                decompress(new BufferedInputStream(counting, BUFFER_BYTES)),
                counting,
                algorithm,
                limits);
    }

    /** Undoes gzip or zstd if the first bytes say so. */
    public static InputStream decompress(BufferedInputStream source) throws IOException {
        source.mark(4);
        byte[] magic = source.readNBytes(4);
        source.reset();
        if (magic.length >= 2 && (magic[0] & 0xff) == 0x1f && (magic[1] & 0xff) == 0x8b) {
            return GzipCompressorInputStream.builder()
                    .setInputStream(source)
                    .setDecompressConcatenated(true)
                    .setBufferSize(BUFFER_BYTES)
                    .get();
        }
        if (magic.length == 4 && isZstd(magic)) {
            return new ZstdInputStreamNoFinalizer(source);
        }
        return source;
    }

    /** A frame, or a skippable frame before it (RFC 8878). */
    private static boolean isZstd(byte[] magic) {
        boolean frame =
                (magic[0] & 0xff) == 0x28
                        && (magic[1] & 0xff) == 0xb5
                        && magic[2] == 0x2f
                        && (magic[3] & 0xff) == 0xfd;
        boolean skippable =
                (magic[0] & 0xf0) == 0x50
                        && magic[1] == 0x2a
                        && magic[2] == 0x4d
                        && magic[3] == 0x18;
        return frame || skippable;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        int count = in.read(target, offset, length);
        if (count > 0) {
            digest.update(target, offset, count);
            bytes += count;
            if (bytes > limits.ratioFloorBytes() && bytes / limits.ratio() > compressed.count) {
                throw new BombException(
                        "layer decompresses to more than " + limits.ratio() + " times its size");
            }
        }
        return count;
    }

    @Override
    public long skip(long count) throws IOException {
        throw new UnsupportedOperationException("every byte is digested");
    }

    @Override
    public boolean markSupported() {
        return false;
    }

    /** Checks what was read to the end against a diff id. */
    public void verify(Digest diffId) throws ImageException {
        Digest actual = ContentDigest.finish(algorithm, digest);
        if (!actual.equals(diffId)) {
            throw new ImageException(
                    ImageException.Kind.INVALID,
                    "layer decompresses to "
                            + actual
                            + " where the configuration promises "
                            + diffId);
        }
    }

    /** The ratio limit, as an IOException so that it passes through readers of the stream. */
    static final class BombException extends IOException {
        private static final long serialVersionUID = 1;

        BombException(String message) {
            super(message);
        }
    }

    private static final class Counting extends FilterInputStream {
        private long count;

        Counting(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            int b = in.read();
            count += b < 0 ? 0 : 1;
            return b;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int n = in.read(target, offset, length);
            count += Math.max(n, 0);
            return n;
        }
    }
}
