package dev.berth.agent.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.ProcFacts;
import dev.berth.isolator.ContainerId;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One directory per container. A durable record that was saved survives a power cut; a container that was removed does not come back. Several threads may save at once: the file system then commits their syncs
 * together. A record that is not durable waits for no disk; it names the boot that it belongs to, and in another one it is an unfinished creation.
 *
 * <p>Thread: file lane (blocking), one thread per container at a time.
 */
public final class ContainerRecords {
    private static final String CONFIG = "config.json";
    private static final String OF_BOOT = "boot.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path directory;
    private final String boot;

    /** Makes {@code root/containers} when it is missing. */
    public ContainerRecords(Path root) throws AgentException {
        this(root, ProcFacts.bootId());
    }

    ContainerRecords(Path root, String boot) throws AgentException {
        this.boot = boot;
        directory = root.resolve("containers");
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw AgentException.failed("make checkpoint directory " + directory, e);
        }
    }

    private Path directory(ContainerId id) {
        return directory.resolve(id.value());
    }

    /** The first step of a creation: what a crash then leaves is found by {@link #load}. */
    public void begin(ContainerId id) throws AgentException {
        try {
            Files.createDirectories(directory(id));
        } catch (IOException e) {
            throw AgentException.failed("begin container " + id.shortForm(), e);
        }
    }

    /** Returns when the record would survive a power cut, if it is durable, else when it survives the agent. */
    public void save(ContainerRecord record) throws AgentException {
        Path own = directory(record.id());
        if (!record.spec().durable()) {
            saveForBoot(record, own);
            return;
        }
        try {
            boolean made = !Files.exists(own);
            Files.createDirectories(own);
            Path fresh = own.resolve(CONFIG + ".new");
            write(fresh, JSON.writeValueAsBytes(record.toJson()));
            Files.move(
                    fresh,
                    own.resolve(CONFIG),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
            sync(own);
            if (made) {
                sync(directory);
            }
        } catch (IOException e) {
            throw AgentException.failed("save checkpoint of " + record.id().shortForm(), e);
        }
    }

    private void saveForBoot(ContainerRecord record, Path own) throws AgentException {
        try {
            Files.createDirectories(own);
            Path fresh = own.resolve(OF_BOOT + ".new");
            Files.write(fresh, JSON.writeValueAsBytes(record.toJson().put("boot", boot)));
            Files.move(
                    fresh,
                    own.resolve(OF_BOOT),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw AgentException.failed("save checkpoint of " + record.id().shortForm(), e);
        }
    }

    /** Forgets a container; an unknown one is a no-op. The record goes first, so a crash in between leaves only files that {@link #load} cleans up. */
    public void remove(ContainerId id) throws AgentException {
        Path own = directory(id);
        try {
            if (Files.deleteIfExists(own.resolve(CONFIG))) {
                sync(own);
            }
            Files.deleteIfExists(own.resolve(OF_BOOT));
            deleteTree(own);
        } catch (IOException e) {
            throw AgentException.failed("remove checkpoint of " + id.shortForm(), e);
        }
    }

    /** All records, and in {@code unfinished} the ids of creations that did not get to their record. */
    public Loaded load() throws AgentException {
        List<ContainerRecord> records = new ArrayList<>();
        List<ContainerId> unfinished = new ArrayList<>();
        List<String> unreadable = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path own : entries) {
                String name = String.valueOf(own.getFileName());
                try {
                    Optional<ContainerRecord> ofBoot = ofBoot(own.resolve(OF_BOOT));
                    records.add(
                            ofBoot.isPresent()
                                    ? ofBoot.get()
                                    : ContainerRecord.fromJson(
                                            JSON.readTree(
                                                    Files.readAllBytes(own.resolve(CONFIG)))));
                } catch (NoSuchFileException _) {
                    if (name.matches("[0-9a-f]{64}")) {
                        unfinished.add(new ContainerId(name));
                    }
                } catch (IOException | AgentException | IllegalArgumentException e) {
                    unreadable.add(own.resolve(CONFIG) + ": " + e.getMessage());
                }
            }
        } catch (IOException e) {
            throw AgentException.failed("read checkpoints in " + directory, e);
        }
        return new Loaded(records, unfinished, unreadable);
    }

    /** Empty also for what a power cut left of one: it was not synced. */
    private Optional<ContainerRecord> ofBoot(Path file) throws IOException, AgentException {
        try {
            JsonNode json = JSON.readTree(Files.readAllBytes(file));
            return json.path("boot").asText().equals(boot)
                    ? Optional.of(ContainerRecord.fromJson(json))
                    : Optional.empty();
        } catch (NoSuchFileException | JsonProcessingException _) {
            return Optional.empty();
        }
    }

    /** What was found: {@code unreadable} says which file and why; such a container is left alone. */
    public record Loaded(
            List<ContainerRecord> records, List<ContainerId> unfinished, List<String> unreadable) {}

    private static void write(Path file, byte[] bytes) throws IOException {
        try (FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            channel.force(true);
        }
    }

    private static void sync(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static void deleteTree(Path root) throws IOException {
        if (!Files.exists(root)) {
            return;
        }
        Files.walkFileTree(
                root,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(
                            Path directory, @Nullable IOException error) throws IOException {
                        Files.delete(directory);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }
}
