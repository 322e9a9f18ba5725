package dev.berth.shim;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;

class ShimBinaryTest {
    private static final int SIZE_LIMIT_BYTES = 100 * 1024;

    @Test
    void programsAreSmallAndStatic() {
        for (ShimBinary binary : new ShimBinary[] {ShimBinary.shim(), ShimBinary.probe()}) {
            assertThat(binary.bytes().length).isLessThan(SIZE_LIMIT_BYTES);
            assertThat(new String(binary.bytes(), StandardCharsets.ISO_8859_1))
                    .doesNotContain("ld-linux");
        }
    }

    @Test
    void buildIdsTellProgramsApart() {
        assertThat(ShimBinary.shim().buildId()).hasSize(40);
        assertThat(ShimBinary.probe().buildId()).isNotEqualTo(ShimBinary.shim().buildId());
        assertThat(ShimBinary.shim().buildNumber()).isNotZero();
    }

    @Test
    void bytesAreACopy() {
        ShimBinary shim = ShimBinary.shim();
        shim.bytes()[0] = 0;
        assertThat(shim.bytes()[0]).isEqualTo((byte) 0x7f);
        assertThat(shim.resource()).startsWith("berth-shim-");
    }
}
