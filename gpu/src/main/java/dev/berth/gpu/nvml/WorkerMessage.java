package dev.berth.gpu.nvml;

import dev.berth.gpu.DeviceMetric;
import dev.berth.gpu.DeviceSample.ProcessUse;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the worker tells the agent. */
sealed interface WorkerMessage {
    /** The worker is there. */
    record Hello(int pid) implements WorkerMessage {}

    /**
     * Every device that answered.
     *
     * @param count as the driver says, with those that did not answer and those that were left alone
     * @param near of each device to each other one, in the order of {@code gpus}, row by row
     */
    record Inventory(
            String driver,
            String nvml,
            String cuda,
            int count,
            List<Gpu> gpus,
            List<Unanswered> unanswered,
            List<Near> near)
            implements WorkerMessage {
        public Inventory {
            gpus = List.copyOf(gpus);
            unanswered = List.copyOf(unanswered);
            near = List.copyOf(near);
            if (near.size() != gpus.size() * gpus.size()) {
                throw new IllegalArgumentException(
                        near.size() + " pairs of " + gpus.size() + " devices");
            }
        }
    }

    /**
     * One device.
     *
     * @param minor −1 when the driver does not say
     * @param busId as NVML prints it; empty when unknown
     * @param idleUsedBytes memory in use while no process used the device; −1 when one did or it is unknown
     */
    record Gpu(
            int index,
            String uuid,
            String name,
            int minor,
            String busId,
            long memoryBytes,
            long idleUsedBytes,
            Map<String, String> attributes) {
        public Gpu {
            attributes = Map.copyOf(attributes);
        }
    }

    /** A device whose handle or identity could not be had. */
    record Unanswered(int index, int code, String function) {}

    /** @param ancestor nvmlGpuTopologyLevel_t */
    record Near(int ancestor, int nvLinks) {}

    /** Standing conditions of a device that are there or not. */
    enum Condition {
        REMAP_PENDING,
        REMAP_FAILED,
        RETIREMENT_PENDING,
        ECC_MODE_PENDING,
        SRAM_THRESHOLD
    }

    /**
     * What was read of one device.
     *
     * @param code 0, or why it could not be read: {@code function} says where, and the rest is empty
     * @param usedBytes −1 when unknown
     * @param processesKnown the driver listed the processes
     * @param computeMode −1 when unknown
     * @param recoveryAction −1 when unknown
     * @param uncorrectedEcc −1 when unknown
     */
    record Reading(
            int index,
            int code,
            String function,
            long usedBytes,
            Map<DeviceMetric, Double> values,
            boolean processesKnown,
            List<ProcessUse> processes,
            int computeMode,
            int recoveryAction,
            long uncorrectedEcc,
            Set<Condition> conditions)
            implements WorkerMessage {
        public Reading {
            values = Map.copyOf(values);
            processes = List.copyOf(processes);
            conditions = Set.copyOf(conditions);
        }

        static Reading failed(int index, int code, String function) {
            return new Reading(
                    index,
                    code,
                    function,
                    -1,
                    Map.of(),
                    false,
                    List.of(),
                    -1,
                    -1,
                    -1,
                    EnumSet.noneOf(Condition.class));
        }

        boolean answered() {
            return code == 0;
        }
    }

    record SampleEnd() implements WorkerMessage {}

    record HasLetGo() implements WorkerMessage {}

    /** An event of NVML's. */
    record Noticed(int index, long type, long data, int gpuInstance, int computeInstance)
            implements WorkerMessage {}

    /** Waiting for events failed; it is tried again. */
    record EventsFailed(int code, String function) implements WorkerMessage {}

    /** The last command could not be carried out. */
    record Failed(int code, String function, String words) implements WorkerMessage {}
}
