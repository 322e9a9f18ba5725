package dev.berth.agent.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

class TerminalTest {
    private static DetachKeys.Result type(DetachKeys keys, String typed) {
        byte[] bytes = typed.getBytes(StandardCharsets.ISO_8859_1);
        return keys.type(bytes, bytes.length);
    }

    private static String pass(DetachKeys.Result result) {
        return new String(result.pass(), StandardCharsets.ISO_8859_1);
    }

    @Test
    void theSequenceDetachesAndIsNotPassedOn() {
        DetachKeys keys = DetachKeys.parse(DetachKeys.DEFAULT);
        DetachKeys.Result result = type(keys, "ab\u0010\u0011cd");
        assertThat(result.detach()).isTrue();
        assertThat(pass(result)).isEqualTo("ab");
    }

    @Test
    void theSequenceMayComeInPieces() {
        DetachKeys keys = DetachKeys.parse(DetachKeys.DEFAULT);
        assertThat(pass(type(keys, "x\u0010"))).isEqualTo("x");
        assertThat(type(keys, "\u0011").detach()).isTrue();
    }

    @Test
    void aBrokenSequenceIsPassedOnWhole() {
        DetachKeys keys = DetachKeys.parse(DetachKeys.DEFAULT);
        assertThat(pass(type(keys, "\u0010"))).isEmpty();
        assertThat(pass(type(keys, "x"))).isEqualTo("\u0010x");
        assertThat(pass(type(keys, "\u0010\u0010"))).isEqualTo("\u0010");
        assertThat(type(keys, "\u0011").detach()).isTrue();
    }

    @Test
    void aSequenceThatRepeatsItselfIsFoundInside() {
        DetachKeys keys = DetachKeys.parse("a,a,b");
        DetachKeys.Result result = type(keys, "aaab");
        assertThat(result.detach()).isTrue();
        assertThat(pass(result)).isEqualTo("a");
    }

    @Test
    void keysAreNamedAsDockersAre() {
        assertThat(type(DetachKeys.parse("ctrl-]"), "\u001d").detach()).isTrue();
        assertThat(type(DetachKeys.parse("ctrl-@"), "\u0000").detach()).isTrue();
        assertThat(type(DetachKeys.parse("Ctrl-A,d"), "\u0001d").detach()).isTrue();
        assertThat(pass(type(DetachKeys.parse(""), "\u0010\u0011"))).hasSize(2);
        assertThatThrownBy(() -> DetachKeys.parse("ctrl-p,enter")).hasMessageContaining("'enter'");
    }

    private static byte[] frame(int stream, String payload) {
        byte[] bytes = payload.getBytes(StandardCharsets.UTF_8);
        byte[] frame = new byte[8 + bytes.length];
        frame[0] = (byte) stream;
        frame[6] = (byte) (bytes.length >> 8);
        frame[7] = (byte) bytes.length;
        System.arraycopy(bytes, 0, frame, 8, bytes.length);
        return frame;
    }

    @Test
    void framesGoToTheirStreams() throws IOException {
        ByteArrayOutputStream in = new ByteArrayOutputStream();
        in.write(frame(1, "out"));
        in.write(frame(2, "err"));
        in.write(frame(1, "x".repeat(40_000)));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        OutputPump.frames(new ByteArrayInputStream(in.toByteArray()), out, err);
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("out" + "x".repeat(40_000));
        assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo("err");
    }

    @Test
    void aTornFrameIsAnError() {
        byte[] whole = frame(1, "hello");
        ByteArrayInputStream torn = new ByteArrayInputStream(whole, 0, 10);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThatThrownBy(() -> OutputPump.frames(torn, out, out))
                .isInstanceOf(EOFException.class);
    }

    @Test
    void signalsOfTheJvmItselfAreNotTaken() {
        assertThat(Signals.handle("NOSUCH", name -> {})).isFalse();
        assertThat(Signals.handle("QUIT", name -> {})).isFalse();
        assertThat(Signals.handle("WINCH", name -> {})).isTrue();
    }
}
