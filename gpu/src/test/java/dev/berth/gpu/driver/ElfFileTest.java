package dev.berth.gpu.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;

/** Images made by hand; what gcc makes is read in {@link DriverViewTest}. */
class ElfFileTest {
    private static final int STRINGS = 0x300;

    @TempDir Path temp;

    private ElfFile read(byte[] bytes) throws Exception {
        Path file = Files.write(temp.resolve("elf"), bytes);
        Linux linux = Linux.host();
        try (OwnedFd fd = linux.files().openat(Fd.CWD, file.toString(), Open.O_RDONLY, 0)) {
            return ElfFile.read(linux.files(), fd);
        }
    }

    /** A little-endian 64-bit image: header, one PT_LOAD over all of it, one PT_DYNAMIC, strings. */
    private static ByteBuffer image(String soname) {
        ByteBuffer b = ByteBuffer.allocate(0x400).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0, 0x464C457F).put(4, (byte) 2).put(5, (byte) 1);
        b.putShort(18, (short) ElfFile.X86_64).putLong(32, 64);
        b.putShort(54, (short) 56).putShort(56, (short) 2);
        segment(b, 64, 1, 0, 0x10000, 0x400);
        segment(b, 64 + 56, 2, 0x200, 0x10200, 64);
        entry(b, 0, 5, 0x10000 + STRINGS);
        entry(b, 1, 10, 0x100);
        entry(b, 2, 14, 1);
        b.put(STRINGS + 1, (soname + "\0").getBytes(StandardCharsets.US_ASCII));
        return b;
    }

    private static void segment(ByteBuffer b, int at, int type, long offset, long address, long n) {
        b.putInt(at, type).putLong(at + 8, offset).putLong(at + 16, address).putLong(at + 32, n);
    }

    private static void entry(ByteBuffer b, int index, long tag, long value) {
        b.putLong(0x200 + 16 * index, tag).putLong(0x208 + 16 * index, value);
    }

    @Test
    void readsTheName() throws Exception {
        assertThat(read(image("libx.so.1").array()))
                .isEqualTo(new ElfFile(64, ElfFile.X86_64, Optional.of("libx.so.1")));
        ByteBuffer plain = image("libx.so.1");
        entry(plain, 2, 0, 0);
        assertThat(read(plain.array()).soname()).isEmpty();
    }

    @Test
    void doesNotBelieveWhatCannotBe() throws Exception {
        refused("it is no ELF file", image("x").put(1, (byte) 0));
        refused("class or byte order", image("x").put(5, (byte) 2));
        refused("class or byte order", image("x").put(4, (byte) 3));
        refused("ends too early", image("x").putLong(32, 0x3f0));
        refused("points outside itself", image("x").putLong(32, Long.MAX_VALUE));
        refused("points outside itself", image("x").putLong(32, -8));
        refused(
                "512 program headers of 57",
                image("x").putShort(54, (short) 57).putShort(56, (short) 512));
        refused("65535 program headers", image("x").putShort(56, (short) -1));
        ByteBuffer huge = image("x");
        segment(huge, 64 + 56, 2, 0x200, 0x10200, Long.MAX_VALUE);
        refused("is not believed", huge);
        segment(huge, 64 + 56, 2, 0x200, 0x10200, -1);
        refused("is not believed", huge);
        ByteBuffer outside = image("x");
        entry(outside, 2, 14, 0x100);
        refused("outside its string table", outside);
        entry(outside, 2, 14, -2);
        refused("outside its string table", outside);
        ByteBuffer nowhere = image("x");
        entry(nowhere, 0, 5, 0x20000);
        refused("no loaded segment", nowhere);
        refused("no file name", image("../x"));
        refused("no file name", image(""));
        refused("no file name", image("a".repeat(254).replace('a', '\u0001')));
        ByteBuffer endless = image("x".repeat(0xfe));
        entry(endless, 1, 10, 0x20);
        refused("no file name", endless);
    }

    private void refused(String why, ByteBuffer image) {
        assertThatThrownBy(() -> read(image.array()))
                .isInstanceOf(ElfFile.MalformedElfException.class)
                .hasMessageContaining(why);
    }

    @Test
    void anyBytesGiveAnAnswerOrARefusal() throws Exception {
        Random random = new Random(20261122);
        int read = 0;
        for (int i = 0; i < 3000; i++) {
            byte[] bytes = image("libfuzz.so.3").array();
            for (int change = random.nextInt(6); change >= 0; change--) {
                int at = random.nextInt(random.nextBoolean() ? 0xb0 : bytes.length);
                bytes[at] = (byte) random.nextInt(256);
            }
            if (i % 10 == 0) {
                bytes = java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length));
            }
            try {
                ElfFile elf = read(bytes);
                elf.soname().ifPresent(s -> assertThat(s).doesNotContain("/", "\0"));
                read++;
            } catch (ElfFile.MalformedElfException e) {
                assertThat(e).hasMessageMatching("[\\x20-\\x7e]+");
            }
        }
        assertThat(read).isBetween(1, 2999);
    }
}
