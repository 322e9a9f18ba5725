package dev.berth.gpu.proc;

import dev.berth.gpu.DeviceId;
import dev.berth.gpu.PciAddress;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * One {@code /proc/driver/nvidia/gpus/ADDRESS/information}.
 *
 * @param uuid empty where the driver has not read it yet: it prints question marks before the GPU was first opened
 * @param excluded the driver was told to leave it alone
 */
record GpuInformation(
        PciAddress pci,
        String model,
        Optional<String> uuid,
        OptionalInt minor,
        String videoBios,
        boolean excluded) {
    private static final Pattern UUID =
            Pattern.compile("GPU-[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
    private static final int MAX_VALUE_CHARS = 128;

    /** {@code directory} is the PCI address by the directory's name, which counts where the text has none. */
    static Optional<GpuInformation> parse(String directory, String text) {
        Map<String, String> values = new TreeMap<>();
        for (String line : text.split("\n")) {
            int colon = line.indexOf(':');
            if (colon > 0 && values.size() < 64) {
                String value = line.substring(colon + 1).strip();
                values.putIfAbsent(line.substring(0, colon).strip(), cut(value));
            }
        }
        Optional<PciAddress> pci = PciAddress.parse(directory);
        if (pci.isEmpty()) {
            pci = PciAddress.parse(values.getOrDefault("Bus Location", ""));
        }
        return pci.map(address ->
                new GpuInformation(
                        address,
                        values.getOrDefault("Model", ""),
                        Optional.of(values.getOrDefault("GPU UUID", ""))
                                .filter(uuid -> UUID.matcher(uuid).matches()),
                        minor(values.getOrDefault("Device Minor", "")),
                        values.getOrDefault("Video BIOS", ""),
                        values.getOrDefault("GPU Excluded", "No").equalsIgnoreCase("yes")));
    }

    private static String cut(String value) {
        return value.length() <= MAX_VALUE_CHARS ? value : value.substring(0, MAX_VALUE_CHARS);
    }

    private static OptionalInt minor(String text) {
        return text.matches("\\d{1,6}")
                ? OptionalInt.of(Integer.parseInt(text))
                : OptionalInt.empty();
    }

    /** The UUID, or the PCI address as long as the driver does not say it. */
    DeviceId id() {
        return new DeviceId(uuid.orElseGet(() -> "PCI-" + pci));
    }
}
