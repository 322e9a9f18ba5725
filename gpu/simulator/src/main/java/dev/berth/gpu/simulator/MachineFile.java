package dev.berth.gpu.simulator;

import java.util.List;

/** The machines that come with the simulator, by the names that {@code --gpus sim:NAME} takes. */
public final class MachineFile {
    /** Names of the machines that are shipped. */
    public static final List<String> SHIPPED =
            List.of("8xH100", "8xA100", "4xL40S", "1xH200", "1xA30");

    private MachineFile() {}
}
