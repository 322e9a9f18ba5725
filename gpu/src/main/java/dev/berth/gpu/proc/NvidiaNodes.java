package dev.berth.gpu.proc;

import dev.berth.isolator.ContainerConfig.DeviceNode;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The device nodes of the NVIDIA driver, with the numbers and permissions that this load of it has; read again with every generation, since dynamic majors change with a reload.
 *
 * <p>Thread: {@link #read} blocks on files; the rest is immutable. Source: the driver's README, "Device nodes"; nvidia-modprobe(1).
 */
public final class NvidiaNodes {
    private static final int FIXED_MAJOR = 195;
    private static final int CONTROL = 255;
    private static final int MODE_SETTING = 254;
    private static final int MAX_CAPABILITIES = 256;
    private static final Pattern PARAMETER =
            Pattern.compile("(DeviceFile(?:UID|GID|Mode)): (\\d{1,9})");
    private static final Pattern CAPABILITY = Pattern.compile("DeviceFileMinor:\\s*(\\d{1,7})");

    private final OptionalInt major;
    private final int mode;
    private final int uid;
    private final int gid;
    private final List<DeviceNode> control;
    private final List<DeviceNode> withheld;

    private NvidiaNodes(HostFiles host, boolean loaded) {
        CharMajors majors = CharMajors.read(host);
        OptionalInt named =
                majors.of("nvidia").isPresent()
                        ? majors.of("nvidia")
                        : majors.of("nvidia-frontend");
        major = named.isPresent() || !loaded ? named : OptionalInt.of(FIXED_MAJOR);
        Map<String, Integer> parameters =
                parameters(host.text("proc/driver/nvidia/params").orElse(""));
        mode = parameters.getOrDefault("DeviceFileMode", 0666) & 0777;
        uid = parameters.getOrDefault("DeviceFileUID", 0);
        gid = parameters.getOrDefault("DeviceFileGID", 0);
        control = new ArrayList<>();
        withheld = new ArrayList<>();
        if (major.isPresent()) {
            control.add(node("/dev/nvidiactl", major.getAsInt(), CONTROL));
            withheld.add(node("/dev/nvidia-modeset", major.getAsInt(), MODE_SETTING));
        }
        majors.of("nvidia-uvm")
                .ifPresent(uvm -> {
                    control.add(node("/dev/nvidia-uvm", uvm, 0));
                    control.add(node("/dev/nvidia-uvm-tools", uvm, 1));
                });
        majors.of("nvidia-caps").ifPresent(caps -> capabilities(host, caps));
        majors.of("nvidia-caps-imex-channels")
                .ifPresent(imex ->
                        withheld.add(node("/dev/nvidia-caps-imex-channels/channel0", imex, 0)));
        majors.of("nvidia-nvlink")
                .ifPresent(link -> withheld.add(node("/dev/nvidia-nvlink", link, 0)));
        majors.of("nvidia-nvswitch").ifPresent(fabric -> switches(host, fabric));
    }

    /** Reads the driver that is loaded now. Without one there are no nodes. */
    public static NvidiaNodes read(HostFiles host) {
        return new NvidiaNodes(host, host.exists("proc/driver/nvidia"));
    }

    /** The same for a driver that is known to be loaded, since it answers: the fixed major is right even where the kernel's files do not name it. */
    public static NvidiaNodes readLoaded(HostFiles host) {
        return new NvidiaNodes(host, true);
    }

    static Map<String, Integer> parameters(String text) {
        Map<String, Integer> found = new LinkedHashMap<>();
        Matcher line = PARAMETER.matcher(text);
        while (line.find()) {
            found.putIfAbsent(line.group(1), Integer.parseInt(line.group(2)));
        }
        return found;
    }

    private DeviceNode node(String path, int major, int minor) {
        return new DeviceNode(path, 'c', major, minor, mode, uid, gid, "rw");
    }

    /** The capability files that exist now: configuration, monitoring and the instances that were made. */
    private void capabilities(HostFiles host, int caps) {
        List<String> directories = new ArrayList<>(List.of("proc/driver/nvidia/capabilities"));
        for (int i = 0; i < directories.size() && directories.size() < 4 * MAX_CAPABILITIES; i++) {
            String directory = directories.get(i);
            for (String name : host.names(directory)) {
                String path = directory + "/" + name;
                Matcher minor = CAPABILITY.matcher(host.text(path).orElse(""));
                if (minor.find() && withheld.size() < MAX_CAPABILITIES) {
                    int number = Integer.parseInt(minor.group(1));
                    withheld.add(
                            new DeviceNode(
                                    "/dev/nvidia-caps/nvidia-cap" + number,
                                    'c',
                                    caps,
                                    number,
                                    0400,
                                    uid,
                                    gid,
                                    "r"));
                } else {
                    directories.add(path);
                }
            }
        }
    }

    private void switches(HostFiles host, int fabric) {
        int index = 0;
        for (String address : host.names("sys/bus/pci/devices")) {
            String at = "sys/bus/pci/devices/" + address;
            if (host.line(at + "/class").startsWith("0x0680")
                    && host.line(at + "/vendor").equals("0x10de")) {
                withheld.add(node("/dev/nvidia-nvswitch" + index, fabric, index));
                index++;
            }
        }
        withheld.add(node("/dev/nvidia-nvswitchctl", fabric, CONTROL));
    }

    /** The node of a GPU, {@code /dev/nvidiaMINOR}; empty without a driver. */
    public List<DeviceNode> gpu(int minor) {
        return major.isPresent()
                ? List.of(node("/dev/nvidia" + minor, major.getAsInt(), minor))
                : List.of();
    }

    /** What every holder of a GPU gets besides: {@code nvidiactl}, {@code nvidia-uvm}, {@code nvidia-uvm-tools}. */
    public List<DeviceNode> control() {
        return List.copyOf(control);
    }

    /** What exists and nobody gets: mode setting, capabilities, fabric. */
    public List<DeviceNode> withheld() {
        return List.copyOf(withheld);
    }
}
