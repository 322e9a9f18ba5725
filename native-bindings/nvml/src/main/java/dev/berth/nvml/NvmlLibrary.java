package dev.berth.nvml;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * A loaded {@code libnvidia-ml.so.1}. Between {@link #init} and {@link #shutdown} it holds the devices' nodes open.
 *
 * <p>Thread: any. Source: NVML API reference.
 */
public final class NvmlLibrary implements AutoCloseable {
    /** {@link #init(int)}: do not fail where there is no GPU. */
    public static final int INIT_FLAG_NO_GPUS = 1;

    private static final int VERSION_LENGTH = 80;

    private final NvmlCalls calls;

    private NvmlLibrary(NvmlCalls calls) {
        this.calls = calls;
    }

    /**
     * Loads it.
     *
     * @throws NvmlException {@link NvmlReturn#LIBRARY_NOT_FOUND} with the loader's words
     */
    public static NvmlLibrary load(Path path) throws NvmlException {
        return load(path, NvmlCallObserver.NONE);
    }

    /** The same; the observer is told around every call. */
    public static NvmlLibrary load(Path path, NvmlCallObserver observer) throws NvmlException {
        return new NvmlLibrary(NvmlCalls.load(path, observer));
    }

    /** {@code nvmlInit_v2}: opens the driver and every device. */
    public void init() throws NvmlException {
        calls.check(NvmlSymbol.nvmlInit_v2);
    }

    /** {@code nvmlInitWithFlags}. */
    public void init(int flags) throws NvmlException {
        calls.check(NvmlSymbol.nvmlInitWithFlags, flags);
    }

    /** {@code nvmlShutdown}: closes what {@link #init} opened; all handles end. */
    public void shutdown() throws NvmlException {
        calls.check(NvmlSymbol.nvmlShutdown);
    }

    /** Unloads the library. {@link #shutdown} first. */
    @Override
    public void close() {
        calls.close();
    }

    /** The library's own words for a return code, in English. */
    public Optional<String> errorString(int code) {
        return calls.words(code);
    }

    /** Such as {@code 580.65.06}. */
    public String driverVersion() throws NvmlException {
        return calls.text(NvmlSymbol.nvmlSystemGetDriverVersion, VERSION_LENGTH);
    }

    /** The library's, such as {@code 13.580.65.06}. */
    public String nvmlVersion() throws NvmlException {
        return calls.text(NvmlSymbol.nvmlSystemGetNVMLVersion, VERSION_LENGTH);
    }

    /** The highest CUDA version that the driver serves, such as {@code 13.0}. */
    public String cudaVersion() throws NvmlException {
        int value = calls.integer(NvmlSymbol.nvmlSystemGetCudaDriverVersion_v2);
        return value / 1000 + "." + value % 1000 / 10;
    }

    public int deviceCount() throws NvmlException {
        return calls.integer(NvmlSymbol.nvmlDeviceGetCount_v2);
    }

    /** @param index from 0; the order is the driver's and may differ after a boot */
    public NvmlDevice deviceByIndex(int index) throws NvmlException {
        PointerByReference handle = new PointerByReference();
        calls.check(NvmlSymbol.nvmlDeviceGetHandleByIndex_v2, index, handle);
        return new NvmlDevice(calls, handle.getValue());
    }

    public NvmlDevice deviceByUuid(String uuid) throws NvmlException {
        return deviceByName(NvmlSymbol.nvmlDeviceGetHandleByUUID, uuid);
    }

    public NvmlDevice deviceByPciBusId(String busId) throws NvmlException {
        return deviceByName(NvmlSymbol.nvmlDeviceGetHandleByPciBusId_v2, busId);
    }

    private NvmlDevice deviceByName(NvmlSymbol symbol, String name) throws NvmlException {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        PointerByReference handle = new PointerByReference();
        calls.check(symbol, Arrays.copyOf(bytes, bytes.length + 1), handle);
        return new NvmlDevice(calls, handle.getValue());
    }

    /** {@code nvmlEventSetCreate}: an empty set, to be closed before {@link #shutdown}. */
    public NvmlEventSet events() throws NvmlException {
        PointerByReference set = new PointerByReference();
        calls.check(NvmlSymbol.nvmlEventSetCreate, set);
        return new NvmlEventSet(calls, set.getValue());
    }

    /** How near two devices are: nvmlGpuTopologyLevel_t. */
    public int commonAncestor(NvmlDevice one, NvmlDevice other) throws NvmlException {
        IntByReference level = new IntByReference();
        Pointer first = one.handle();
        calls.check(NvmlSymbol.nvmlDeviceGetTopologyCommonAncestor, first, other.handle(), level);
        return level.getValue();
    }
}
