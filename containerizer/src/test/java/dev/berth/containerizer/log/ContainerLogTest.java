package dev.berth.containerizer.log;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.Stream;

final class ContainerLogTest {
    @TempDir Path directory;

    private static LogPosition drain(ContainerLog log, LogPosition from, List<String> into)
            throws IOException {
        LogPosition at = from;
        while (true) {
            LogPosition next =
                    log.read(
                            at,
                            1000,
                            f ->
                                    into.add(
                                            f.stream()
                                                    + ":"
                                                    + new String(
                                                            f.bytes(), StandardCharsets.UTF_8)));
            if (next.equals(at)) {
                return next;
            }
            at = next;
        }
    }

    @Test
    void aReaderThatBeganBeforeTheFirstFileSeesEverything() throws IOException {
        try (ContainerLog log = ContainerLog.open(directory)) {
            LogPosition begin = log.end();
            assertThat(begin).isEqualTo(LogPosition.BEGIN);
            List<String> seen = new ArrayList<>();
            assertThat(drain(log, begin, seen)).isEqualTo(begin);
            LogWriter writer = new LogWriter(directory, 3);
            writer.write(1, 10, "a\n");
            writer.write(2, 11, "b\n");
            writer.write(3, 12, "");
            drain(log, begin, seen);
            assertThat(seen).containsExactly("STDOUT:a\n", "STDERR:b\n", "END_OF_RUN:");
        }
    }

    @Test
    void theEndIsAfterTheLastWholeFrameAndWhatFollowsIsSeen() throws IOException {
        LogWriter writer = new LogWriter(directory, 3);
        writer.write(1, 10, "before");
        byte[] torn = LogWriter.frame(1, 11, "whole".getBytes(StandardCharsets.UTF_8));
        writer.append(Arrays.copyOf(torn, 26));
        try (ContainerLog log = ContainerLog.open(directory)) {
            LogPosition end = log.end();
            List<String> seen = new ArrayList<>();
            assertThat(drain(log, end, seen)).isEqualTo(end);
            writer.append(Arrays.copyOfRange(torn, 26, torn.length));
            drain(log, end, seen);
            assertThat(seen).containsExactly("STDOUT:whole");
            assertThat(log.corruptFrames()).isZero();
        }
    }

    @Test
    void rotationLosesNothingForAReaderThatKeepsUp() throws IOException {
        LogWriter writer = new LogWriter(directory, 2);
        try (ContainerLog log = ContainerLog.open(directory)) {
            LogPosition at = log.start();
            List<String> seen = new ArrayList<>();
            List<String> written = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                writer.write(1, i, "line " + i);
                written.add("STDOUT:line " + i);
                if (i % 7 == 6) {
                    writer.rotate();
                }
                if (i % 5 == 0) {
                    at = drain(log, at, seen);
                }
            }
            drain(log, at, seen);
            assertThat(seen).isEqualTo(written);
            assertThat(log.lostFiles()).isZero();
        }
    }

    @Test
    void whatIsHeldIsReadAfterItsFilesAreGone() throws IOException {
        LogWriter writer = new LogWriter(directory, 3);
        List<String> written = new ArrayList<>();
        try (ContainerLog log = ContainerLog.open(directory)) {
            writer.write(1, 0, "of a file that rotation removes");
            List<String> seen = new ArrayList<>();
            LogPosition at = drain(log, log.start(), seen);
            writer.write(1, 1, "its end");
            written.addAll(List.of("STDOUT:of a file that rotation removes", "STDOUT:its end"));
            for (int i = 2; i < 5; i++) {
                writer.rotate();
                writer.write(1, i, "file " + i);
                written.add("STDOUT:file " + i);
            }
            log.hold();
            log.hold();
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            at = drain(log, at, seen);
            assertThat(seen).isEqualTo(written);
            assertThat(drain(log, at, seen)).isEqualTo(at);
        }
    }

    @Test
    void aReaderThatIsTooLateGoesOnWithTheOldestAndCountsTheLoss() throws IOException {
        LogWriter writer = new LogWriter(directory, 2);
        writer.write(1, 1, "one");
        LogPosition at;
        try (ContainerLog log = ContainerLog.open(directory)) {
            at = drain(log, log.start(), new ArrayList<>());
        }
        try (ContainerLog log = ContainerLog.open(directory)) {
            for (int i = 2; i < 6; i++) {
                writer.rotate();
                writer.write(1, i, "file " + i);
            }
            List<String> seen = new ArrayList<>();
            drain(log, at, seen);
            assertThat(seen).containsExactly("STDOUT:file 4", "STDOUT:file 5");
            assertThat(log.lostFiles()).isEqualTo(2);
        }
    }

    @Test
    void corruptBytesAreSkippedToTheNextValidFrameAndCounted() throws IOException {
        LogWriter writer = new LogWriter(directory, 3);
        writer.write(1, 1, "good");
        byte[] bad = LogWriter.frame(1, 2, "flipped".getBytes(StandardCharsets.UTF_8));
        bad[27] ^= 1;
        writer.append(bad);
        byte[] noise = new byte[40_000];
        new Random(7).nextBytes(noise);
        writer.append(noise);
        writer.write(2, 3, "after");
        writer.append(new byte[] {1, 2, 3});
        writer.rotate();
        writer.write(1, 4, "next file");
        try (ContainerLog log = ContainerLog.open(directory)) {
            List<String> seen = new ArrayList<>();
            drain(log, log.start(), seen);
            assertThat(seen).containsExactly("STDOUT:good", "STDERR:after", "STDOUT:next file");
            assertThat(log.corruptFrames()).isBetween(2L, 6L);
        }
    }

    private List<String> lines(LogQuery query) throws IOException {
        List<String> seen = new ArrayList<>();
        LogLines.LineHandler into =
                l -> seen.add(new String(l.bytes(), StandardCharsets.UTF_8) + "@" + l.realtimeNs());
        try (LogLines lines = LogLines.open(directory, query)) {
            while (lines.poll(4096, into)) {}
            lines.finish(into);
        }
        return seen;
    }

    private static LogQuery tail(long n) {
        return new LogQuery(
                true, true, OptionalLong.empty(), OptionalLong.empty(), OptionalLong.of(n));
    }

    @Test
    void linesAreAssembledAcrossFramesPerStreamAndKeepTheTimeOfTheirFirstByte() throws IOException {
        LogWriter writer = new LogWriter(directory, 3);
        writer.write(1, 1, "hel");
        writer.write(2, 2, "err\nor");
        writer.write(1, 3, "lo\nworld");
        writer.write(3, 4, "");
        writer.write(1, 5, "second run");
        assertThat(lines(LogQuery.ALL))
                .containsExactly("err\n@2", "hello\n@1", "world@3", "or@2", "second run@5");
        assertThat(lines(tail(2))).containsExactly("or@2", "second run@5");
        assertThat(lines(tail(0))).isEmpty();
        LogQuery middle =
                new LogQuery(
                        true, false, OptionalLong.of(3), OptionalLong.of(4), OptionalLong.empty());
        assertThat(lines(middle)).containsExactly("world@3");
    }

    @Test
    void theTailOfManyLinesIsTheLastOfAllLinesForEveryNumber() throws IOException {
        LogWriter writer = new LogWriter(directory, 5);
        Random random = new Random(11);
        for (int i = 0; i < 60_000; i++) {
            int stream = random.nextInt(40) == 0 ? 2 : 1;
            String text = "line number " + i + " of stream " + stream;
            writer.write(stream, i, random.nextBoolean() ? text + "\n" : text);
            if (i % 25_000 == 24_999) {
                writer.rotate();
            }
        }
        List<String> all = lines(LogQuery.ALL);
        for (int n : new int[] {1, 2, 10, 1000, 20_000, 29_000, 100_000}) {
            assertThat(lines(tail(n)))
                    .as("tail %d", n)
                    .isEqualTo(all.subList(Math.max(0, all.size() - n), all.size()));
        }
    }

    @Test
    void aLineLongerThanAPieceComesInPieces() throws IOException {
        LogWriter writer = new LogWriter(directory, 3);
        writer.write(1, 1, "x".repeat(16_000));
        writer.write(1, 2, "y".repeat(1000) + "\n");
        List<String> seen = lines(LogQuery.ALL);
        assertThat(seen).hasSize(2);
        assertThat(seen.get(0)).hasSize(16_384 + 2);
        assertThat(seen.get(1)).isEqualTo("y".repeat(616) + "\n@2");
    }

    @Test
    void aReaderBesideTheWriterMissesNothing() throws IOException, InterruptedException {
        int frames = 20_000;
        LogWriter writer = new LogWriter(directory, 3);
        List<IOException> failures = new ArrayList<>();
        Thread writing =
                Thread.ofPlatform()
                        .start(() -> {
                            try {
                                for (int i = 0; i < frames; i++) {
                                    byte[] frame =
                                            LogWriter.frame(1, i, new byte[1 + i * 37 % 1000]);
                                    // The reader may see any part of a frame for a while.
                                    int cut = i * 31 % frame.length;
                                    writer.append(Arrays.copyOf(frame, cut));
                                    writer.append(Arrays.copyOfRange(frame, cut, frame.length));
                                }
                            } catch (IOException e) {
                                failures.add(e);
                            }
                        });
        List<Long> seen = new ArrayList<>();
        try (ContainerLog log = ContainerLog.open(directory)) {
            LogPosition at = LogPosition.BEGIN;
            boolean over = false;
            while (!over || seen.size() < frames) {
                boolean alive = writing.isAlive();
                LogPosition next = log.read(at, 64 * 1024, f -> seen.add(f.realtimeNs()));
                if (!alive && next.equals(at)) {
                    break;
                }
                over = !alive;
                at = next;
            }
            assertThat(log.corruptFrames()).isZero();
        }
        writing.join();
        assertThat(failures).isEmpty();
        assertThat(seen).hasSize(frames).isSorted();
    }
}
