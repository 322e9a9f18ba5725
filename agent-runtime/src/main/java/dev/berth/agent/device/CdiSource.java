package dev.berth.agent.device;

import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceException;

import java.util.List;

/** Devices that CDI files describe and that are nobody's alone. */
@FunctionalInterface
public interface CdiSource {
    /**
     * What these devices add to a container. Conductor.
     *
     * @param names full names, {@code vendor/class=device}
     * @throws DeviceException when one of them is in no file; the message lists what there is
     */
    ContainerEdits edits(List<String> names, int uid, int gid) throws DeviceException;

    /** Reads the files that have changed. File lane. */
    default void refresh() throws DeviceException {}

    /** Full names of all devices. Any thread. */
    default List<String> devices() {
        return List.of();
    }

    CdiSource NONE =
            (names, _, _) -> {
                throw new DeviceException(
                        "CDI device injection failed: unresolvable CDI devices "
                                + String.join(", ", names)
                                + ": this agent reads no CDI files (see --cdi-spec-dir)");
            };
}
