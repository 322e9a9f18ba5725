package dev.berth.gpu.nvml;

import dev.berth.gpu.DeviceMetric;
import dev.berth.gpu.DeviceSample.ProcessUse;
import dev.berth.gpu.nvml.WorkerMessage.Condition;
import dev.berth.gpu.nvml.WorkerMessage.Reading;
import dev.berth.nvml.NvmlDevice;
import dev.berth.nvml.NvmlDevice.ClientKind;
import dev.berth.nvml.NvmlException;
import dev.berth.nvml.NvmlReturn;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Reads one device once. Thread: the worker's queries. */
final class DeviceReader {
    /** NVML fields: nvml.h NVML_FI_DEV_*. */
    private static final int MEMORY_TEMPERATURE = 82;

    private static final int PCIE_REPLAY = 94;
    private static final int NVLINK_TX_KIB = 138;
    private static final int NVLINK_RX_KIB = 139;
    private static final int RECOVERY_ACTION = 230;

    private static final int[] FIELDS = {
        RECOVERY_ACTION, MEMORY_TEMPERATURE, PCIE_REPLAY, NVLINK_TX_KIB, NVLINK_RX_KIB
    };
    private static final int[] SCOPES = {0, 0, 0, NvmlDevice.SCOPE_ALL, NvmlDevice.SCOPE_ALL};

    private static final double MIB = 1 << 20;

    private final Questions questions;
    private final int index;
    private final NvmlDevice device;
    private final Map<DeviceMetric, Double> values = new EnumMap<>(DeviceMetric.class);
    private final Set<Condition> conditions = EnumSet.noneOf(Condition.class);
    private final Map<Integer, ProcessUse> processes = new TreeMap<>();
    private boolean processesKnown;
    private long usedBytes = -1;
    private int computeMode = -1;
    private int recoveryAction = -1;
    private long uncorrectedEcc = -1;

    DeviceReader(Questions questions, int index, NvmlDevice device) {
        this.questions = questions;
        this.index = index;
        this.device = device;
    }

    /** @param forVerification what tells whether the device is clean, instead of its metrics */
    Reading read(boolean forVerification) {
        try {
            readMemory();
            readProcesses();
            if (forVerification) {
                computeMode = ask("compute mode", device::computeMode).orElse(-1);
            } else {
                readMetrics();
            }
            readFields(forVerification);
            readHealth(forVerification);
        } catch (NvmlException e) {
            return Reading.failed(index, e.code(), e.function());
        }
        return new Reading(
                index,
                NvmlReturn.SUCCESS.code(),
                "",
                usedBytes,
                values,
                processesKnown,
                List.copyOf(processes.values()),
                computeMode,
                recoveryAction,
                uncorrectedEcc,
                conditions);
    }

    private <T> Optional<T> ask(String name, Questions.Question<T> question) throws NvmlException {
        return questions.ask(index, name, question);
    }

    /** The first question, which tells whether the device answers at all: any failure but a lasting one is the device's. */
    private void readMemory() throws NvmlException {
        try {
            NvmlDevice.Memory memory = device.memory();
            usedBytes = memory.used();
            values.put(DeviceMetric.FB_USED, memory.used() / MIB);
            values.put(DeviceMetric.FB_FREE, memory.free() / MIB);
        } catch (NvmlException e) {
            if (!e.returned().lasting()) {
                throw e;
            }
        }
    }

    private void readProcesses() throws NvmlException {
        for (ClientKind kind : ClientKind.values()) {
            Optional<List<NvmlDevice.Client>> found =
                    ask("processes " + kind, () -> device.processes(kind));
            processesKnown |= kind == ClientKind.COMPUTE && found.isPresent();
            for (NvmlDevice.Client client : found.orElse(List.of())) {
                String type = kind.name().substring(0, 1);
                long bytes = client.memoryBytes();
                // One that computes and draws is listed twice, each time with all of its memory;
                // nvidia-smi says C+G.
                processes.merge(
                        client.pid(),
                        new ProcessUse(client.pid(), type, bytes),
                        (a, b) ->
                                new ProcessUse(
                                        a.pid(),
                                        a.type() + "+" + b.type(),
                                        Math.max(a.memoryBytes(), b.memoryBytes())));
            }
        }
    }

    private void put(DeviceMetric metric, Questions.Question<? extends Number> question)
            throws NvmlException {
        Optional<? extends Number> value = ask(metric.name(), question);
        value.ifPresent(number -> values.put(metric, number.doubleValue()));
    }

    private void readMetrics() throws NvmlException {
        Optional<NvmlDevice.Utilization> use = ask("utilization", device::utilization);
        use.ifPresent(rates -> {
            values.put(DeviceMetric.GPU_UTIL, (double) rates.gpu());
            values.put(DeviceMetric.MEM_COPY_UTIL, (double) rates.memory());
        });
        put(DeviceMetric.GPU_TEMP, device::temperatureCelsius);
        put(DeviceMetric.POWER_USAGE, () -> device.powerMilliwatts() / 1000.0);
        put(DeviceMetric.TOTAL_ENERGY_CONSUMPTION, device::energyMillijoules);
        put(DeviceMetric.SM_CLOCK, () -> device.clockMHz(NvmlDevice.CLOCK_SM));
        put(DeviceMetric.MEM_CLOCK, () -> device.clockMHz(NvmlDevice.CLOCK_MEMORY));
        put(DeviceMetric.ENC_UTIL, device::encoderUtilization);
        put(DeviceMetric.DEC_UTIL, device::decoderUtilization);
    }

    private void readFields(boolean forVerification) throws NvmlException {
        int[] ids = forVerification ? new int[] {RECOVERY_ACTION} : FIELDS;
        int[] scopes = forVerification ? new int[1] : SCOPES;
        List<NvmlDevice.Field> fields =
                ask("fields", () -> device.fieldValues(ids, scopes)).orElse(List.of());
        long linkKib = 0;
        boolean links = false;
        for (NvmlDevice.Field field : fields) {
            if (field.returned() == NvmlReturn.SUCCESS) {
                double value = field.value();
                switch (field.id()) {
                    case RECOVERY_ACTION -> recoveryAction = (int) field.value();
                    case MEMORY_TEMPERATURE -> values.put(DeviceMetric.MEMORY_TEMP, value);
                    case PCIE_REPLAY -> values.put(DeviceMetric.PCIE_REPLAY_COUNTER, value);
                    default -> {
                        links = true;
                        linkKib += field.value();
                    }
                }
            }
        }
        if (links) {
            // DCGM's unit is MB.
            values.put(DeviceMetric.NVLINK_BANDWIDTH_TOTAL, linkKib / 1024.0);
        }
    }

    private void readHealth(boolean forVerification) throws NvmlException {
        uncorrectedEcc = ask("ECC errors", device::uncorrectedEccErrors).orElse(-1L);
        Optional<NvmlDevice.RemappedRows> rows = ask("remapped rows", device::remappedRows);
        rows.ifPresent(remapped -> {
            set(Condition.REMAP_PENDING, remapped.pending());
            set(Condition.REMAP_FAILED, remapped.failed());
            if (!forVerification) {
                values.put(DeviceMetric.CORRECTABLE_REMAPPED_ROWS, (double) remapped.correctable());
                values.put(
                        DeviceMetric.UNCORRECTABLE_REMAPPED_ROWS,
                        (double) remapped.uncorrectable());
                values.put(DeviceMetric.ROW_REMAP_FAILURE, remapped.failed() ? 1.0 : 0.0);
            }
        });
        if (rows.isEmpty()) {
            set(
                    Condition.RETIREMENT_PENDING,
                    ask("retired pages", device::retirementPending).orElse(false));
        }
        set(
                Condition.SRAM_THRESHOLD,
                ask("SRAM errors", device::sramThresholdExceeded).orElse(false));
        if (forVerification) {
            Optional<NvmlDevice.Mode> ecc = ask("ECC mode", device::eccMode);
            set(
                    Condition.ECC_MODE_PENDING,
                    ecc.map(mode -> mode.current() != mode.pending()).orElse(false));
        }
    }

    private void set(Condition condition, boolean there) {
        if (there) {
            conditions.add(condition);
        }
    }
}
