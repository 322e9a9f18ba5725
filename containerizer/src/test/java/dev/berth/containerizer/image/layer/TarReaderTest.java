package dev.berth.containerizer.image.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.containerizer.image.layer.TarEntry.Segment;
import dev.berth.containerizer.image.layer.TarEntry.Type;

import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

class TarReaderTest {
    private static List<TarEntry> read(byte[] tar) throws IOException {
        TarReader reader = new TarReader(new ByteArrayInputStream(tar));
        List<TarEntry> result = new ArrayList<>();
        for (Optional<TarEntry> next = reader.next(); next.isPresent(); next = reader.next()) {
            result.add(next.get());
        }
        return result;
    }

    private static byte[] readBody(TarReader reader) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] buffer = new byte[7];
        for (int n = reader.read(buffer, Long.MAX_VALUE);
                n >= 0;
                n = reader.read(buffer, Long.MAX_VALUE)) {
            out.write(buffer, 0, n);
        }
        return out.toByteArray();
    }

    @Test
    void longNamesAndLargeNumbersOfBothDialectsAreRead() throws Exception {
        String longName = "d/".repeat(80) + "ü".repeat(60);
        for (boolean posix : new boolean[] {true, false}) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes, "UTF-8")) {
                tar.setLongFileMode(
                        posix
                                ? TarArchiveOutputStream.LONGFILE_POSIX
                                : TarArchiveOutputStream.LONGFILE_GNU);
                tar.setBigNumberMode(
                        posix
                                ? TarArchiveOutputStream.BIGNUMBER_POSIX
                                : TarArchiveOutputStream.BIGNUMBER_STAR);
                tar.setAddPaxHeadersForNonAsciiNames(posix);
                TarArchiveEntry entry = new TarArchiveEntry(longName);
                entry.setSize(5);
                entry.setUserId(3_000_000_000L);
                entry.setMode(0104755);
                tar.putArchiveEntry(entry);
                tar.write("hello".getBytes(StandardCharsets.US_ASCII));
                tar.closeArchiveEntry();
            }
            TarReader reader = new TarReader(new ByteArrayInputStream(bytes.toByteArray()));
            TarEntry entry = reader.next().orElseThrow();
            assertThat(entry.name()).isEqualTo(longName);
            assertThat(Integer.toUnsignedLong(entry.uid())).isEqualTo(3_000_000_000L);
            assertThat(entry.mode()).isEqualTo(04755);
            assertThat(readBody(reader)).isEqualTo("hello".getBytes(StandardCharsets.US_ASCII));
            assertThat(reader.next()).isEmpty();
        }
    }

    @Test
    void capabilityBytesComeThroughAsTheyAre() throws Exception {
        byte[] capability = new byte[20];
        new Random(1).nextBytes(capability);
        capability[3] = (byte) 0xff;
        capability[4] = '\n';
        TarEntry entry =
                read(new TarBytes()
                                .pax("SCHILY.xattr.security.capability", capability)
                                .file("ping", "x")
                                .end())
                        .getFirst();
        assertThat(entry.xattrs().get("security.capability")).isEqualTo(capability);
    }

    @Test
    void aPaxHeaderCountsForOneMemberOnly() throws Exception {
        List<TarEntry> entries =
                read(
                        new TarBytes()
                                .pax("path", "first", "mtime", "12.5", "uid", "77")
                                .file("x", "x")
                                .file("second", "y")
                                .end());
        assertThat(entries).extracting(TarEntry::name).containsExactly("first", "second");
        assertThat(entries.getFirst().mtimeNanoseconds()).isEqualTo(500_000_000);
        assertThat(entries).extracting(TarEntry::uid).containsExactly(77, 0);
    }

    @Test
    void timesBefore1970CountUpwards() throws Exception {
        TarEntry entry = read(new TarBytes().pax("mtime", "-1.25").file("x", "").end()).getFirst();
        assertThat(entry.mtimeSeconds()).isEqualTo(-2);
        assertThat(entry.mtimeNanoseconds()).isEqualTo(750_000_000);
    }

    @Test
    void sparseFormatsAreRead() throws Exception {
        List<Segment> wanted = List.of(new Segment(0, 3), new Segment(4096, 2));
        byte[] data = "abcde".getBytes(StandardCharsets.US_ASCII);
        byte[] map = new byte[512];
        byte[] lines = "2\n0\n3\n4096\n2\n".getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(lines, 0, map, 0, lines.length);
        byte[] withMap = Arrays.copyOf(map, 517);
        System.arraycopy(data, 0, withMap, 512, 5);
        TarBytes tar =
                new TarBytes()
                        .pax(
                                "GNU.sparse.map", "0,3,4096,2",
                                "GNU.sparse.name", "v01",
                                "GNU.sparse.size", "5000")
                        .file("x", 0644, data)
                        .pax(
                                "GNU.sparse.size", "5000",
                                "GNU.sparse.numblocks", "2",
                                "GNU.sparse.offset", "0",
                                "GNU.sparse.numbytes", "3",
                                "GNU.sparse.offset", "4096",
                                "GNU.sparse.numbytes", "2")
                        .file("v00", 0644, data)
                        .pax(
                                "GNU.sparse.major", "1",
                                "GNU.sparse.minor", "0",
                                "GNU.sparse.name", "v10",
                                "GNU.sparse.realsize", "5000")
                        .file("x", 0644, withMap);
        TarReader reader = new TarReader(new ByteArrayInputStream(tar.end()));
        for (String name : List.of("v01", "v00", "v10")) {
            TarEntry entry = reader.next().orElseThrow();
            assertThat(entry.name()).isEqualTo(name);
            assertThat(entry.sizeBytes()).isEqualTo(5000);
            assertThat(entry.sparse()).isEqualTo(wanted);
            assertThat(readBody(reader)).isEqualTo(data);
        }
        assertThat(reader.next()).isEmpty();
    }

    @Test
    void oldGnuSparseWithExtensionBlocksIsRead() throws Exception {
        byte[] header = new TarBytes().file("old", 0644, new byte[0]).unended();
        header[156] = 'S';
        put(header, 257, "ustar  \0");
        put(header, 345, "\0".repeat(155));
        put(header, 124, "00000000005\0");
        put(header, 386, "00000000000\00000000000003\0");
        header[482] = 1;
        put(header, 483, "00000011610\0");
        byte[] extension = new byte[512];
        put(extension, 0, "00000010000\00000000000002\0");
        TarReader reader =
                new TarReader(
                        new ByteArrayInputStream(
                                new TarBytes()
                                        .raw(TarBytes.sum(header))
                                        .raw(extension)
                                        .body("abcde".getBytes(StandardCharsets.US_ASCII))
                                        .file("next", "n")
                                        .end()));
        TarEntry entry = reader.next().orElseThrow();
        assertThat(entry.sizeBytes()).isEqualTo(5000);
        assertThat(entry.sparse()).containsExactly(new Segment(0, 3), new Segment(4096, 2));
        assertThat(reader.next()).map(TarEntry::name).contains("next");
    }

    private static void put(byte[] block, int offset, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(bytes, 0, block, offset, bytes.length);
    }

    @Test
    void brokenTarsFailAndSayWhy() throws Exception {
        byte[] good = new TarBytes().file("name", "content").end();
        byte[] flipped = good.clone();
        flipped[0] ^= 1;
        assertThatThrownBy(() -> read(flipped)).hasMessageContaining("checksum");
        assertThatThrownBy(() -> read(Arrays.copyOf(good, 700))).isInstanceOf(EOFException.class);
        assertThatThrownBy(() ->
                        read(
                                new TarBytes()
                                        .pax("GNU.sparse.map", "0,3,2,2")
                                        .file("x", "abcde")
                                        .end()))
                .hasMessageContaining("sparse map");
        assertThatThrownBy(() -> read(new TarBytes().pax("size", "-1").file("x", "").end()))
                .hasMessageContaining("negative size");
        assertThatThrownBy(() -> read(new TarBytes().pax("uid", "4294967295").file("x", "").end()))
                .hasMessageContaining("invalid owner");
        assertThatThrownBy(() ->
                        read(new TarBytes().header("x", 'L', 0, 0, 0, 1L << 40, "", 0, 0).end()))
                .hasMessageContaining("extended header");
    }

    @Test
    void randomBytesNeverCrashTheReader() {
        Random random = new Random(7);
        byte[] good =
                new TarBytes()
                        .pax("path", "a", "GNU.sparse.map", "0,1,3,1")
                        .file("x", "ab")
                        .directory("d/", 0755)
                        .hardLink("h", "a")
                        .end();
        for (int i = 0; i < 20_000; i++) {
            byte[] tar = good.clone();
            int header = random.nextInt(4) * 512;
            for (int n = random.nextInt(6); n >= 0; n--) {
                tar[random.nextInt(tar.length)] = (byte) random.nextInt(256);
            }
            if (random.nextBoolean() && header + 512 <= tar.length) {
                byte[] block = Arrays.copyOfRange(tar, header, header + 512);
                System.arraycopy(TarBytes.sum(block), 0, tar, header, 512);
            }
            try {
                List<TarEntry> entries = read(tar);
                assertThat(entries).allSatisfy(e -> assertThat(e.type()).isNotEqualTo((Type) null));
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("tar");
            }
        }
    }
}
