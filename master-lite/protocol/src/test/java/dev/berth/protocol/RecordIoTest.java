package dev.berth.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

class RecordIoTest {
    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void recordsComeWholeHoweverTheStreamIsCut() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<byte[]> sent = new ArrayList<>();
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        for (int i = 0; i < 200; i++) {
            byte[] record = new byte[1 + random.nextInt(3000)];
            random.nextBytes(record);
            sent.add(record);
            stream.writeBytes(RecordIo.frame(record));
        }
        byte[] all = stream.toByteArray();
        RecordIo reader = new RecordIo(3000);
        List<byte[]> got = new ArrayList<>();
        for (int at = 0; at < all.length; ) {
            int count = Math.min(all.length - at, 1 + random.nextInt(700));
            reader.read(ByteBuffer.wrap(all, at, count), got::add);
            at += count;
        }
        assertThat(reader.isComplete()).as("seed %d", seed).isTrue();
        assertThat(got).as("seed %d", seed).hasSameSizeAs(sent);
        for (int i = 0; i < sent.size(); i++) {
            assertThat(got.get(i)).isEqualTo(sent.get(i));
        }
    }

    @Test
    void emptyRecordsArePassedOverAndAnEndInTheMiddleShows() throws Exception {
        RecordIo reader = new RecordIo(10);
        List<byte[]> got = new ArrayList<>();
        reader.read(bytes("0\n3\nabc0\n"), got::add);
        assertThat(got).containsExactly("abc".getBytes(StandardCharsets.US_ASCII));
        assertThat(reader.isComplete()).isTrue();
        reader.read(bytes("3"), got::add);
        assertThat(reader.isComplete()).isFalse();
        reader.read(bytes("\nab"), got::add);
        assertThat(reader.isComplete()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x\n",
                "-1\n",
                "\n",
                " 3\n",
                "3\r\n",
                "11\n",
                "18446744073709551615\n",
                "18446744073709551626\n",
                "99999999999999999999\n",
                "000000000000000000000"
            })
    void whatIsNoLengthOrTooLongIsRefused(String stream) {
        assertThatThrownBy(() -> new RecordIo(10).read(bytes(stream), record -> {}))
                .isInstanceOf(ProtocolException.class);
    }
}
