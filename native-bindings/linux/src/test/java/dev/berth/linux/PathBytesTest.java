package dev.berth.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.Random;

class PathBytesTest {
    @Test
    void anyBytesComeBack() {
        Random random = new Random(7);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(24)];
            random.nextBytes(bytes);
            assertThat(PathBytes.encode(PathBytes.decode(bytes))).isEqualTo(bytes);
        }
    }

    @Test
    void differentNamesStayDifferent() {
        byte[] latin = {(byte) 0xe4};
        byte[] utf8 = {(byte) 0xc3, (byte) 0xa4};
        assertThat(PathBytes.decode(utf8)).isEqualTo("\u00e4");
        assertThat(PathBytes.decode(latin)).isEqualTo("\udce4");
    }

    @Test
    void ordinaryTextIsUtf8() {
        String text = "a \u00e4 \u4e2d \ud83d\ude00";
        assertThat(PathBytes.encode(text))
                .asString(java.nio.charset.StandardCharsets.UTF_8)
                .isEqualTo(text);
    }
}
