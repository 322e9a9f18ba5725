package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.hostcheck.Finding.Area;
import dev.berth.agent.cli.hostcheck.Finding.State;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceMetric;
import dev.berth.gpu.DeviceSample;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.PciAddress;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What our binding read beside what {@code nvidia-smi} printed, field by field. A structure with a wrong layout gives wrong values, so that equal values prove the layouts that they came through.
 */
final class SmiComparison {
    static final String UUID = "uuid";

    /** Values that the tool prints for none. */
    private static final String NONE = "[";

    private static final double MIB = 1 << 20;

    /** How a field of both sides is compared. */
    private enum Rule {
        INDEX("index", 0, 0),
        NAME("name", 0, 0),
        PCI("pci.bus_id", 0, 0),
        MINOR("minor_number", 0, 0),
        MEMORY("memory.total", 1, 0),
        DRIVER("driver_version", 0, 0),
        SERIAL("serial", 0, 0),
        VBIOS("vbios_version", 0, 0),
        CAPABILITY("compute_cap", 0, 0),
        ECC("ecc.mode.current", 0, 0),
        MIG("mig.mode.current", 0, 0),
        PERSISTENCE("persistence_mode", 0, 0),
        USED("memory.used", 64, 0),
        TEMPERATURE("temperature.gpu", 3, 0),
        MEMORY_TEMPERATURE("temperature.memory", 3, 0),
        POWER("power.draw", 15, 0.15),
        SM_CLOCK("clocks.sm", 150, 0.1),
        MEMORY_CLOCK("clocks.mem", 100, 0.05);

        private final String field;
        private final double least;
        private final double share;

        Rule(String field, double least, double share) {
            this.field = field;
            this.least = least;
            this.share = share;
        }

        /** Exact texts, or numbers within the tolerance. */
        boolean same(String ours, String theirs) {
            if (this == PCI) {
                return PciAddress.parse(ours).isPresent()
                        && PciAddress.parse(ours).equals(PciAddress.parse(theirs));
            }
            if (least == 0) {
                return ours.equalsIgnoreCase(theirs);
            }
            try {
                double a = Double.parseDouble(ours);
                double b = Double.parseDouble(theirs);
                return Math.abs(a - b) <= Math.max(least, share * Math.abs(b));
            } catch (NumberFormatException e) {
                return false;
            }
        }

        String tolerance() {
            if (least == 0) {
                return "exactly";
            }
            String words = String.format(Locale.ROOT, "within %.0f", least);
            return share == 0
                    ? words
                    : words + String.format(Locale.ROOT, " or %.0f%%", share * 100);
        }
    }

    private final DeviceTable table;
    private final List<DeviceSample> samples;

    private SmiComparison(DeviceTable table, List<DeviceSample> samples) {
        this.table = table;
        this.samples = samples;
    }

    /** What to ask the tool for. */
    static List<String> fields() {
        List<String> fields = new ArrayList<>(List.of(UUID));
        for (Rule rule : Rule.values()) {
            fields.add(rule.field);
        }
        return fields;
    }

    /** One finding for the set of devices and one for each field. */
    static List<Finding> compare(
            DeviceTable table, List<DeviceSample> samples, List<Map<String, String>> rows) {
        SmiComparison comparison = new SmiComparison(table, samples);
        List<Finding> findings = new ArrayList<>();
        Set<String> ours = new TreeSet<>();
        table.devices().forEach(device -> ours.add(device.id().value()));
        Set<String> theirs = new TreeSet<>();
        rows.forEach(row -> theirs.add(row.getOrDefault(UUID, "")));
        boolean same = ours.equals(theirs) && ours.size() == rows.size();
        findings.add(
                new Finding(
                        Area.SMI,
                        UUID,
                        same ? State.PASSED : State.FAILED,
                        same
                                ? ours.size() + " devices, exactly"
                                : "ours " + ours + ", nvidia-smi " + theirs));
        for (Rule rule : Rule.values()) {
            findings.add(comparison.field(rule, rows));
        }
        return findings;
    }

    private Finding field(Rule rule, List<Map<String, String>> rows) {
        int compared = 0;
        List<String> shown = new ArrayList<>();
        List<String> wrong = new ArrayList<>();
        for (Map<String, String> row : rows) {
            String theirs = row.getOrDefault(rule.field, NONE);
            Optional<Device> device =
                    table.devices().stream()
                            .filter(d -> d.id().value().equals(row.get(UUID)))
                            .findFirst();
            if (device.isEmpty() || theirs.startsWith(NONE) || theirs.equals("N/A")) {
                continue;
            }
            String ours = ours(rule, device.get()).orElse("(nothing)");
            compared++;
            if (rule.same(ours, theirs)) {
                shown.add(ours);
            } else {
                wrong.add(device.get().id() + ": ours " + ours + ", nvidia-smi " + theirs);
            }
        }
        if (compared == 0) {
            return new Finding(
                    Area.SMI, rule.field, State.SKIPPED, "nvidia-smi has no such value here");
        }
        if (!wrong.isEmpty()) {
            return new Finding(
                    Area.SMI,
                    rule.field,
                    State.FAILED,
                    String.join("; ", wrong) + " (want " + rule.tolerance() + ")");
        }
        String values = String.join(", ", new TreeSet<>(shown));
        return new Finding(
                Area.SMI, rule.field, State.PASSED, values + " (" + rule.tolerance() + ")");
    }

    private Optional<String> ours(Rule rule, Device device) {
        return switch (rule) {
            case INDEX -> Optional.of(Integer.toString(device.index()));
            case NAME -> Optional.of(device.model());
            case PCI -> device.pci().map(PciAddress::toString);
            case MINOR ->
                    device.minor().isPresent()
                            ? Optional.of(Integer.toString(device.minor().getAsInt()))
                            : Optional.empty();
            case MEMORY -> Optional.of(Long.toString(Math.round(device.memoryBytes() / MIB)));
            case DRIVER -> Optional.of(table.driver().version());
            case SERIAL -> attribute(device, "serial");
            case VBIOS -> attribute(device, "vbios");
            case CAPABILITY -> attribute(device, "compute_capability");
            case ECC -> enabled(device, "ecc");
            case MIG -> enabled(device, "mig");
            case PERSISTENCE -> enabled(device, "persistence_mode");
            case USED -> metric(device, DeviceMetric.FB_USED);
            case TEMPERATURE -> metric(device, DeviceMetric.GPU_TEMP);
            case MEMORY_TEMPERATURE -> metric(device, DeviceMetric.MEMORY_TEMP);
            case POWER -> metric(device, DeviceMetric.POWER_USAGE);
            case SM_CLOCK -> metric(device, DeviceMetric.SM_CLOCK);
            case MEMORY_CLOCK -> metric(device, DeviceMetric.MEM_CLOCK);
        };
    }

    private static Optional<String> attribute(Device device, String name) {
        return Optional.ofNullable(device.attributes().get(name));
    }

    /** The tool's words for a mode. */
    private static Optional<String> enabled(Device device, String name) {
        return attribute(device, name).map(mode -> mode.equals("on") ? "Enabled" : "Disabled");
    }

    private Optional<String> metric(Device device, DeviceMetric metric) {
        return sample(device.id())
                .map(sample -> sample.values().get(metric))
                .map(value -> String.format(Locale.ROOT, "%.0f", value));
    }

    private Optional<DeviceSample> sample(DeviceId id) {
        return samples.stream().filter(sample -> sample.device().equals(id)).findFirst();
    }

    /** Whether both name the same computing processes on the same devices. */
    static Finding processes(List<DeviceSample> samples, List<Map<String, String>> rows) {
        Set<String> ours = new TreeSet<>();
        for (DeviceSample sample : samples) {
            for (DeviceSample.ProcessUse use : sample.processes()) {
                if (use.type().contains("C")) {
                    ours.add(use.pid() + " on " + sample.device());
                }
            }
        }
        Set<String> theirs = new TreeSet<>();
        for (Map<String, String> row : rows) {
            theirs.add(row.getOrDefault("pid", "") + " on " + row.getOrDefault("gpu_uuid", ""));
        }
        boolean same = ours.equals(theirs);
        return new Finding(
                Area.SMI,
                "compute processes",
                same ? State.PASSED : State.FAILED,
                same
                        ? (ours.isEmpty() ? "none, both" : String.join(", ", ours))
                        : "ours " + ours + ", nvidia-smi " + theirs);
    }
}
