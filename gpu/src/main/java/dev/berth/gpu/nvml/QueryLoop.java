package dev.berth.gpu.nvml;

import dev.berth.linux.ErrnoException;
import dev.berth.nvml.NvmlDevice;
import dev.berth.nvml.NvmlException;
import dev.berth.nvml.NvmlLibrary;
import dev.berth.nvml.NvmlReturn;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** The worker's first thread: one command at a time, each answered. */
final class QueryLoop {
    /** Answers of {@code nvmlInit_v2} that it may give where the driver is well and has no GPU, such as when all are bound to vfio. Where it is not well the second try fails too. */
    private static final Set<NvmlReturn> WITHOUT_GPUS =
            EnumSet.of(
                    NvmlReturn.NOT_FOUND, NvmlReturn.GPU_NOT_FOUND, NvmlReturn.DRIVER_NOT_LOADED);

    private final Path path;
    private final WorkerSocket socket;
    private final CallClock clock;
    private final EventWatch events;
    private final Questions questions = new Questions();
    private final Map<Integer, NvmlDevice> devices = new TreeMap<>();
    private Optional<NvmlLibrary> loaded = Optional.empty();
    private boolean open;

    QueryLoop(Path path, WorkerSocket socket, CallClock clock, EventWatch events) {
        this.path = path;
        this.socket = socket;
        this.clock = clock;
        this.events = events;
    }

    /** Until the agent says so or is gone. */
    void run() throws ErrnoException, PacketException, InterruptedException {
        while (true) {
            Optional<WorkerCommand> command = socket.receive();
            if (command.isEmpty()) {
                return;
            }
            try {
                switch (command.get()) {
                    case WorkerCommand.Discover discover -> discover(discover);
                    case WorkerCommand.Sample sample -> {
                        for (int index : sample.indices()) {
                            read(index, false);
                        }
                        socket.send(new WorkerMessage.SampleEnd());
                    }
                    case WorkerCommand.Verify verify -> read(verify.index(), true);
                    case WorkerCommand.LetGo() -> {
                        letGo();
                        socket.send(new WorkerMessage.HasLetGo());
                    }
                    case WorkerCommand.Quit() -> {
                        return;
                    }
                }
            } catch (NvmlException e) {
                String words = loaded.flatMap(l -> l.errorString(e.code())).orElse(e.getMessage());
                String said = e.returned() == NvmlReturn.LIBRARY_NOT_FOUND ? e.getMessage() : words;
                socket.send(new WorkerMessage.Failed(e.code(), e.function(), String.valueOf(said)));
            }
        }
    }

    private NvmlLibrary library() throws NvmlException {
        if (loaded.isEmpty()) {
            loaded = Optional.of(NvmlLibrary.load(path, clock));
        }
        return loaded.get();
    }

    private void discover(WorkerCommand.Discover command)
            throws NvmlException, ErrnoException, PacketException, InterruptedException {
        NvmlLibrary library = library();
        clock.about(-1);
        if (!open) {
            open(library);
            open = true;
        }
        DeviceSearch search = new DeviceSearch(library, clock, questions);
        WorkerMessage.Inventory inventory = search.run(command);
        devices.clear();
        devices.putAll(search.found());
        events.watch(library, devices);
        socket.send(inventory);
    }

    private static void open(NvmlLibrary library) throws NvmlException {
        try {
            library.init();
        } catch (NvmlException e) {
            if (!WITHOUT_GPUS.contains(e.returned())) {
                throw e;
            }
            try {
                library.init(NvmlLibrary.INIT_FLAG_NO_GPUS);
            } catch (NvmlException second) {
                e.addSuppressed(second);
                throw e;
            }
        }
    }

    private void read(int index, boolean forVerification) throws ErrnoException, PacketException {
        NvmlDevice device = devices.get(index);
        if (device == null) {
            int code = NvmlReturn.GPU_NOT_FOUND.code();
            socket.send(WorkerMessage.Reading.failed(index, code, "the worker's own list"));
            return;
        }
        clock.about(index);
        socket.send(new DeviceReader(questions, index, device).read(forVerification));
        clock.about(-1);
    }

    private void letGo() throws NvmlException, InterruptedException {
        events.letGo();
        devices.clear();
        clock.about(-1);
        if (open) {
            library().shutdown();
            open = false;
        }
    }
}
