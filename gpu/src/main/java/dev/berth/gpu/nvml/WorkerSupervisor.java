package dev.berth.gpu.nvml;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceMetric;
import dev.berth.gpu.DeviceSample;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.HealthSignal.Kind;
import dev.berth.gpu.PciAddress;
import dev.berth.gpu.nvml.WorkerMessage.Inventory;
import dev.berth.gpu.nvml.WorkerMessage.Reading;
import dev.berth.gpu.proc.HostFiles;
import dev.berth.linux.ErrnoException;
import dev.berth.nvml.NvmlEventSet;
import dev.berth.nvml.NvmlReturn;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Decides what the worker does next, and what becomes of one that does not answer. One command at a time is with the worker; a device that hung is left alone, so that the others go on, and asked again after a rest.
 *
 * <p>Thread: the lane. Only {@link Worker#kill} and {@link ResetTool} block, both with a deadline.
 */
final class WorkerSupervisor {
    private static final int MOST_MESSAGES = 1024;
    private static final long LOOK_EVERY_NS = Duration.ofSeconds(1).toNanos();

    /** Runs a reset. */
    interface ResetTool {
        /** Why it did not work; empty when it did. */
        Optional<String> reset(PciAddress address);
    }

    private sealed interface Request {
        long askedNs();

        record Verify(DeviceId id, long askedNs) implements Request {}

        record Reset(DeviceId id, long askedNs) implements Request {}
    }

    private final NvmlSettings.Deadlines deadlines;
    private final ResetTool resetTool;
    private final HostFiles host;
    private final LongSupplier clock;
    private final LongSupplier realtimeNs;
    private final Consumer<DeviceEvent> out;
    private final HealthWatch health;
    private final CleanCheck clean;
    private final WorkerLives lives;
    private final HungDevices hung;
    private final CallWatch calls;
    private final SourceState source;
    private final ArrayDeque<Request> waiting = new ArrayDeque<>();
    private Doing doing = new Doing.Nothing();
    private Optional<DeviceTable> table = Optional.empty();
    private boolean mismatchSaid;
    private boolean discoverAsked;
    private boolean sampleAsked;
    private boolean lookAsked;
    private long lookNotBeforeNs;

    /** @param clock on {@link System#nanoTime}'s scale */
    WorkerSupervisor(
            NvmlSettings settings,
            Worker.Starter starter,
            ResetTool resetTool,
            LongSupplier clock,
            LongSupplier realtimeNs,
            Consumer<DeviceEvent> out) {
        this.deadlines = settings.deadlines();
        this.resetTool = resetTool;
        host = new HostFiles(settings.hostRoot());
        this.clock = clock;
        this.realtimeNs = realtimeNs;
        this.out = out;
        this.health = new HealthWatch(realtimeNs, s -> out.accept(new DeviceEvent.Signalled(s)));
        this.clean = new CleanCheck(settings.memoryEpsilonBytes(), settings.mostBaselineBytes());
        this.lives = new WorkerLives(deadlines, starter, clock);
        this.hung = new HungDevices(deadlines);
        this.calls = new CallWatch(deadlines, clock);
        this.lookNotBeforeNs = clock.getAsLong();
        this.source = new SourceState(clock, out);
    }

    void verify(DeviceId id) {
        waiting.add(new Request.Verify(id, clock.getAsLong()));
    }

    void reset(DeviceId id) {
        waiting.add(new Request.Reset(id, clock.getAsLong()));
    }

    void sample() {
        sampleAsked = true;
    }

    Optional<Worker> worker() {
        return lives.worker();
    }

    void close() {
        lives.close();
    }

    /** Does what is due. */
    void step() {
        lives.reap();
        if (lives.worker().isPresent()) {
            try {
                talk(lives.worker().get());
            } catch (ErrnoException | PacketException e) {
                lose(String.valueOf(e.getMessage()));
            }
        }
        if (lives.worker().isEmpty() && lives.due()) {
            start();
        }
        expire();
        boolean begun = true;
        while (begun && lives.worker().isPresent() && !doing.busy()) {
            begun = begin(lives.worker().get());
        }
    }

    /** When {@link #step} has something to do though nothing came, on the clock's scale. */
    long wakeAtNs() {
        long at = Long.MAX_VALUE;
        long now = clock.getAsLong();
        if (lives.worker().isEmpty()) {
            at = lives.dueAtNs();
        } else {
            at = earlier(at, calls.nextCheckNs(), now);
            if (lookAsked && !doing.busy()) {
                at = earlier(at, lookNotBeforeNs, now);
            }
            if (!doing.busy()) {
                at = earlier(at, hung.nextProbeNs(), now);
            }
        }
        if (!source.working() && !waiting.isEmpty()) {
            at = earlier(at, expiryNs(waiting.element()), now);
        }
        return lives.hasAbandoned() ? earlier(at, now + LOOK_EVERY_NS, now) : at;
    }

    private static long earlier(long a, long b, long now) {
        if (a == Long.MAX_VALUE || b == Long.MAX_VALUE) {
            return a == Long.MAX_VALUE ? b : a;
        }
        return a - now < b - now ? a : b;
    }

    private void start() {
        Optional<String> refused = lives.start();
        if (refused.isPresent()) {
            source.say(false, refused.get());
            return;
        }
        doing(new Doing.Starting());
    }

    private void doing(Doing what) {
        doing = what;
        calls.restart();
    }

    private void talk(Worker worker) throws ErrnoException, PacketException {
        for (int i = 0; i < MOST_MESSAGES; i++) {
            Optional<WorkerMessage> message = worker.receive();
            if (message.isEmpty()) {
                break;
            }
            onMessage(worker, message.get());
            if (!lives.worker().equals(Optional.of(worker))) {
                return;
            }
        }
        Optional<String> end = worker.ended();
        if (end.isPresent()) {
            lose(worker.name() + " has ended: " + end.get());
            return;
        }
        calls.check(worker, doing).ifPresent(this::hang);
    }

    private void hang(CallWatch.Hang found) {
        int index = found.call().device();
        Optional<DeviceId> id = index < 0 ? Optional.empty() : idOf(index);
        String name = id.map(DeviceId::value).orElse(index < 0 ? "" : "the GPU at index " + index);
        String reason = found.words(name);
        // Without a device in the table the signal would be about all of them.
        if (index < 0 || id.isPresent()) {
            health.say(id, Kind.PROBE_HUNG, 0, reason, "probe");
        }
        if (index >= 0) {
            hung.add(index, clock.getAsLong());
        }
        lose(reason);
    }

    /** The worker is of no use any more: ends it, answers what it was asked, and lets the next one come after a rest. */
    private void lose(String reason) {
        source.say(false, reason);
        Doing was = doing;
        doing(new Doing.Nothing());
        boolean dead = lives.end();
        switch (was) {
            case Doing.Verifying(DeviceId id) ->
                    out.accept(new DeviceEvent.Verified(id, clean.notAnswered(id, reason, true)));
            case Doing.Sampling(boolean quiet, List<DeviceSample> got) when !quiet ->
                    out.accept(new DeviceEvent.Sampled(got));
            case Doing.LettingGo(Device device) -> {
                // Its end is the surest way of letting go.
                if (dead) {
                    runReset(device);
                } else {
                    String held = "the worker holds it and cannot be ended: " + reason;
                    out.accept(new DeviceEvent.ResetEnded(device.id(), Optional.of(held)));
                }
            }
            default -> {
                // Nobody waits for it.
            }
        }
    }

    private Optional<DeviceId> idOf(int index) {
        return table.stream()
                .flatMap(known -> known.devices().stream())
                .filter(device -> device.index() == index)
                .map(Device::id)
                .findFirst();
    }

    private long expiryNs(Request request) {
        long since = source.notWorkingSinceNs();
        long from = request.askedNs() - since > 0 ? request.askedNs() : since;
        return from + 2 * deadlines.query().toNanos();
    }

    /** Requests that wait for a source which does not work wait so long and no longer. */
    private void expire() {
        long now = clock.getAsLong();
        while (!source.working() && !waiting.isEmpty() && now - expiryNs(waiting.peek()) >= 0) {
            String reason = source.reason();
            switch (waiting.remove()) {
                case Request.Verify(DeviceId id, _) ->
                        out.accept(
                                new DeviceEvent.Verified(id, clean.notAnswered(id, reason, false)));
                case Request.Reset(DeviceId id, _) ->
                        out.accept(new DeviceEvent.ResetEnded(id, Optional.of(reason)));
            }
        }
    }

    /** The most urgent of what there is to do; false when there is nothing. */
    private boolean begin(Worker worker) {
        long now = clock.getAsLong();
        try {
            if (discoverAsked || hung.probeDue(now)) {
                discover(worker);
            } else if (!waiting.isEmpty()) {
                begin(worker, waiting.remove());
            } else if (sampleAsked) {
                sampleAsked = false;
                sample(worker, false);
            } else if (lookAsked && now - lookNotBeforeNs >= 0) {
                lookAsked = false;
                lookNotBeforeNs = now + LOOK_EVERY_NS;
                sample(worker, true);
            } else {
                return false;
            }
        } catch (ErrnoException | PacketException e) {
            lose(String.valueOf(e.getMessage()));
        }
        return true;
    }

    private void discover(Worker worker) throws ErrnoException, PacketException {
        discoverAsked = false;
        long now = clock.getAsLong();
        doing(new Doing.Discovering(hung.probeDue(now)));
        worker.send(new WorkerCommand.Discover(hung.count(), hung.leaveAlone(now)));
    }

    private void sample(Worker worker, boolean quiet) throws ErrnoException, PacketException {
        List<Integer> indices =
                table.stream()
                        .flatMap(known -> known.devices().stream())
                        .map(Device::index)
                        .filter(index -> !hung.contains(index))
                        .toList();
        doing(new Doing.Sampling(quiet, new ArrayList<>()));
        worker.send(new WorkerCommand.Sample(indices));
    }

    private void begin(Worker worker, Request request) throws ErrnoException, PacketException {
        switch (request) {
            case Request.Verify(DeviceId id, _) -> {
                Optional<Device> device = table.flatMap(known -> known.find(id));
                Optional<String> refused =
                        device.isEmpty()
                                ? Optional.of("NVML does not know it")
                                : hung.words(device.get().index());
                if (refused.isPresent()) {
                    out.accept(
                            new DeviceEvent.Verified(
                                    id, clean.notAnswered(id, refused.get(), true)));
                } else {
                    doing(new Doing.Verifying(id));
                    worker.send(new WorkerCommand.Verify(device.get().index()));
                }
            }
            case Request.Reset(DeviceId id, _) -> {
                Optional<Device> device = table.flatMap(known -> known.find(id));
                if (device.isEmpty() || device.get().pci().isEmpty()) {
                    String refused = "NVML does not know its PCI address";
                    out.accept(new DeviceEvent.ResetEnded(id, Optional.of(refused)));
                } else {
                    doing(new Doing.LettingGo(device.get()));
                    worker.send(new WorkerCommand.LetGo());
                }
            }
        }
    }

    private void runReset(Device device) {
        Optional<String> failure =
                device.pci().isEmpty()
                        ? Optional.of("NVML does not know its PCI address")
                        : resetTool.reset(device.pci().get());
        if (failure.isEmpty()) {
            health.forget(device.id());
            hung.remove(device.index());
        }
        discoverAsked = true;
        out.accept(new DeviceEvent.ResetEnded(device.id(), failure));
    }

    private void onMessage(Worker worker, WorkerMessage message)
            throws ErrnoException, PacketException {
        switch (message) {
            case WorkerMessage.Hello _ when doing instanceof Doing.Starting -> discover(worker);
            case Inventory inventory when doing instanceof Doing.Discovering ->
                    onInventory(inventory);
            case Reading reading when doing instanceof Doing.Sampling sampling ->
                    onReading(reading, sampling);
            case Reading reading when doing instanceof Doing.Verifying(DeviceId id) -> {
                doing(new Doing.Nothing());
                health.read(id, reading);
                out.accept(new DeviceEvent.Verified(id, clean.judge(id, reading)));
                restartIfDriverIsGone(reading);
            }
            case WorkerMessage.SampleEnd() when doing instanceof Doing.Sampling sampling -> {
                doing(new Doing.Nothing());
                if (!sampling.quiet()) {
                    out.accept(new DeviceEvent.Sampled(sampling.got()));
                }
            }
            case WorkerMessage.HasLetGo() when doing instanceof Doing.LettingGo(Device device) -> {
                doing(new Doing.Nothing());
                runReset(device);
            }
            case WorkerMessage.Noticed noticed -> onNoticed(noticed);
            case WorkerMessage.EventsFailed _ -> lookAsked = true;
            case WorkerMessage.Failed failed -> onFailed(failed);
            default ->
                    throw new PacketException(
                            worker.name() + " says " + message + " while it is at " + doing);
        }
    }

    private void onInventory(Inventory inventory) {
        String before = table.map(known -> known.driver().version()).orElse("");
        if (!before.equals(inventory.driver())) {
            clean.forget();
        }
        long generation = table.map(DeviceTable::generation).orElse(0L) + 1;
        DeviceTable found = TableAssembly.table(inventory, table, host, generation);
        boolean news = !table.equals(Optional.of(found));
        table = Optional.of(found);
        if (news) {
            out.accept(new DeviceEvent.TableChanged(found));
        }
        StringBuilder troubles = new StringBuilder();
        for (WorkerMessage.Gpu gpu : inventory.gpus()) {
            clean.idle(new DeviceId(gpu.uuid()), gpu.idleUsedBytes());
            if (hung.remove(gpu.index())) {
                String words = "answers again";
                Optional<DeviceId> id = Optional.of(new DeviceId(gpu.uuid()));
                health.say(id, Kind.PROBE_ANSWERS, 0, words, "probe");
            }
        }
        for (WorkerMessage.Unanswered one : inventory.unanswered()) {
            hung.remove(one.index());
            idOf(one.index()).ifPresent(id -> health.failed(id, one.code(), one.function()));
            trouble(troubles, one.index(), NvmlReturn.of(one.code()).words());
        }
        mismatchSaid = false;
        hung.counted(inventory.count());
        hung.indices().forEach(index -> trouble(troubles, index, hung.words(index).orElse("")));
        boolean none = inventory.count() > 0 && hung.indices().size() >= inventory.count();
        doing(new Doing.Nothing());
        lookAsked = true;
        lives.ready();
        source.say(!none, troubles.toString());
    }

    private void trouble(StringBuilder troubles, int index, String words) {
        String name = idOf(index).map(DeviceId::value).orElse("GPU at index " + index);
        troubles.append(troubles.isEmpty() ? "" : "; ").append(name).append(": ").append(words);
    }

    private void onReading(Reading reading, Doing.Sampling sampling) {
        Optional<DeviceId> id = idOf(reading.index());
        if (id.isEmpty()) {
            return;
        }
        health.read(id.get(), reading);
        if (reading.answered()) {
            Map<DeviceMetric, Double> values = new EnumMap<>(DeviceMetric.class);
            values.putAll(reading.values());
            values.put(DeviceMetric.XID_ERRORS, (double) health.lastXid(id.get()));
            long now = realtimeNs.getAsLong();
            sampling.got().add(new DeviceSample(id.get(), now, values, reading.processes()));
        }
        restartIfDriverIsGone(reading);
    }

    /** The driver was taken away or changed under the worker's library, which cannot be healed in one process. */
    private void restartIfDriverIsGone(Reading reading) {
        NvmlReturn returned = NvmlReturn.of(reading.code());
        if (returned == NvmlReturn.LIB_RM_VERSION_MISMATCH
                || returned == NvmlReturn.DRIVER_NOT_LOADED
                || returned == NvmlReturn.UNINITIALIZED) {
            driverIsGone(returned, reading.function() + ": " + returned.words());
        }
    }

    private void driverIsGone(NvmlReturn returned, String words) {
        if (returned == NvmlReturn.LIB_RM_VERSION_MISMATCH && !mismatchSaid) {
            mismatchSaid = true;
            health.say(
                    Optional.empty(),
                    Kind.VERSION_MISMATCH,
                    returned.code(),
                    words,
                    HealthWatch.SOURCE);
        }
        lose(words);
    }

    private void onFailed(WorkerMessage.Failed failed) {
        NvmlReturn returned = NvmlReturn.of(failed.code());
        driverIsGone(
                returned,
                failed.function()
                        + ": "
                        + returned
                        + " ("
                        + failed.code()
                        + "): "
                        + failed.words());
    }

    private void onNoticed(WorkerMessage.Noticed noticed) {
        idOf(noticed.index()).ifPresent(id -> health.noticed(id, noticed));
        if (noticed.type() == NvmlEventSet.MIG_CONFIG_CHANGE) {
            discoverAsked = true;
        }
        lookAsked = true;
    }
}
