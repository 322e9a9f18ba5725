package dev.berth.agent.cli.view;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.agent.cli.json.JsonReader;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;

class ViewTest {
    @Test
    void columnsAreAsWideAsTheirWidestCell() {
        Table table = new Table("ID", "NAME").row("1", "a").row("1234", "é");
        assertThat(table.toString()).isEqualTo("ID     NAME\n1      a\n1234   é\n");
        assertThatThrownBy(() -> table.row("1")).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "0, Less than a second",
        "1, 1 second",
        "59, 59 seconds",
        "60, About a minute",
        "120, 2 minutes",
        "3600, About an hour",
        "7200, 2 hours",
        "172800, 2 days",
        "1209600, 2 weeks",
        "5184000, 2 months",
        "63072000, 2 years"
    })
    void durationsReadAsDockers(long seconds, String text) {
        assertThat(Human.duration(Duration.ofSeconds(seconds))).isEqualTo(text);
    }

    @Test
    void agesAreRelativeToNow() {
        Instant now = Instant.parse("2026-01-01T00:00:00Z");
        assertThat(Human.ago(now.minusSeconds(300), now)).isEqualTo("5 minutes ago");
        assertThat(Human.ago(Instant.EPOCH, now)).isEqualTo("N/A");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0B",
        "999, 999B",
        "1000, 1kB",
        "4260000, 4.26MB",
        "124000000, 124MB",
        "1500000000, 1.5GB"
    })
    void sizesReadAsDockers(long bytes, String text) {
        assertThat(Human.size(bytes)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"0, 0B", "1023, 1023B", "1179648, 1.125MiB", "67108864, 64MiB"})
    void binarySizesReadAsDockers(long bytes, String text) {
        assertThat(Human.binarySize(bytes)).isEqualTo(text);
    }

    @Test
    void idsAreCutToTwelveDigits() {
        assertThat(Human.shortId("sha256:0123456789abcdef")).isEqualTo("0123456789ab");
        assertThat(Human.shortId("abc")).isEqualTo("abc");
        assertThat(Human.cut("abcdef", 4)).isEqualTo("abc…");
    }

    @Test
    void capabilitiesHaveNames() {
        assertThat(Capabilities.names(0x00000000a80425fbL))
                .containsExactly(
                        "CHOWN",
                        "DAC_OVERRIDE",
                        "FOWNER",
                        "FSETID",
                        "KILL",
                        "SETGID",
                        "SETUID",
                        "SETPCAP",
                        "NET_BIND_SERVICE",
                        "NET_RAW",
                        "SYS_CHROOT",
                        "MKNOD",
                        "AUDIT_WRITE",
                        "SETFCAP");
        assertThat(Capabilities.names(1L << 40 | 1L << 50))
                .containsExactly("CHECKPOINT_RESTORE", "50");
    }

    private static String shown(boolean terminal, String... messages) throws IOException {
        StringBuilder out = new StringBuilder();
        PullScreen screen = new PullScreen(out, terminal, 80);
        for (String message : messages) {
            screen.show(JsonReader.read(message));
        }
        return out.toString();
    }

    @Test
    void withoutATerminalALineIsPrintedWhenAStatusChanges() throws IOException {
        assertThat(
                        shown(
                                false,
                                "{\"status\":\"Pulling from library/debian\"}",
                                "{\"id\":\"a\",\"status\":\"Downloading\",\"progressDetail\":{\"current\":1,\"total\":9}}",
                                "{\"id\":\"a\",\"status\":\"Downloading\",\"progressDetail\":{\"current\":2,\"total\":9}}",
                                "{\"id\":\"a\",\"status\":\"Pull complete\"}",
                                "{\"stream\":\"Loaded image: x\\n\"}"))
                .isEqualTo(
                        "Pulling from library/debian\na: Downloading\na: Pull complete\nLoaded image: x\n");
    }

    @Test
    void onATerminalEachLayerKeepsItsLine() throws IOException {
        assertThat(
                        shown(
                                true,
                                "{\"id\":\"a\",\"status\":\"Waiting\"}",
                                "{\"id\":\"b\",\"status\":\"Waiting\"}",
                                "{\"id\":\"a\",\"status\":\"Pull complete\"}"))
                .isEqualTo(
                        "\n\u001b[1A\ra: Waiting\u001b[K\u001b[1B\r"
                                + "\n\u001b[1A\rb: Waiting\u001b[K\u001b[1B\r"
                                + "\u001b[2A\ra: Pull complete\u001b[K\u001b[2B\r");
    }

    @Test
    void barsNeverOverflow() {
        assertThat(PullScreen.progress(0, 1000)).isEqualTo("[>" + " ".repeat(29) + "] 0B/1kB");
        assertThat(PullScreen.progress(500, 1000))
                .isEqualTo("[" + "=".repeat(15) + ">" + " ".repeat(14) + "] 500B/1kB");
        assertThat(PullScreen.progress(2000, 1000)).isEqualTo("[" + "=".repeat(30) + "] 1kB/1kB");
    }
}
