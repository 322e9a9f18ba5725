package dev.berth.gpu.nvml;

import dev.berth.gpu.nvml.WorkerMessage.Gpu;
import dev.berth.gpu.nvml.WorkerMessage.Inventory;
import dev.berth.gpu.nvml.WorkerMessage.Near;
import dev.berth.gpu.nvml.WorkerMessage.Reading;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Workers that answer at once, or do not, as a test says; on a clock that a test moves. */
final class FakeWorkers implements Worker.Starter {
    final List<FakeWorker> started = new ArrayList<>();
    int devices = 2;
    long nowNs = 1_000_000_000;
    boolean unkillable;
    boolean hangInInit;

    /** Index of a device whose calls do not return; −1 for none. */
    int hangs = -1;

    /** Indices of devices that are lost. */
    Set<Integer> lost = Set.of();

    Optional<WorkerMessage.Failed> discoveryFails = Optional.empty();

    void pass(Duration time) {
        nowNs += time.toNanos();
    }

    FakeWorker last() {
        return started.getLast();
    }

    @Override
    public Worker start() {
        FakeWorker worker = new FakeWorker(started.size());
        started.add(worker);
        return worker;
    }

    Inventory inventory(Set<Integer> without) {
        List<Gpu> gpus =
                IntStream.range(0, devices)
                        .filter(index -> !without.contains(index))
                        .mapToObj(index ->
                                new Gpu(
                                        index,
                                        "GPU-" + index,
                                        "Fake",
                                        index,
                                        "00000000:0" + index + ":00.0",
                                        1L << 34,
                                        1L << 20,
                                        Map.of()))
                        .toList();
        List<Near> near = Collections.nCopies(gpus.size() * gpus.size(), new Near(40, 4));
        return new Inventory("580", "13", "13.0", devices, gpus, List.of(), near);
    }

    /** One of them. */
    final class FakeWorker implements Worker {
        final List<WorkerCommand> commands = new ArrayList<>();
        final ArrayDeque<WorkerMessage> messages = new ArrayDeque<>();
        private final int number;
        boolean killed;
        boolean closed;
        Optional<String> end = Optional.empty();
        private long sequence;
        private Optional<CallClock.View> hanging = Optional.empty();

        FakeWorker(int number) {
            this.number = number;
            messages.add(new WorkerMessage.Hello(number));
        }

        private boolean call(int index, String symbol) {
            sequence += 2;
            if (index == hangs || (hangInInit && symbol.startsWith("nvmlInit"))) {
                hanging = Optional.of(new CallClock.View(sequence, nowNs, index, symbol));
            }
            return hanging.isPresent();
        }

        @Override
        public void send(WorkerCommand command) throws PacketException {
            commands.add(WorkerCodec.decodeCommand(WorkerCodec.encode(command)));
            switch (command) {
                case WorkerCommand.Discover discover -> discover(discover);
                case WorkerCommand.Sample(List<Integer> indices) -> {
                    for (int index : indices) {
                        if (!read(index)) {
                            return;
                        }
                    }
                    messages.add(new WorkerMessage.SampleEnd());
                }
                case WorkerCommand.Verify(int index) -> read(index);
                case WorkerCommand.LetGo() -> messages.add(new WorkerMessage.HasLetGo());
                case WorkerCommand.Quit() -> end = Optional.of("exit code 0");
            }
        }

        private void discover(WorkerCommand.Discover discover) {
            if (call(-2, "nvmlInit_v2")) {
                return;
            }
            if (discoveryFails.isPresent()) {
                messages.add(discoveryFails.get());
                return;
            }
            for (int index = 0; index < devices; index++) {
                if (!discover.leavesAlone(index, devices) && call(index, "nvmlDeviceGetName")) {
                    return;
                }
            }
            Set<Integer> without =
                    IntStream.range(0, devices)
                            .filter(index -> discover.leavesAlone(index, devices))
                            .boxed()
                            .collect(Collectors.toSet());
            messages.add(inventory(without));
        }

        private boolean read(int index) {
            if (call(index, "nvmlDeviceGetMemoryInfo_v2")) {
                return false;
            }
            messages.add(
                    lost.contains(index)
                            ? Reading.failed(index, 15, "nvmlDeviceGetMemoryInfo_v2")
                            : new Reading(
                                    index, 0, "", 1L << 20, Map.of(), true, List.of(), 0, 0, 0,
                                    Set.of()));
            return true;
        }

        @Override
        public Optional<WorkerMessage> receive() {
            return Optional.ofNullable(messages.poll());
        }

        @Override
        public Optional<String> ended() {
            return end;
        }

        @Override
        public CallClock.View[] calls() {
            CallClock.View idle = new CallClock.View(sequence, 0, -1, "");
            return new CallClock.View[] {hanging.orElse(idle), CallClock.View.IDLE};
        }

        @Override
        public boolean kill(Duration grace) {
            killed = true;
            return !unkillable;
        }

        @Override
        public String name() {
            return "gpu-worker " + number;
        }

        @Override
        public void close() {
            closed = true;
        }
    }
}
