package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.session.CliException;
import dev.berth.shim.ShimBinary;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;

/** A root file system of this machine's own C library and our two programs: NVIDIA's libraries and tools need the one, and no image with it need be fetched. */
final class HostRoot {
    static final String PROBE = "/probe";
    static final String CUDA = "/cuda";

    /** Where its loader is by the ABI, and the names of what it loads. */
    private static final Path LOADER = Path.of("/lib64/ld-linux-x86-64.so.2");

    private static final List<String> LIBRARIES =
            List.of("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1");

    private static final List<Path> PLACES =
            List.of(
                    Path.of("/lib/x86_64-linux-gnu"),
                    Path.of("/usr/lib/x86_64-linux-gnu"),
                    Path.of("/lib64"),
                    Path.of("/usr/lib64"));

    private final Path root;
    private Optional<String> lacks = Optional.empty();

    private HostRoot(Path root) {
        this.root = root;
    }

    /** Makes it in a directory that is not there yet. */
    static HostRoot make(Path root) throws CliException {
        HostRoot made = new HostRoot(root);
        try {
            Files.createDirectories(root.resolve("tmp"));
            made.program(PROBE, ShimBinary.probe().bytes());
            if (Files.exists(LOADER)) {
                made.copy(LOADER);
                for (String library : LIBRARIES) {
                    made.library(library);
                }
                made.program(CUDA, ShimBinary.cuda().bytes());
            } else {
                made.lacks = Optional.of("no glibc on this machine: no " + LOADER);
            }
        } catch (IOException e) {
            throw new CliException(1, "cannot make a root file system below " + root + ": " + e, e);
        }
        return made;
    }

    Path path() {
        return root;
    }

    /** Why no program that needs a C library can run in it. */
    Optional<String> lacks() {
        return lacks;
    }

    private void library(String name) throws IOException {
        for (Path place : PLACES) {
            if (Files.exists(place.resolve(name))) {
                copy(place.resolve(name));
                return;
            }
        }
        // libdl, libpthread and librt are empty since glibc 2.34, and gone where nobody needs them.
        if (name.equals("libc.so.6") || name.equals("libm.so.6")) {
            lacks = Optional.of("no " + name + " on this machine");
        }
    }

    private void copy(Path file) throws IOException {
        Path to = root.resolve(file.toString().substring(1));
        Files.createDirectories(to.getParent());
        Files.copy(file.toRealPath(), to);
        Files.setPosixFilePermissions(to, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private void program(String name, byte[] bytes) throws IOException {
        Path to = root.resolve(name.substring(1));
        Files.write(to, bytes);
        Files.setPosixFilePermissions(to, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
