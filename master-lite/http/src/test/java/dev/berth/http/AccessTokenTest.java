package dev.berth.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

class AccessTokenTest {
    @TempDir Path directory;

    @Test
    void mastersThatBeginTogetherHaveOneToken() throws Exception {
        for (int round = 0; round < 50; round++) {
            Path file = directory.resolve("token" + round);
            List<Callable<AccessToken>> masters = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                masters.add(() -> AccessToken.load(file));
            }
            try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
                List<AccessToken> tokens = new ArrayList<>();
                for (Future<AccessToken> each : threads.invokeAll(masters)) {
                    tokens.add(each.get());
                }
                assertThat(tokens).containsOnly(tokens.getFirst());
            }
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-------");
        }
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).hasSize(50);
        }
    }
}
