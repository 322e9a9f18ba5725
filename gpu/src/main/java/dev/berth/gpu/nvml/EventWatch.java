package dev.berth.gpu.nvml;

import dev.berth.linux.ErrnoException;
import dev.berth.nvml.NvmlDevice;
import dev.berth.nvml.NvmlEventSet;
import dev.berth.nvml.NvmlException;
import dev.berth.nvml.NvmlLibrary;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The worker's second thread: waits for events of the devices that the first one found, and ends the process when the agent is gone. */
final class EventWatch implements Runnable {
    /** What is registered where the device supports it; the rest is noise or counted elsewhere. */
    static final long WANTED =
            NvmlEventSet.XID
                    | NvmlEventSet.DOUBLE_BIT_ECC
                    | NvmlEventSet.DRAM_RETIREMENT
                    | NvmlEventSet.DRAM_RETIREMENT_FAILURE
                    | NvmlEventSet.FATAL_POISON
                    | NvmlEventSet.GPU_UNAVAILABLE
                    | NvmlEventSet.RECOVERY_ACTION
                    | NvmlEventSet.MIG_CONFIG_CHANGE;

    private static final long REST_AFTER_FAILURE_MS = 1000;

    /** One stretch of watching; ends when it is asked to. */
    private record Turn(
            NvmlLibrary library,
            Map<Integer, NvmlDevice> devices,
            CountDownLatch stop,
            CountDownLatch ended) {
        boolean stopping() {
            return stop.getCount() == 0;
        }
    }

    private final WorkerSocket socket;
    private final CallClock clock;
    private final int waitMs;
    private final LinkedBlockingQueue<Turn> turns = new LinkedBlockingQueue<>();
    private Optional<Turn> current = Optional.empty();

    EventWatch(WorkerSocket socket, CallClock clock, int waitMs) {
        this.socket = socket;
        this.clock = clock;
        this.waitMs = waitMs;
    }

    /** Watches these from now on. Thread: queries. */
    void watch(NvmlLibrary library, Map<Integer, NvmlDevice> devices) throws InterruptedException {
        letGo();
        Turn turn =
                new Turn(
                        library, Map.copyOf(devices), new CountDownLatch(1), new CountDownLatch(1));
        current = Optional.of(turn);
        turns.add(turn);
    }

    /** Returns when no call is under way and the event set is freed, so that the library may be shut down. Thread: queries. */
    void letGo() throws InterruptedException {
        if (current.isPresent()) {
            Turn turn = current.get();
            turn.stop.countDown();
            turn.ended.await();
            current = Optional.empty();
        }
    }

    @Override
    @SuppressWarnings("SystemOut") // descriptor 2 is the log
    public void run() {
        try {
            while (true) {
                endWithAgent();
                Turn turn = turns.poll(waitMs, TimeUnit.MILLISECONDS);
                if (turn != null) {
                    try {
                        watch(turn);
                    } finally {
                        turn.ended.countDown();
                    }
                }
            }
        } catch (ErrnoException | PacketException | InterruptedException | RuntimeException e) {
            System.err.println("gpu-worker: the event thread ends: " + e);
            Runtime.getRuntime().halt(1);
        }
    }

    private void endWithAgent() throws ErrnoException {
        if (socket.hungUp()) {
            Runtime.getRuntime().halt(0);
        }
    }

    private void watch(Turn turn) throws ErrnoException, PacketException, InterruptedException {
        while (!turn.stopping()) {
            endWithAgent();
            clock.about(-1);
            try (NvmlEventSet set = turn.library.events()) {
                if (register(turn, set) == 0) {
                    rest(turn);
                    return;
                }
                while (!turn.stopping()) {
                    endWithAgent();
                    Optional<NvmlEventSet.Event> event = set.await(waitMs);
                    if (event.isPresent()) {
                        tell(turn, event.get());
                    }
                }
            } catch (NvmlException e) {
                if (turn.stopping()) {
                    return;
                }
                socket.send(new WorkerMessage.EventsFailed(e.code(), e.function()));
                if (e.returned().lasting()) {
                    rest(turn);
                    return;
                }
                turn.stop.await(REST_AFTER_FAILURE_MS, TimeUnit.MILLISECONDS);
            }
        }
    }

    /** Nothing to wait for: until the turn ends or the agent is gone. */
    private void rest(Turn turn) throws ErrnoException, InterruptedException {
        while (!turn.stop.await(waitMs, TimeUnit.MILLISECONDS)) {
            endWithAgent();
        }
    }

    /** How many devices are watched. One that cannot be (it is lost, or too old) does not keep the others from it. */
    private int register(Turn turn, NvmlEventSet set) throws ErrnoException, PacketException {
        int watched = 0;
        for (Map.Entry<Integer, NvmlDevice> entry : turn.devices.entrySet()) {
            clock.about(entry.getKey());
            try {
                long types = entry.getValue().supportedEvents() & WANTED;
                if (types != 0) {
                    set.register(entry.getValue(), types);
                    watched++;
                }
            } catch (NvmlException e) {
                if (!e.returned().lasting()) {
                    socket.send(new WorkerMessage.EventsFailed(e.code(), e.function()));
                }
            }
        }
        clock.about(-1);
        return watched;
    }

    private void tell(Turn turn, NvmlEventSet.Event event) throws ErrnoException, PacketException {
        for (Map.Entry<Integer, NvmlDevice> entry : turn.devices.entrySet()) {
            if (entry.getValue().equals(event.device())) {
                socket.send(
                        new WorkerMessage.Noticed(
                                entry.getKey(),
                                event.type(),
                                event.data(),
                                event.gpuInstance(),
                                event.computeInstance()));
            }
        }
    }
}
