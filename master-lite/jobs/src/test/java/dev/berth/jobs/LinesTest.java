package dev.berth.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

class LinesTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final PrintStream to = new PrintStream(out, false, StandardCharsets.UTF_8);

    private String said() {
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void linesOfTwoWorkersThatComeInPiecesStayWhole() {
        Lines first = new Lines(to, "[0] ");
        Lines second = new Lines(to, "[1] ");
        first.take(ByteString.copyFromUtf8("one\ntw"));
        second.take(ByteString.copyFromUtf8("10%\r20%"));
        first.take(ByteString.copyFromUtf8("o\n"));
        first.end();
        second.end();
        assertThat(said()).isEqualTo("[0] one\n[1] 10%\r[0] two\n[1] 20%\n");
    }

    @Test
    void oneWorkersOutputIsPassedOnAsItIs() {
        Lines only = new Lines(to, "");
        only.take(ByteString.copyFromUtf8("no end"));
        only.end();
        assertThat(said()).isEqualTo("no end");
    }
}
