package dev.berth.nvml;

import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;

import java.util.ArrayList;
import java.util.List;

/** A device's handle and what can be asked of it. Two are equal when their handles are. Thread: any, until {@link NvmlLibrary#shutdown}. */
public final class NvmlDevice {
    /** {@link #clockMHz}: nvmlClockType_t. */
    public static final int CLOCK_SM = 1;

    public static final int CLOCK_MEMORY = 2;

    /** {@link #nvLinkRemoteType}: nvmlIntNvLinkDeviceType_t. */
    public static final int REMOTE_GPU = 0;

    public static final int REMOTE_SWITCH = 2;

    /** {@link #fieldValues}: the sum over all links. */
    public static final int SCOPE_ALL = -1;

    private static final int NAME_LENGTH = 96;
    private static final int SERIAL_LENGTH = 30;
    private static final int VBIOS_LENGTH = 32;

    /** More than any driver lists; a count beyond it is taken for a broken answer. */
    private static final int MOST_PROCESSES = 1 << 16;

    private final NvmlCalls calls;
    private final Pointer handle;

    NvmlDevice(NvmlCalls calls, Pointer handle) {
        this.calls = calls;
        this.handle = handle;
    }

    Pointer handle() {
        return handle;
    }

    /** Memory in bytes; {@code reserved} is the driver's own, which {@code used} does not count; −1 where an old driver does not tell them apart. */
    public record Memory(long total, long reserved, long free, long used) {}

    /** Percent of the last sampling period. */
    public record Utilization(int gpu, int memory) {}

    /** A process that uses the device; {@code memoryBytes} −1 when the driver does not say (MIG, WSL). */
    public record Client(int pid, long memoryBytes, int gpuInstance, int computeInstance) {}

    /** @param value of the integer types; a double's bits are converted */
    public record Field(int id, NvmlReturn returned, long value) {}

    public record Capability(int major, int minor) {}

    /** The two states of a mode that changes with the next reset. */
    public record Mode(boolean current, boolean pending) {}

    public record RemappedRows(
            int correctable, int uncorrectable, boolean pending, boolean failed) {}

    /** How a process uses a device. */
    public enum ClientKind {
        COMPUTE(NvmlSymbol.nvmlDeviceGetComputeRunningProcesses_v3),
        GRAPHICS(NvmlSymbol.nvmlDeviceGetGraphicsRunningProcesses_v3),
        MPS(NvmlSymbol.nvmlDeviceGetMPSComputeRunningProcesses_v3);

        private final NvmlSymbol symbol;

        ClientKind(NvmlSymbol symbol) {
            this.symbol = symbol;
        }
    }

    public String uuid() throws NvmlException {
        return calls.text(NvmlSymbol.nvmlDeviceGetUUID, NAME_LENGTH, handle);
    }

    /** The model. */
    public String name() throws NvmlException {
        return calls.text(NvmlSymbol.nvmlDeviceGetName, NAME_LENGTH, handle);
    }

    public String serial() throws NvmlException {
        return calls.text(NvmlSymbol.nvmlDeviceGetSerial, SERIAL_LENGTH, handle);
    }

    public String vbios() throws NvmlException {
        return calls.text(NvmlSymbol.nvmlDeviceGetVbiosVersion, VBIOS_LENGTH, handle);
    }

    /** Of {@code /dev/nvidiaN}: not the index. */
    public int minor() throws NvmlException {
        return calls.integer(NvmlSymbol.nvmlDeviceGetMinorNumber, handle);
    }

    /** As NVML prints it, with eight digits of domain. */
    public String pciBusId() throws NvmlException {
        NvmlStructs.PciInfo info = new NvmlStructs.PciInfo();
        calls.check(NvmlSymbol.nvmlDeviceGetPciInfo_v3, handle, info);
        return NvmlCalls.text(info.busId);
    }

    /** nvmlDeviceArchitecture_t: 7 Ampere, 8 Ada, 9 Hopper, 10 Blackwell. */
    public int architecture() throws NvmlException {
        return calls.integer(NvmlSymbol.nvmlDeviceGetArchitecture, handle);
    }

    public Capability computeCapability() throws NvmlException {
        IntByReference major = new IntByReference();
        IntByReference minor = new IntByReference();
        calls.check(NvmlSymbol.nvmlDeviceGetCudaComputeCapability, handle, major, minor);
        return new Capability(major.getValue(), minor.getValue());
    }

    /** With version 2 of the call, or 1 where the driver (before 510) has no other. */
    public Memory memory() throws NvmlException {
        NvmlStructs.MemoryV2 two = new NvmlStructs.MemoryV2();
        int code = calls.call(NvmlSymbol.nvmlDeviceGetMemoryInfo_v2, handle, two);
        if (code == NvmlReturn.SUCCESS.code()) {
            return new Memory(two.total, two.reserved, two.free, two.used);
        }
        if (code != NvmlReturn.FUNCTION_NOT_FOUND.code()) {
            throw calls.failure(NvmlSymbol.nvmlDeviceGetMemoryInfo_v2, code);
        }
        NvmlStructs.Memory one = new NvmlStructs.Memory();
        calls.check(NvmlSymbol.nvmlDeviceGetMemoryInfo, handle, one);
        return new Memory(one.total, -1, one.free, one.used);
    }

    public Utilization utilization() throws NvmlException {
        NvmlStructs.Utilization rates = new NvmlStructs.Utilization();
        calls.check(NvmlSymbol.nvmlDeviceGetUtilizationRates, handle, rates);
        return new Utilization(rates.gpu, rates.memory);
    }

    public int temperatureCelsius() throws NvmlException {
        return calls.integer(NvmlSymbol.nvmlDeviceGetTemperature, handle, 0);
    }

    public int powerMilliwatts() throws NvmlException {
        return calls.integer(NvmlSymbol.nvmlDeviceGetPowerUsage, handle);
    }

    public long energyMillijoules() throws NvmlException {
        LongByReference value = new LongByReference();
        calls.check(NvmlSymbol.nvmlDeviceGetTotalEnergyConsumption, handle, value);
        return value.getValue();
    }

    public int clockMHz(int type) throws NvmlException {
        return calls.integer(NvmlSymbol.nvmlDeviceGetClockInfo, handle, type);
    }

    /** Percent. */
    public int encoderUtilization() throws NvmlException {
        return percent(NvmlSymbol.nvmlDeviceGetEncoderUtilization);
    }

    /** Percent. */
    public int decoderUtilization() throws NvmlException {
        return percent(NvmlSymbol.nvmlDeviceGetDecoderUtilization);
    }

    private int percent(NvmlSymbol symbol) throws NvmlException {
        IntByReference value = new IntByReference();
        IntByReference periodUs = new IntByReference();
        calls.check(symbol, handle, value, periodUs);
        return value.getValue();
    }

    /**
     * {@code nvmlDeviceGetFieldValues}: many in one call, each with its own return code.
     *
     * @param scopes of each field: a link's number or {@link #SCOPE_ALL} for those of links, 0 for the others
     */
    public List<Field> fieldValues(int[] ids, int[] scopes) throws NvmlException {
        NvmlStructs.FieldValue first = new NvmlStructs.FieldValue();
        Structure[] values = first.toArray(ids.length);
        for (int i = 0; i < ids.length; i++) {
            NvmlStructs.FieldValue value = (NvmlStructs.FieldValue) values[i];
            value.fieldId = ids[i];
            value.scopeId = scopes[i];
            // A driver that does not know the field need not write this.
            value.nvmlReturn = NvmlReturn.NOT_SUPPORTED.code();
        }
        // JNA writes and reads all of an array that its first element stands for.
        calls.check(NvmlSymbol.nvmlDeviceGetFieldValues, handle, ids.length, first);
        List<Field> fields = new ArrayList<>();
        for (Structure structure : values) {
            NvmlStructs.FieldValue value = (NvmlStructs.FieldValue) structure;
            fields.add(new Field(value.fieldId, NvmlReturn.of(value.nvmlReturn), number(value)));
        }
        return fields;
    }

    /** The union by its type: double, unsigned int, unsigned long (long), signed long long, signed int, unsigned short. */
    private static long number(NvmlStructs.FieldValue field) {
        return switch (field.valueType) {
            case 0 -> (long) Double.longBitsToDouble(field.value);
            case 1 -> field.value & 0xffff_ffffL;
            case 5 -> (int) field.value;
            case 6 -> field.value & 0xffffL;
            default -> field.value;
        };
    }

    /** Host pids, when this process is in the host's pid namespace. */
    public List<Client> processes(ClientKind kind) throws NvmlException {
        int room = 32;
        while (true) {
            IntByReference count = new IntByReference(room);
            NvmlStructs.ProcessInfo first = new NvmlStructs.ProcessInfo();
            Structure[] infos = first.toArray(room);
            int code = calls.call(kind.symbol, handle, count, first);
            if (code == NvmlReturn.INSUFFICIENT_SIZE.code() && room < MOST_PROCESSES) {
                // More may have started since: half as much again.
                room = Math.min(MOST_PROCESSES, Math.max(room * 2, count.getValue() * 3 / 2));
                continue;
            }
            if (code != NvmlReturn.SUCCESS.code()) {
                throw calls.failure(kind.symbol, code);
            }
            List<Client> processes = new ArrayList<>();
            for (int i = 0; i < Math.clamp(count.getValue(), 0, room); i++) {
                NvmlStructs.ProcessInfo info = (NvmlStructs.ProcessInfo) infos[i];
                processes.add(
                        new Client(
                                info.pid,
                                info.usedGpuMemory,
                                info.gpuInstanceId,
                                info.computeInstanceId));
            }
            return processes;
        }
    }

    public Mode migMode() throws NvmlException {
        return mode(NvmlSymbol.nvmlDeviceGetMigMode);
    }

    public Mode eccMode() throws NvmlException {
        return mode(NvmlSymbol.nvmlDeviceGetEccMode);
    }

    private Mode mode(NvmlSymbol symbol) throws NvmlException {
        IntByReference current = new IntByReference();
        IntByReference pending = new IntByReference();
        calls.check(symbol, handle, current, pending);
        return new Mode(current.getValue() != 0, pending.getValue() != 0);
    }

    /** Uncorrected ECC errors since the driver was loaded. */
    public long uncorrectedEccErrors() throws NvmlException {
        LongByReference value = new LongByReference();
        calls.check(NvmlSymbol.nvmlDeviceGetTotalEccErrors, handle, 1, 0, value);
        return value.getValue();
    }

    /** Pages wait for a reset to be retired (before Ampere; later ones remap rows). */
    public boolean retirementPending() throws NvmlException {
        return calls.integer(NvmlSymbol.nvmlDeviceGetRetiredPagesPendingStatus, handle) != 0;
    }

    public RemappedRows remappedRows() throws NvmlException {
        IntByReference correctable = new IntByReference();
        IntByReference uncorrectable = new IntByReference();
        IntByReference pending = new IntByReference();
        IntByReference failed = new IntByReference();
        calls.check(
                NvmlSymbol.nvmlDeviceGetRemappedRows,
                handle,
                correctable,
                uncorrectable,
                pending,
                failed);
        return new RemappedRows(
                correctable.getValue(),
                uncorrectable.getValue(),
                pending.getValue() != 0,
                failed.getValue() != 0);
    }

    /** Uncorrected SRAM errors are beyond what the vendor replaces a board for. */
    public boolean sramThresholdExceeded() throws NvmlException {
        NvmlStructs.EccSramErrorStatus status = new NvmlStructs.EccSramErrorStatus();
        calls.check(NvmlSymbol.nvmlDeviceGetSramEccErrorStatus, handle, status);
        return status.bThresholdExceeded != 0;
    }

    public boolean persistenceMode() throws NvmlException {
        return calls.integer(NvmlSymbol.nvmlDeviceGetPersistenceMode, handle) != 0;
    }

    /** nvmlComputeMode_t: 0 default, 2 prohibited, 3 exclusive process. */
    public int computeMode() throws NvmlException {
        return calls.integer(NvmlSymbol.nvmlDeviceGetComputeMode, handle);
    }

    /** Bits of {@link NvmlEventSet}. */
    public long supportedEvents() throws NvmlException {
        LongByReference value = new LongByReference();
        calls.check(NvmlSymbol.nvmlDeviceGetSupportedEventTypes, handle, value);
        return value.getValue();
    }

    public boolean nvLinkActive(int link) throws NvmlException {
        return calls.integer(NvmlSymbol.nvmlDeviceGetNvLinkState, handle, link) != 0;
    }

    public int nvLinkRemoteType(int link) throws NvmlException {
        return calls.integer(NvmlSymbol.nvmlDeviceGetNvLinkRemoteDeviceType, handle, link);
    }

    public String nvLinkRemoteBusId(int link) throws NvmlException {
        NvmlStructs.PciInfo info = new NvmlStructs.PciInfo();
        calls.check(NvmlSymbol.nvmlDeviceGetNvLinkRemotePciInfo_v2, handle, link, info);
        return NvmlCalls.text(info.busId);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof NvmlDevice that && handle.equals(that.handle);
    }

    @Override
    public int hashCode() {
        return handle.hashCode();
    }
}
