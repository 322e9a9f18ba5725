package dev.berth.gpu.nvml;

import java.util.List;
import java.util.Set;

/** What the agent tells the worker. Indices are NVML's of the last {@link Discover}. */
sealed interface WorkerCommand {
    /**
     * Opens the driver if it is not open, finds every device, and watches their events.
     *
     * @param knownCount how many devices there were when {@code leaveAlone} was made up, 0 when that was not known yet: with another number now, indices may have moved, and none is left alone
     * @param leaveAlone indices of devices that hung: no call is made on them
     */
    record Discover(int knownCount, Set<Integer> leaveAlone) implements WorkerCommand {
        public Discover {
            leaveAlone = Set.copyOf(leaveAlone);
        }

        /** No call is to be made on this one of so many. */
        boolean leavesAlone(int index, int count) {
            return (knownCount == 0 || knownCount == count) && leaveAlone.contains(index);
        }
    }

    /** Reads these devices. */
    record Sample(List<Integer> indices) implements WorkerCommand {
        public Sample {
            indices = List.copyOf(indices);
        }
    }

    /** Reads what tells whether the device is clean. */
    record Verify(int index) implements WorkerCommand {}

    /** Closes the driver and with it every device node. */
    record LetGo() implements WorkerCommand {}

    record Quit() implements WorkerCommand {}
}
