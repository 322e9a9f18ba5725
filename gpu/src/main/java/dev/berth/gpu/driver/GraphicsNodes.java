package dev.berth.gpu.driver;

import dev.berth.gpu.Device;
import dev.berth.gpu.PciAddress;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.linux.DirEntry;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.file.SafeRoot;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What graphics needs beside files: DRM nodes of the granted GPUs, mode setting, and a profile that hides the others, which EGL would list otherwise. Thread: read file lane, else any. */
final class GraphicsNodes {
    private static final String MODESET = "/dev/nvidia-modeset";
    private static final String PROFILE =
            "/etc/nvidia/nvidia-application-profiles-rc.d/10-container.conf";
    private static final Pattern NUMBERS = Pattern.compile("(\\d{1,4}):(\\d{1,7})\\s*");
    private static final int MAX_MINOR = 63;

    private final Files files;
    private final Map<PciAddress, List<DeviceNode>> nodes;

    private GraphicsNodes(Files files, Map<PciAddress, List<DeviceNode>> nodes) {
        this.files = files;
        this.nodes = nodes;
    }

    /** From {@code /sys/bus/pci/devices/ADDRESS/drm}. */
    static GraphicsNodes read(Files files, SafeRoot host, Set<PciAddress> gpus)
            throws ErrnoException {
        Map<PciAddress, List<DeviceNode>> nodes = new HashMap<>();
        for (PciAddress gpu : gpus) {
            String drm = "/sys/bus/pci/devices/" + gpu + "/drm";
            Optional<OwnedFd> found = host.resolve(drm);
            if (found.isEmpty()) {
                continue;
            }
            try (OwnedFd path = found.get();
                    OwnedFd open = host.reopen(path, Open.O_RDONLY | Open.O_DIRECTORY)) {
                for (DirEntry entry : files.list(open)) {
                    node(host, drm, entry.name())
                            .ifPresent(
                                    n -> nodes.computeIfAbsent(gpu, _ -> new ArrayList<>()).add(n));
                }
            }
        }
        return new GraphicsNodes(files, nodes);
    }

    private static Optional<DeviceNode> node(SafeRoot host, String drm, String name)
            throws ErrnoException {
        if (!name.matches("card\\d+|renderD\\d+")) {
            return Optional.empty();
        }
        Optional<String> text = ProcView.text(host, drm + "/" + name + "/dev");
        Matcher numbers = NUMBERS.matcher(text.orElse(""));
        if (!numbers.matches()) {
            return Optional.empty();
        }
        return Optional.of(
                new DeviceNode(
                        "/dev/dri/" + name,
                        'c',
                        Integer.parseInt(numbers.group(1)),
                        Integer.parseInt(numbers.group(2)),
                        0666,
                        0,
                        0,
                        "rw"));
    }

    /** The nodes of these devices, and the one for mode setting where the host has it. */
    List<DeviceNode> of(List<Device> devices, List<DeviceNode> withheld) {
        List<DeviceNode> out = new ArrayList<>();
        for (Device device : devices) {
            device.pci().ifPresent(pci -> out.addAll(nodes.getOrDefault(pci, List.of())));
        }
        withheld.stream().filter(n -> n.path().equals(MODESET)).forEach(out::add);
        return out;
    }

    /** An application profile with a bit for each granted minor. */
    MountSpec profile(ScratchDirectory scratch, List<Device> devices) throws ErrnoException {
        long mask = 0;
        for (Device device : devices) {
            int minor = device.minor().orElse(-1);
            if (minor >= 0 && minor <= MAX_MINOR) {
                mask |= 1L << minor;
            }
        }
        String text =
                String.format(
                        Locale.ROOT,
                        "{\"profiles\": [{\"name\": \"_container_\", \"settings\": [\"EGLVisibleDGPUDevices\", 0x%x]}],%n"
                                + " \"rules\": [{\"pattern\": [], \"profile\": \"_container_\"}]}%n",
                        mask);
        Path directory =
                scratch.make(
                        ScratchDirectory.name("profile", List.of(text)),
                        made -> ScratchDirectory.file(files, made, "10-container.conf", text));
        return new MountSpec.Bind(
                directory.resolve("10-container.conf").toString(),
                PROFILE,
                true,
                false,
                false,
                "rprivate",
                true,
                true,
                true);
    }
}
