package dev.berth.agent.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.config.AgentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

class JournalTest {
    @TempDir Path directory;

    private static ObjectNode entry(int n) {
        return JsonNodeFactory.instance.objectNode().put("n", n);
    }

    private List<Integer> read() throws AgentException {
        List<Integer> found = new ArrayList<>();
        Journal.open(directory.resolve("journal"), e -> found.add(e.path("n").asInt())).close();
        return found;
    }

    @Test
    void whatWasAppendedIsReadBackInOrder() throws AgentException {
        try (Journal journal = Journal.open(directory.resolve("journal"), _ -> {})) {
            journal.append(entry(1));
            journal.append(entry(2));
        }
        assertThat(read()).containsExactly(1, 2);
    }

    @Test
    void aTornLineCostsOnlyItself() throws AgentException, IOException {
        Path file = directory.resolve("journal");
        try (Journal journal = Journal.open(file, _ -> {})) {
            journal.append(entry(1));
            journal.append(entry(2));
        }
        byte[] bytes = Files.readAllBytes(file);
        for (int cut = 0; cut <= bytes.length; cut++) {
            Files.write(file, java.util.Arrays.copyOf(bytes, cut));
            try (Journal journal = Journal.open(file, _ -> {})) {
                journal.append(entry(3));
            }
            List<Integer> found = read();
            assertThat(found).as("cut at %d", cut).endsWith(3);
            assertThat(found.subList(0, found.size() - 1))
                    .isEqualTo(List.of(1, 2).subList(0, found.size() - 1));
        }
    }

    @Test
    void aDamagedLineIsSkipped() throws AgentException, IOException {
        Path file = directory.resolve("journal");
        try (Journal journal = Journal.open(file, _ -> {})) {
            journal.append(entry(1));
        }
        Files.writeString(file, "00000000 {\"n\":9}\nrubbish\n", StandardOpenOption.APPEND);
        try (Journal journal = Journal.open(file, _ -> {})) {
            journal.append(entry(2));
        }
        assertThat(read()).containsExactly(1, 2);
    }

    @Test
    void whatAFullDiskTookOfALineIsTakenAwayAgain() throws AgentException {
        Path file = directory.resolve("journal");
        FullDisk disk = new FullDisk();
        try (Journal journal = Journal.open(file, _ -> {}, disk)) {
            journal.append(entry(1));
            for (int left = 0; left < 54; left++) {
                disk.left = left;
                int n = left;
                assertThatThrownBy(() -> journal.append(List.of(entry(100), entry(101), entry(n))))
                        .isInstanceOf(AgentException.class);
                disk.left = Long.MAX_VALUE;
                journal.append(entry(2));
                assertThat(read()).as("%d bytes left", left).doesNotContain(100).endsWith(2);
            }
        }
        assertThat(read()).startsWith(1).hasSize(55);
    }

    @Test
    void aCompactionOnAFullDiskLeavesAllAsItIs() throws AgentException {
        Path file = directory.resolve("journal");
        FullDisk disk = new FullDisk();
        try (Journal journal = Journal.open(file, _ -> {}, disk)) {
            journal.append(entry(1));
            disk.left = 30;
            assertThatThrownBy(() -> journal.compact(List.of(entry(7), entry(8))))
                    .isInstanceOf(AgentException.class);
            assertThat(disk.open).as("files that are open").isEqualTo(1);
            assertThat(directory.resolve("journal.new")).doesNotExist();
            disk.left = Long.MAX_VALUE;
            journal.append(entry(2));
        }
        assertThat(read()).containsExactly(1, 2);
        assertThat(disk.open).isZero();
    }

    @Test
    void compactionReplacesAll() throws AgentException {
        try (Journal journal = Journal.open(directory.resolve("journal"), _ -> {})) {
            journal.append(entry(1));
            journal.compact(List.of(entry(7)));
            journal.append(entry(8));
        }
        assertThat(read()).containsExactly(7, 8);
    }
}
