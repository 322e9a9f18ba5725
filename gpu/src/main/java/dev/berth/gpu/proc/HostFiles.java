package dev.berth.gpu.proc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Small text files and directories below the host root. What is missing or unreadable is empty: a host tells what it can.
 *
 * <p>Thread: any; may block as long as the driver behind a file does.
 */
public final class HostFiles {
    private static final int LIMIT_BYTES = 1 << 20;
    private static final int LIMIT_NAMES = 4096;

    private final Path root;

    /** {@code root}: {@code /}, or a simulated host's. */
    public HostFiles(Path root) {
        this.root = root;
    }

    public Path root() {
        return root;
    }

    /** Where a path of the host is; {@code path} with or without a leading slash. */
    public Path at(String path) {
        return root.resolve(path.startsWith("/") ? path.substring(1) : path);
    }

    /** At most a mebibyte of a file; what cannot be decoded is replaced. */
    public Optional<String> text(String path) {
        try (InputStream in = Files.newInputStream(at(path))) {
            return Optional.of(new String(in.readNBytes(LIMIT_BYTES), StandardCharsets.UTF_8));
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    /** The first line, without blanks around it; empty when there is none. */
    public String line(String path) {
        String text = text(path).orElse("");
        int end = text.indexOf('\n');
        return (end < 0 ? text : text.substring(0, end)).strip();
    }

    /** Names in a directory, sorted, at most {@value #LIMIT_NAMES}. */
    public List<String> names(String path) {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(at(path))) {
            for (Path entry : entries) {
                if (names.size() == LIMIT_NAMES) {
                    break;
                }
                Path name = entry.getFileName();
                if (name != null) {
                    names.add(name.toString());
                }
            }
        } catch (IOException | DirectoryIteratorException _) {
            return List.of();
        }
        names.sort(null);
        return names;
    }

    public boolean exists(String path) {
        return Files.exists(at(path));
    }
}
