package dev.berth.containerizer.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.isolator.ContainerId;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

final class JournalTest {
    private static final ContainerId A = new ContainerId("a".repeat(64));
    private static final ContainerId B = new ContainerId("b".repeat(64));
    private static final JournalEntry.Ended END =
            new JournalEntry.Ended(A, false, 256, true, 11, 12, 13);

    @TempDir Path directory;

    private Journal open(String boot) throws IOException {
        return Journal.open(directory.resolve("journal"), boot);
    }

    @Test
    void aFreshJournalIsOfNoBoot() throws IOException {
        try (Journal journal = open("boot")) {
            assertThat(journal.sameBoot()).isFalse();
            assertThat(journal.containers()).isEmpty();
        }
    }

    @Test
    void recordsSurviveADeathWithoutClosing() throws IOException {
        try (Journal journal = open("boot")) {
            journal.append(new JournalEntry.StartBegun(A));
            journal.append(new JournalEntry.Started(A, 42, 4711));
            journal.append(new JournalEntry.ExecBegun(A, "e1"));
            journal.append(new JournalEntry.ExecBegun(A, "e2"));
            journal.append(new JournalEntry.ExecEnded(A, "e1"));
            journal.append(new JournalEntry.StartBegun(B));
            try (Journal later = open("boot")) {
                assertThat(later.sameBoot()).isTrue();
                assertThat(later.containers()).containsExactly(A, B);
                assertThat(later.entries(A))
                        .containsExactly(
                                new JournalEntry.StartBegun(A),
                                new JournalEntry.Started(A, 42, 4711),
                                new JournalEntry.ExecBegun(A, "e2"));
                assertThat(later.ended(A)).isEmpty();
            }
        }
    }

    @Test
    void theResultOfTheLastRunStaysUntilTheNextStartOrRemoval() throws IOException {
        try (Journal journal = open("boot")) {
            journal.append(new JournalEntry.StartBegun(A));
            journal.append(END);
        }
        try (Journal journal = open("another boot")) {
            assertThat(journal.sameBoot()).isFalse();
            assertThat(journal.ended(A)).contains(END);
            journal.append(new JournalEntry.StartBegun(A));
            assertThat(journal.ended(A)).isEmpty();
            journal.append(END);
            journal.append(new JournalEntry.Forgotten(A));
        }
        try (Journal journal = open("another boot")) {
            assertThat(journal.containers()).isEmpty();
        }
    }

    @Test
    void everyTruncationGivesAPrefixOfTheRecords() throws IOException {
        Path file = directory.resolve("journal");
        try (Journal journal = open("boot")) {
            journal.append(new JournalEntry.StartBegun(A));
            journal.append(new JournalEntry.Started(A, 1, 2));
            journal.append(new JournalEntry.ExecBegun(A, "x"));
        }
        byte[] whole = Files.readAllBytes(file);
        List<JournalEntry> all;
        try (Journal journal = open("boot")) {
            all = journal.entries(A);
        }
        for (int length = 0; length <= whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            try (Journal journal = open("boot")) {
                List<JournalEntry> found = journal.entries(A);
                assertThat(found).isEqualTo(all.subList(0, found.size()));
            }
        }
    }

    @Test
    void aFlippedBitEndsTheReadingThere() throws IOException {
        Path file = directory.resolve("journal");
        try (Journal journal = open("boot")) {
            journal.append(new JournalEntry.StartBegun(A));
            journal.append(new JournalEntry.StartBegun(B));
        }
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 3] ^= 4;
        Files.write(file, bytes);
        try (Journal journal = open("boot")) {
            assertThat(journal.containers()).containsExactly(A);
        }
    }

    @Test
    void aLongHistoryDoesNotGrowTheFile() throws IOException {
        Path file = directory.resolve("journal");
        try (Journal journal = open("boot")) {
            for (int i = 0; i < 20_000; i++) {
                journal.append(new JournalEntry.StartBegun(A));
                journal.append(END);
            }
            assertThat(Files.size(file)).isLessThan(1200 * 1024);
            assertThat(journal.ended(A)).contains(END);
        }
    }
}
