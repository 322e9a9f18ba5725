package dev.berth.gpu.nvml;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/** The worker's process: {@code WorkerMain LIBRARY EVENT_WAIT_MS}, with the descriptors that the package's description lists. Its main thread asks, a second one waits for events. */
public final class WorkerMain {
    private static final Fd CLOCK = Fd.borrowed(4);

    private WorkerMain() {}

    @SuppressWarnings("SystemOut") // descriptor 2 is the log
    public static void main(String[] arguments) {
        if (arguments.length != 2) {
            System.err.println("WorkerMain is started by the agent: LIBRARY EVENT_WAIT_MS");
            Runtime.getRuntime().halt(2);
        }
        int status = 1;
        try {
            run(Path.of(arguments[0]), Duration.ofMillis(Long.parseLong(arguments[1])));
            status = 0;
        } catch (PacketException | ErrnoException | IOException | InterruptedException e) {
            System.err.println(Instant.now() + " gpu-worker: " + e);
        } catch (RuntimeException e) {
            System.err.println(Instant.now() + " gpu-worker: a fault of ours: " + e);
            e.printStackTrace();
        }
        // Not exit: nothing is to be run at the end, and a thread may be in a call that does not
        // return.
        Runtime.getRuntime().halt(status);
    }

    private static void run(Path library, Duration eventWait)
            throws PacketException, ErrnoException, IOException, InterruptedException {
        Linux linux = Linux.host();
        CallClock clock = CallClock.mapped(CLOCK, Thread.currentThread());
        WorkerSocket socket = new WorkerSocket(linux);
        EventWatch events = new EventWatch(socket, clock, (int) eventWait.toMillis());
        Thread thread = new Thread(events, "events");
        thread.setDaemon(true);
        thread.start();
        socket.send(new WorkerMessage.Hello(linux.processes().getpid()));
        new QueryLoop(library, socket, clock, events).run();
    }
}
