package dev.berth.gpu.driver;

import dev.berth.gpu.Device;
import dev.berth.gpu.PciAddress;
import dev.berth.linux.DirEntry;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.file.SafeRoot;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * {@code /proc/driver/nvidia} as a grant shows it: {@code version}, {@code registry}, {@code params} with {@code ModifyDeviceFiles: 0} (else libraries in the container try to make nodes, which the device program denies), and
 * {@code gpus/} with the granted ones only. A directory for each distinct set, named by its content, so that what containers have mounted never changes under them; it goes with exec-root.
 *
 * <p>Thread: made on the file lane; {@link #directory} any.
 */
final class ProcView {
    private static final int LIMIT_BYTES = 64 * 1024;
    private static final int MAX_GPUS = 1024;
    private static final String HOME = "/proc/driver/nvidia";

    private final Files files;
    private final ScratchDirectory scratch;

    /** Content by name, of the files directly below. */
    private final Map<String, String> common;

    private final Map<PciAddress, Gpu> gpus;
    private final Map<String, Path> made = new ConcurrentHashMap<>();

    /** The addresses of all GPUs that the driver shows. */
    Set<PciAddress> addresses() {
        return gpus.keySet();
    }

    private record Gpu(String directory, String information) {}

    private ProcView(
            Files files,
            ScratchDirectory scratch,
            Map<String, String> common,
            Map<PciAddress, Gpu> gpus) {
        this.files = files;
        this.scratch = scratch;
        this.common = common;
        this.gpus = gpus;
    }

    /** What the host shows; empty when it shows nothing. */
    static Optional<ProcView> read(Files files, SafeRoot host, ScratchDirectory scratch)
            throws ErrnoException {
        Map<String, String> common = new TreeMap<>();
        for (String name : new String[] {"version", "registry", "params"}) {
            text(host, HOME + "/" + name).ifPresent(t -> common.put(name, t));
        }
        if (!common.containsKey("version")) {
            return Optional.empty();
        }
        common.merge("params", "", (there, _) -> there);
        common.computeIfPresent("params", (_, text) -> DriverParams.withoutModifying(text));
        Map<PciAddress, Gpu> gpus = new TreeMap<>();
        Optional<OwnedFd> directory = host.resolve(HOME + "/gpus");
        if (directory.isPresent()) {
            try (OwnedFd path = directory.get();
                    OwnedFd open = host.reopen(path, Open.O_RDONLY | Open.O_DIRECTORY)) {
                for (DirEntry entry : files.list(open)) {
                    Optional<PciAddress> pci = PciAddress.parse(entry.name());
                    Optional<String> text =
                            text(host, HOME + "/gpus/" + entry.name() + "/information");
                    if (pci.isPresent() && text.isPresent() && gpus.size() < MAX_GPUS) {
                        gpus.put(pci.get(), new Gpu(entry.name(), text.get()));
                    }
                }
            }
        }
        return Optional.of(new ProcView(files, scratch, common, gpus));
    }

    /** A small text file below a root; empty when there is none or it is no regular file. */
    static Optional<String> text(SafeRoot root, String path) throws ErrnoException {
        try {
            return root.readRegular(path, LIMIT_BYTES)
                    .map(bytes -> new String(bytes, StandardCharsets.UTF_8));
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EINVAL
                    || e.errno() == Errno.ELOOP
                    || e.errno() == Errno.EACCES) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Each device alone, and all together: so that the usual grants are ready before they are asked for. */
    void makeSingles() throws ErrnoException {
        for (Gpu gpu : gpus.values()) {
            make(content(List.of(gpu)));
        }
        make(content(gpus.values()));
    }

    /**
     * A directory that holds {@code nvidia/} with these devices.
     *
     * @param devices those without a PCI address, or that the host's driver does not show, are left out
     */
    Path directory(Collection<Device> devices) throws ErrnoException {
        Map<PciAddress, Gpu> shown = new TreeMap<>();
        for (Device device : devices) {
            device.pci()
                    .ifPresent(pci -> {
                        Gpu gpu = gpus.get(pci);
                        if (gpu != null) {
                            shown.put(pci, gpu);
                        }
                    });
        }
        return make(content(shown.values()));
    }

    /** Relative path to content. */
    private Map<String, String> content(Collection<Gpu> shown) {
        Map<String, String> content = new LinkedHashMap<>(common);
        for (Gpu gpu : shown) {
            content.put("gpus/" + gpu.directory() + "/information", gpu.information());
        }
        return content;
    }

    private Path make(Map<String, String> content) throws ErrnoException {
        List<String> parts = new ArrayList<>();
        content.forEach((path, text) -> {
            parts.add(path);
            parts.add(text);
        });
        String name = ScratchDirectory.name("proc", parts);
        Path known = made.get(name);
        if (known == null) {
            known =
                    scratch.make(
                            name,
                            directory -> {
                                files.mkdirat(directory, "nvidia", 0755);
                                files.mkdirat(directory, "nvidia/gpus", 0755);
                                for (Map.Entry<String, String> file : content.entrySet()) {
                                    String path = "nvidia/" + file.getKey();
                                    ScratchDirectory.parents(files, directory, path);
                                    ScratchDirectory.file(files, directory, path, file.getValue());
                                }
                            });
            made.put(name, known);
        }
        return known;
    }
}
