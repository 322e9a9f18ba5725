package dev.berth.gpu.cdi;

import dev.berth.gpu.DeviceException;
import dev.berth.gpu.cdi.CdiSpec.Device;
import dev.berth.gpu.cdi.CdiSpec.Edits;

import java.util.ArrayList;
import java.util.List;

/** Which version of CDI brought which field. A file that uses one must say that version or a later one: readers of its own version would have missed it. Pure. */
final class CdiVersions {
    private CdiVersions() {}

    private record Use(String version, String what) {}

    /** @throws DeviceException when the file's version is too low, with what it would need it for */
    static void check(String where, CdiSpec spec) throws DeviceException {
        int stated = CdiParser.VERSIONS.indexOf(spec.version());
        for (Use use : uses(spec)) {
            if (CdiParser.VERSIONS.indexOf(use.version()) > stated) {
                throw new DeviceException(
                        where
                                + ": "
                                + use.what()
                                + " needs cdiVersion "
                                + use.version()
                                + " or later, it says "
                                + spec.version());
            }
        }
    }

    private static List<Use> uses(CdiSpec spec) {
        List<Use> uses = new ArrayList<>();
        if (!spec.annotations().isEmpty()) {
            uses.add(new Use("0.6.0", "annotations"));
        }
        if (spec.kind().substring(spec.kind().indexOf('/')).contains(".")) {
            uses.add(new Use("0.6.0", "a dot in the class"));
        }
        add(uses, spec.edits());
        for (Device device : spec.devices()) {
            if (Character.isDigit(device.name().charAt(0))) {
                uses.add(new Use("0.5.0", "a device name that begins with a digit"));
            }
            if (!device.annotations().isEmpty()) {
                uses.add(new Use("0.6.0", "annotations"));
            }
            add(uses, device.edits());
        }
        return uses;
    }

    private static void add(List<Use> uses, Edits edits) {
        if (edits.mounts().stream().anyMatch(mount -> !mount.type().isEmpty())) {
            uses.add(new Use("0.4.0", "a mount's type"));
        }
        if (edits.deviceNodes().stream().anyMatch(node -> !node.hostPath().isEmpty())) {
            uses.add(new Use("0.5.0", "a device node's hostPath"));
        }
        if (edits.intelRdt().isPresent()) {
            boolean newer = edits.intelRdt().get().fromOneOne();
            uses.add(new Use(newer ? "1.1.0" : "0.7.0", "intelRdt"));
        }
        if (!edits.additionalGids().isEmpty()) {
            uses.add(new Use("0.7.0", "additionalGids"));
        }
        if (!edits.netDevices().isEmpty()) {
            uses.add(new Use("1.1.0", "netDevices"));
        }
    }
}
