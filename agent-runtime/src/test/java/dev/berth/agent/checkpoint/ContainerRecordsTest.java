package dev.berth.agent.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.ContainerSpec;
import dev.berth.agent.config.SpecTranslation.Identity;
import dev.berth.isolator.ContainerId;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

class ContainerRecordsTest {
    private static final ContainerId ID = new ContainerId("ab".repeat(32));

    @TempDir private Path root;

    private static ContainerRecord record(boolean durable) {
        return new ContainerRecord(
                ID,
                "a",
                1,
                new ContainerSpec(
                        JsonNodeFactory.instance.objectNode(),
                        JsonNodeFactory.instance.objectNode(),
                        "",
                        Optional.of("/"),
                        List.of(),
                        durable),
                Identity.ROOT);
    }

    private Path file(String name) {
        return root.resolve("containers").resolve(ID.value()).resolve(name);
    }

    @Test
    void durableRecordOutlivesTheBoot() throws AgentException {
        new ContainerRecords(root, "one").save(record(true));
        assertEquals(List.of(record(true)), new ContainerRecords(root, "another").load().records());
    }

    @Test
    void otherRecordIsThereAgainInItsBoot() throws AgentException {
        new ContainerRecords(root, "one").save(record(false));
        assertEquals(List.of(record(false)), new ContainerRecords(root, "one").load().records());
    }

    @Test
    void otherRecordOfAnEarlierBootIsClearedAway() throws AgentException {
        new ContainerRecords(root, "one").save(record(false));
        ContainerRecords.Loaded loaded = new ContainerRecords(root, "another").load();
        assertEquals(List.of(ID), loaded.unfinished());
        assertEquals(List.of(), loaded.records());
        assertEquals(List.of(), loaded.unreadable());
    }

    @Test
    void whatAPowerCutLeftOfARecordIsClearedAway() throws AgentException, IOException {
        new ContainerRecords(root, "one").save(record(false));
        Files.write(file("boot.json"), new byte[0]);
        assertEquals(List.of(ID), new ContainerRecords(root, "one").load().unfinished());
    }

    @Test
    void brokenDurableRecordIsLeftAlone() throws AgentException, IOException {
        new ContainerRecords(root, "one").save(record(true));
        Files.writeString(file("config.json"), "{");
        ContainerRecords.Loaded loaded = new ContainerRecords(root, "one").load();
        assertEquals(1, loaded.unreadable().size());
        assertEquals(List.of(), loaded.unfinished());
    }

    @Test
    void removedRecordsLeaveNothing() throws AgentException, IOException {
        for (boolean durable : new boolean[] {true, false}) {
            ContainerRecords records = new ContainerRecords(root, "one");
            records.save(record(durable));
            records.remove(ID);
            try (var left = Files.list(root.resolve("containers"))) {
                assertEquals(List.of(), left.toList());
            }
        }
    }
}
