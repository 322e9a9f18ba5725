package dev.berth.agent.device;

import dev.berth.agent.config.AgentLog;
import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.driver.DriverView;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.linux.Linux;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What holders of NVIDIA GPUs get of the host's driver.
 *
 * @param scratch a directory of ours on exec-root's tmpfs
 * @param simulatorState the state of simulated GPUs, which a container has to reach like a real one's registers
 */
record NvidiaEdits(
        Linux linux, Path hostRoot, Path driverRoot, Path scratch, Optional<Path> simulatorState)
        implements EditsSource.Maker {
    private static final String STATE = "/run/berth-simulator.state";

    @Override
    public EditsSource open(DeviceTable table) throws DeviceException {
        DriverView view = DriverView.open(linux, hostRoot, driverRoot, scratch);
        view.warnings()
                .forEach(warning -> AgentLog.warn("driver " + view.version() + ": " + warning));
        ContainerEdits state = simulatorState.map(NvidiaEdits::state).orElse(ContainerEdits.NONE);
        return new EditsSource() {
            @Override
            public ContainerEdits edits(
                    DeviceTable now, DeviceGrant grant, Set<String> capabilities)
                    throws DeviceException {
                ContainerEdits edits = view.edits(now, grant, capabilities);
                // A simulator has no driver whose files could be missed.
                return simulatorState.isEmpty()
                        ? edits
                        : Edits.together(List.of(edits.withoutWarnings(), state));
            }

            @Override
            public void close() {
                view.close();
            }
        };
    }

    private static ContainerEdits state(Path file) {
        MountSpec bind =
                new MountSpec.Bind(
                        file.toString(), STATE, false, false, false, "rprivate", true, true, true);
        return new ContainerEdits(
                List.of("BERTH_SIMULATOR_STATE=" + STATE),
                List.of(),
                List.of(bind),
                List.of(),
                List.of(),
                List.of());
    }
}
