package dev.berth.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

class TokenFileTest {
    @TempDir Path directory;

    private Path holding(byte[] bytes) throws Exception {
        return Files.write(directory.resolve("token"), bytes);
    }

    @Test
    void oneWordIsATokenWithOrWithoutTheEndOfItsLine() throws Exception {
        assertThat(TokenFile.read(holding("abc-1\n".getBytes(StandardCharsets.UTF_8))))
                .isEqualTo("abc-1");
    }

    @Test
    void whatIsNoTokenIsRefusedByTheFilesNameAndNeverShown() throws Exception {
        byte[][] others = {
            "root:x:0:secret\nbin:x\n".getBytes(StandardCharsets.UTF_8),
            "two secret".getBytes(StandardCharsets.UTF_8),
            "sécret".getBytes(StandardCharsets.UTF_8),
            {(byte) 0xff, 's', 'e', 'c', 'r', 'e', 't'},
            "secret".repeat(1000).getBytes(StandardCharsets.UTF_8)
        };
        for (byte[] other : others) {
            Path file = holding(other);
            assertThatThrownBy(() -> TokenFile.read(file))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("token file " + file + " holds no token")
                    .hasMessageNotContaining("cret")
                    .hasNoCause();
        }
    }

    @Test
    void anEmptyFileAndNoFileAreNamed() throws Exception {
        Path empty = holding(new byte[] {'\n'});
        assertThatThrownBy(() -> TokenFile.read(empty))
                .hasMessage("token file " + empty + " is empty");
        Path missing = directory.resolve("none");
        assertThatThrownBy(() -> TokenFile.read(missing))
                .hasMessage("read the token file " + missing + ": no such file or directory");
        assertThatThrownBy(() -> TokenFile.read(directory))
                .hasMessageContaining("irectory")
                .isInstanceOf(IOException.class);
    }

    @Test
    void whyAFileCannotBeUsedIsSaidInWords() {
        assertThat(Trouble.ofFile(new AccessDeniedException("/a"), "/a"))
                .isEqualTo("permission denied");
        assertThat(Trouble.ofFile(new AccessDeniedException("/a/x"), "/a"))
                .isEqualTo("/a/x: permission denied");
        assertThat(Trouble.ofFile(new FileSystemException("/a", null, "Read-only"), "/a"))
                .isEqualTo("Read-only");
    }

    @Test
    void whatNettySaysOfSocketsIsSaidWithoutItsNumbers() {
        assertThat(
                        Trouble.ofSocket(
                                new IOException(
                                        "bind(..) failed with error(-98): Address already in use")))
                .isEqualTo("Address already in use");
        assertThat(
                        Trouble.ofSocket(
                                new IOException(
                                        "finishConnect(..) failed with error(-111): Connection refused: /127.0.0.1:1")))
                .isEqualTo("Connection refused");
        assertThat(Trouble.ofSocket(new IOException("other"))).isEqualTo("other");
    }
}
