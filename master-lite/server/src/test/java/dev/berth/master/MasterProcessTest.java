package dev.berth.master;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

@Timeout(30)
class MasterProcessTest {
    @TempDir Path directory;

    private MasterProcess open() throws Exception {
        return MasterProcess.open(
                MasterArguments.parse(
                        List.of(
                                "--listen",
                                "127.0.0.1:0",
                                "--allow-anonymous",
                                "--data-root",
                                directory.resolve("data").toString())));
    }

    @Test
    void whereAMasterCannotKeepItsDataIsSaidInWords() throws Exception {
        Path file = Files.writeString(directory.resolve("data"), "");
        assertThatThrownBy(this::open)
                .isInstanceOf(IOException.class)
                .hasMessageContaining("make the data root " + file + ": ")
                .hasMessageContaining("no directory")
                .hasMessageContaining("--data-root");
        Path token = directory.resolve("none/token");
        MasterArguments elsewhere =
                MasterArguments.parse(
                        List.of(
                                "--listen=127.0.0.1:0",
                                "--token-file=" + token,
                                "--data-root=" + directory.resolve("other")));
        assertThatThrownBy(() -> MasterProcess.open(elsewhere))
                .hasMessageStartingWith("make the token file " + token + ": no such file");
    }

    @Test
    void aNameThatNobodyCouldReachIsRefused() {
        assertThatThrownBy(() -> MasterArguments.parse(List.of("--hostname", "a b")))
                .hasMessage("option --hostname: want a name or an address, got 'a b'");
    }

    @Test
    void aMasterWithoutItsConductorIsOver() throws Exception {
        try (MasterProcess master = open()) {
            master.conductor()
                    .submit((_, _) -> {
                        throw new OutOfMemoryError("as if");
                    });
            assertThat(master.awaitEnd()).isFalse();
        }
    }

    @Test
    void aStepThatFailsEndsNothing() throws Exception {
        MasterProcess master = open();
        try (master) {
            master.conductor()
                    .submit((_, _) -> {
                        throw new IllegalStateException("as if");
                    });
        }
        assertThat(master.awaitEnd()).isTrue();
    }
}
