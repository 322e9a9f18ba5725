package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/** Names in the store's directory, and the durable way to write a small file. Names come from digests and counters only, never from an image or a registry. */
final class StoreLayout {
    private final Path root;
    private final AtomicLong sequence = new AtomicLong();

    private StoreLayout(Path root) {
        this.root = root;
    }

    /** Makes what is missing. */
    static StoreLayout create(Path dataRoot) throws ImageException {
        StoreLayout layout = new StoreLayout(dataRoot.resolve("image"));
        try {
            Files.createDirectories(dataRoot);
            // Unpacked set-uid programs of strangers lie below: nobody but the owner may come here.
            directory(layout.root);
            for (Path path :
                    List.of(
                            layout.configs(),
                            layout.layers(),
                            layout.partial(),
                            layout.leases(),
                            layout.tmp())) {
                directory(path);
            }
        } catch (IOException e) {
            throw new ImageException("create image store " + layout.root, e);
        }
        return layout;
    }

    private static void directory(Path path) throws IOException {
        Files.createDirectories(path);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
    }

    Path root() {
        return root;
    }

    Path lock() {
        return root.resolve("lock");
    }

    Path boot() {
        return root.resolve("boot");
    }

    Path state() {
        return root.resolve("state.json");
    }

    Path configs() {
        return root.resolve("configs");
    }

    Path config(Digest id) {
        return configs().resolve(fileName(id));
    }

    Path layers() {
        return root.resolve("layers");
    }

    Path partial() {
        return root.resolve("partial");
    }

    Path leases() {
        return root.resolve("leases");
    }

    Path tmp() {
        return root.resolve("tmp");
    }

    /** A name under {@code tmp} that was not used since the store was opened. */
    String tmpName(String kind) {
        return kind + "-" + sequence.incrementAndGet();
    }

    static String fileName(Digest digest) {
        return digest.algorithm() + "-" + digest.hex();
    }

    /** The digest that a file is named by; empty for any other name. */
    static Optional<Digest> digestOf(String fileName) {
        int dash = fileName.indexOf('-');
        if (dash < 0) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    new Digest(fileName.substring(0, dash), fileName.substring(dash + 1)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    static List<String> names(Path directory) throws IOException {
        List<String> result = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                result.add(String.valueOf(entry.getFileName()));
            }
        }
        return result;
    }

    static Optional<byte[]> read(Path file) throws IOException {
        try {
            return Optional.of(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Writes, syncs, renames and syncs the directory: afterwards the file has the old or the new bytes, whatever happens. */
    void writeDurably(Path file, byte[] bytes) throws IOException {
        Path fresh = tmp().resolve(tmpName("file"));
        try (FileChannel channel =
                FileChannel.open(fresh, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            channel.force(true);
        }
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        syncDirectory(file.resolveSibling("."));
    }

    static void syncDirectory(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
