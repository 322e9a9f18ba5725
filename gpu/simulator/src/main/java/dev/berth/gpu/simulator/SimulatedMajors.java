package dev.berth.gpu.simulator;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Character majors of the simulated drivers. 195 is fixed; the others are as wished where no registered driver has them, else the nearest free one of the kernel's dynamic ranges
 * (Documentation/admin-guide/devices.txt: 234 to 254 and 384 to 511).
 *
 * @param names name in {@code /proc/devices} to major, the dynamic ones
 * @param merged the host's {@code /proc/devices} with the simulated drivers in it
 */
record SimulatedMajors(Map<String, Integer> names, String merged) {
    static final int NVIDIA = 195;

    /** @throws SimulatorException if a driver on this host has 195, or no number is free */
    static SimulatedMajors choose(String procDevices, Machine.Majors wished)
            throws SimulatorException {
        NavigableMap<Integer, List<String>> taken = new TreeMap<>();
        StringBuilder rest = new StringBuilder();
        boolean characters = false;
        boolean blocks = false;
        for (String line : procDevices.lines().toList()) {
            if (line.startsWith("Block devices:")) {
                blocks = true;
            }
            if (blocks) {
                rest.append(line).append('\n');
            } else if (line.startsWith("Character devices:")) {
                characters = true;
            } else if (characters && !line.isBlank()) {
                String[] words = line.strip().split(" +", 2);
                taken.computeIfAbsent(Integer.parseInt(words[0]), _ -> new ArrayList<>())
                        .add(words.length > 1 ? words[1] : "");
            }
        }
        if (taken.containsKey(NVIDIA)) {
            throw new SimulatorException(
                    "this host's /proc/devices has character major 195 ("
                            + String.join(", ", taken.get(NVIDIA))
                            + "): a real driver is loaded, and simulated nodes would open its GPUs; use --gpus auto here");
        }
        Map<String, Integer> chosen = new LinkedHashMap<>();
        Map<String, Integer> wishes = new LinkedHashMap<>();
        wishes.put("nvidia-uvm", wished.uvm());
        wishes.put("nvidia-caps", wished.caps());
        wishes.put("nvidia-caps-imex-channels", wished.imex());
        wishes.put("nvidia-nvlink", wished.nvlink());
        wishes.put("nvidia-nvswitch", wished.nvswitch());
        // Those that can be granted first, so that none loses its number to one that has to move.
        wishes.forEach((name, major) -> {
            if (taken.putIfAbsent(major, List.of(name)) == null) {
                chosen.put(name, major);
            }
        });
        for (String name : wishes.keySet()) {
            if (!chosen.containsKey(name)) {
                int major = free(taken, name);
                taken.put(major, List.of(name));
                chosen.put(name, major);
            }
        }
        taken.put(NVIDIA, List.of("nvidia", "nvidia-modeset", "nvidiactl"));
        return new SimulatedMajors(Map.copyOf(chosen), text(taken, rest));
    }

    private static int free(NavigableMap<Integer, List<String>> taken, String name)
            throws SimulatorException {
        for (int major = 511; major >= 234; major--) {
            if (!taken.containsKey(major) && (major <= 254 || major >= 384)) {
                return major;
            }
        }
        throw new SimulatorException("no free character major for " + name + " in /proc/devices");
    }

    private static String text(NavigableMap<Integer, List<String>> taken, StringBuilder rest) {
        StringBuilder out = new StringBuilder("Character devices:\n");
        taken.forEach((major, drivers) ->
                drivers.forEach(driver ->
                        out.append(" ".repeat(major < 10 ? 2 : major < 100 ? 1 : 0))
                                .append(major)
                                .append(' ')
                                .append(driver)
                                .append('\n')));
        return out.append('\n').append(rest).toString();
    }
}
