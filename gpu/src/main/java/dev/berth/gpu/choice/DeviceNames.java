package dev.berth.gpu.choice;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.PciAddress;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Finds a device by what people call it: its id, its index, its PCI address in any form, or the beginning of its id where only one begins so. Tried in this order. */
public final class DeviceNames {
    private DeviceNames() {}

    /**
     * Its position in the table.
     *
     * @throws DeviceException when no device or more than one is called so; the message lists what there is
     */
    public static int position(DeviceTable table, String name) throws DeviceException {
        List<Device> devices = table.devices();
        for (int i = 0; i < devices.size(); i++) {
            if (devices.get(i).id().value().equals(name)) {
                return i;
            }
        }
        Optional<PciAddress> address = PciAddress.parse(name);
        for (int i = 0; i < devices.size(); i++) {
            Device device = devices.get(i);
            if (Integer.toString(device.index()).equals(name)
                    || (address.isPresent() && device.pci().equals(address))) {
                return i;
            }
        }
        int found = -1;
        for (int i = 0; i < devices.size(); i++) {
            if (!name.isEmpty() && devices.get(i).id().value().startsWith(name)) {
                if (found >= 0) {
                    throw new DeviceException(
                            "'"
                                    + name
                                    + "' is the beginning of more than one device: "
                                    + described(devices.get(found))
                                    + " and "
                                    + described(devices.get(i))
                                    + ": give more of it");
                }
                found = i;
            }
        }
        if (found < 0) {
            throw new DeviceException("no device '" + name + "'" + known(devices, table));
        }
        return found;
    }

    /**
     * The positions of all of {@code names} as a mask; two names of one device are one device.
     *
     * @throws DeviceException as {@link #position}, and when there are no names
     */
    public static long mask(DeviceTable table, List<String> names) throws DeviceException {
        if (names.isEmpty()) {
            throw new DeviceException("no device named: give ids, indices or PCI addresses");
        }
        long mask = 0;
        for (String name : names) {
            mask |= 1L << position(table, name);
        }
        return mask;
    }

    private static String known(List<Device> devices, DeviceTable table) {
        return devices.isEmpty()
                ? ": this node has no " + table.resourceName()
                : ": there are "
                        + devices.stream()
                                .map(DeviceNames::described)
                                .collect(Collectors.joining(", "));
    }

    /** Its id with its index, as messages name a device. */
    public static String described(Device device) {
        return device.id() + " (index " + device.index() + ")";
    }
}
