package dev.berth.master;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

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
