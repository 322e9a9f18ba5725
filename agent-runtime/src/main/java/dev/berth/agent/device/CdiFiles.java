package dev.berth.agent.device;

import dev.berth.agent.config.AgentLog;
import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.cdi.CdiRegistry;

import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Devices of CDI files: read once at the start and looked at again every second, by a thread of its own, since files may be large and directories slow. The conductor sees what was read last.
 *
 * <p>Thread: {@link #edits} conductor.
 */
final class CdiFiles implements CdiSource, AutoCloseable {
    private static final long PERIOD_NS = 1_000_000_000L;
    private static final long PATIENCE_MS = 2000;

    private final CdiRegistry registry;
    private final Thread reader;
    private volatile boolean closed;
    private String told = "";

    private CdiFiles(CdiRegistry registry) {
        this.registry = registry;
        this.reader = Thread.ofPlatform().name("berth-cdi").daemon().unstarted(this::read);
    }

    /** Reads the files and goes on looking. */
    static CdiFiles open(CdiRegistry registry) {
        CdiFiles files = new CdiFiles(registry);
        files.refresh();
        files.reader.start();
        return files;
    }

    private void read() {
        while (!closed) {
            LockSupport.parkNanos(this, PERIOD_NS);
            if (!closed) {
                refresh();
            }
        }
    }

    /** Whatever is wrong is said once. */
    private void refresh() {
        String problem = "";
        try {
            if (!registry.refresh()) {
                return;
            }
            problem = String.join("; ", registry.problems());
        } catch (DeviceException e) {
            problem = e.getMessage() + ": " + e.getCause();
        }
        if (!problem.isEmpty() && !problem.equals(told)) {
            AgentLog.warn("CDI: " + problem);
        }
        told = problem;
    }

    @Override
    public ContainerEdits edits(List<String> names) throws DeviceException {
        return registry.resolve(names, 0, 0);
    }

    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(reader);
        try {
            reader.join(PATIENCE_MS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
