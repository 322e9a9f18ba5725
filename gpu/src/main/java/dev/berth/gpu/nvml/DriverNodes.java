package dev.berth.gpu.nvml;

import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The driver's device nodes by the numbers that the host's kernel has now: only major 195 is fixed, the others change with every load of the driver. The nodes themselves need not exist on the host, nobody makes them on a
 * cold one.
 *
 * <p>Source: {@code /proc/devices}, {@code /proc/driver/nvidia-caps/*-minors} below the host's root. These are the kernel's own tables: reading them does not wait for the driver. Thread: any, blocking.
 */
final class DriverNodes {
    private static final int NVIDIA_MAJOR = 195;
    private static final int CONTROL_MINOR = 255;
    private static final int MODESET_MINOR = 254;
    private static final int MODE = 0666;
    private static final int LIMIT = 1 << 22;
    private static final Pattern MAJOR = Pattern.compile("\\s*(\\d{1,9})\\s+(\\S+)");
    private static final Pattern CAPABILITY = Pattern.compile("(\\S+)\\s+(\\d{1,9})");
    private static final Pattern OF_GPU = Pattern.compile("gpu(\\d{1,9})/.*");
    private static final int NVIDIA_VENDOR = 0x10de;
    private static final String SWITCH_CLASS = "0x0680";

    private final Files files;
    private final Path hostRoot;
    private final Map<String, Integer> majors;

    DriverNodes(Files files, Path hostRoot) throws ErrnoException {
        this.files = files;
        this.hostRoot = hostRoot;
        this.majors = characterMajors(text("proc/devices").orElse(""));
    }

    /** The character section of {@code /proc/devices}: name to major. */
    static Map<String, Integer> characterMajors(String devices) {
        Map<String, Integer> majors = new HashMap<>();
        boolean characters = false;
        for (String line : devices.split("\n")) {
            if (line.endsWith(":")) {
                characters = line.startsWith("Character");
                continue;
            }
            Matcher entry = MAJOR.matcher(line);
            if (characters && entry.matches()) {
                majors.putIfAbsent(entry.group(2), Integer.parseInt(entry.group(1)));
            }
        }
        return majors;
    }

    /** Lines {@code name minor}, such as {@code gpu0/gi1/access 12}. */
    static Map<String, Integer> capabilityMinors(String text) {
        Map<String, Integer> minors = new TreeMap<>();
        for (String line : text.split("\n")) {
            Matcher entry = CAPABILITY.matcher(line.strip());
            if (entry.matches()) {
                minors.put(entry.group(1), Integer.parseInt(entry.group(2)));
            }
        }
        return minors;
    }

    private Optional<String> text(String path) throws ErrnoException {
        try {
            byte[] bytes = files.readFile(Fd.CWD, hostRoot.resolve(path).toString(), LIMIT);
            return Optional.of(new String(bytes, StandardCharsets.UTF_8));
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private static DeviceNode node(String path, int major, int minor, String access) {
        return new DeviceNode(path, 'c', major, minor, MODE, 0, 0, access);
    }

    private int nvidia() {
        return majors.getOrDefault("nvidia", majors.getOrDefault("nvidia-frontend", NVIDIA_MAJOR));
    }

    DeviceNode gpu(int minor) {
        return node("/dev/nvidia" + minor, nvidia(), minor, "rw");
    }

    /** What every holder of a GPU gets. */
    List<DeviceNode> control() {
        List<DeviceNode> nodes = new ArrayList<>();
        nodes.add(node("/dev/nvidiactl", nvidia(), CONTROL_MINOR, "rw"));
        Integer uvm = majors.get("nvidia-uvm");
        if (uvm != null) {
            nodes.add(node("/dev/nvidia-uvm", uvm, 0, "rw"));
            nodes.add(node("/dev/nvidia-uvm-tools", uvm, 1, "rw"));
        }
        return nodes;
    }

    /** What nobody gets: it sets modes, reaches into partitions, or steers the fabric that all GPUs share. Of the capabilities of instances, those of these GPUs. */
    List<DeviceNode> withheld(Set<Integer> gpuMinors) throws ErrnoException {
        List<DeviceNode> nodes = new ArrayList<>();
        nodes.add(node("/dev/nvidia-modeset", nvidia(), MODESET_MINOR, "rw"));
        Integer caps = majors.get("nvidia-caps");
        if (caps != null) {
            capabilities(gpuMinors)
                    .forEach(minor ->
                            nodes.add(
                                    node("/dev/nvidia-caps/nvidia-cap" + minor, caps, minor, "r")));
        }
        Integer imex = majors.get("nvidia-caps-imex-channels");
        if (imex != null) {
            nodes.add(node("/dev/nvidia-caps-imex-channels/channel0", imex, 0, "rw"));
        }
        Integer nvlink = majors.get("nvidia-nvlink");
        if (nvlink != null) {
            nodes.add(node("/dev/nvidia-nvlink", nvlink, 0, "rw"));
        }
        Integer nvswitch = majors.get("nvidia-nvswitch");
        if (nvswitch != null) {
            nodes.add(node("/dev/nvidia-nvswitchctl", nvswitch, CONTROL_MINOR, "rw"));
            for (int minor = 0; minor < switches(); minor++) {
                nodes.add(node("/dev/nvidia-nvswitch" + minor, nvswitch, minor, "rw"));
            }
        }
        return nodes;
    }

    private List<Integer> capabilities(Set<Integer> gpuMinors) throws ErrnoException {
        List<Integer> minors = new ArrayList<>();
        for (String file : names("proc/driver/nvidia-caps")) {
            if (file.endsWith("-minors")) {
                String text = text("proc/driver/nvidia-caps/" + file).orElse("");
                capabilityMinors(text)
                        .forEach((name, minor) -> {
                            Matcher gpu = OF_GPU.matcher(name);
                            if (!gpu.matches()
                                    || gpuMinors.contains(Integer.parseInt(gpu.group(1)))) {
                                minors.add(minor);
                            }
                        });
            }
        }
        return minors.stream().distinct().sorted().toList();
    }

    /** NVSwitches on PCI. */
    private int switches() throws ErrnoException {
        int count = 0;
        for (String address : names("sys/bus/pci/devices")) {
            String at = "sys/bus/pci/devices/" + address + "/";
            String vendor = text(at + "vendor").orElse("").strip();
            String type = text(at + "class").orElse("").strip();
            if (vendor.equals("0x" + Integer.toHexString(NVIDIA_VENDOR))
                    && type.startsWith(SWITCH_CLASS)) {
                count++;
            }
        }
        return count;
    }

    private List<String> names(String directory) throws ErrnoException {
        String path = hostRoot.resolve(directory).toString();
        try (OwnedFd open = files.openat(Fd.CWD, path, Open.O_RDONLY | Open.O_DIRECTORY, 0)) {
            return files.list(open).stream().map(entry -> entry.name()).sorted().toList();
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
                return List.of();
            }
            throw e;
        }
    }

    /** One line of a PCI device's directory in sysfs; empty when it has none. */
    Optional<String> pciFact(String address, String file) throws ErrnoException {
        return text("sys/bus/pci/devices/" + address + "/" + file).map(String::strip);
    }
}
