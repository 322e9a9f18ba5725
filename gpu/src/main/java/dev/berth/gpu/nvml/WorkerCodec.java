package dev.berth.gpu.nvml;

import dev.berth.gpu.DeviceMetric;
import dev.berth.gpu.DeviceSample.ProcessUse;
import dev.berth.gpu.nvml.WorkerMessage.Condition;
import dev.berth.gpu.nvml.WorkerMessage.Gpu;
import dev.berth.gpu.nvml.WorkerMessage.Inventory;
import dev.berth.gpu.nvml.WorkerMessage.Near;
import dev.berth.gpu.nvml.WorkerMessage.Reading;
import dev.berth.gpu.nvml.WorkerMessage.Unanswered;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Commands and messages to packets and back; the format is in the package's description. Any bytes may be fed to it: what it does not know is a {@link PacketException}. */
@SuppressWarnings("EnumOrdinal") // both processes run the same classes
final class WorkerCodec {
    /** A device with more is read as having so many: the packet has to fit, and nobody tells them apart by then. */
    static final int MOST_PROCESSES = 2048;

    private static final DeviceMetric[] METRICS = DeviceMetric.values();
    private static final Condition[] CONDITIONS = Condition.values();

    private WorkerCodec() {}

    static byte[] encode(WorkerCommand command) throws PacketException {
        return Packet.whole(() ->
                switch (command) {
                    case WorkerCommand.Discover(int known, Set<Integer> alone) -> {
                        Packet packet = Packet.write(1).u16(known);
                        yield packet.list(List.copyOf(alone), packet::u16).finished();
                    }
                    case WorkerCommand.Sample(List<Integer> indices) -> {
                        Packet packet = Packet.write(2);
                        yield packet.list(indices, packet::u16).finished();
                    }
                    case WorkerCommand.Verify(int index) -> Packet.write(3).u16(index).finished();
                    case WorkerCommand.LetGo() -> Packet.write(4).finished();
                    case WorkerCommand.Quit() -> Packet.write(5).finished();
                });
    }

    static WorkerCommand decodeCommand(byte[] bytes) throws PacketException {
        return Packet.whole(() -> {
            Packet packet = Packet.read(bytes);
            int type = packet.type();
            WorkerCommand command =
                    switch (type) {
                        case 1 ->
                                new WorkerCommand.Discover(
                                        packet.u16(), new HashSet<>(packet.list(2, packet::u16)));
                        case 2 -> new WorkerCommand.Sample(packet.list(2, packet::u16));
                        case 3 -> new WorkerCommand.Verify(packet.u16());
                        case 4 -> new WorkerCommand.LetGo();
                        case 5 -> new WorkerCommand.Quit();
                        default -> throw new PacketException("a command of type " + type);
                    };
            packet.end();
            return command;
        });
    }

    static byte[] encode(WorkerMessage message) throws PacketException {
        return Packet.whole(() ->
                switch (message) {
                    case WorkerMessage.Hello(int pid) -> Packet.write(16).i32(pid).finished();
                    case Inventory inventory -> encodeInventory(inventory);
                    case Reading reading -> encodeReading(reading);
                    case WorkerMessage.SampleEnd() -> Packet.write(19).finished();
                    case WorkerMessage.HasLetGo() -> Packet.write(20).finished();
                    case WorkerMessage.Noticed n ->
                            Packet.write(21)
                                    .u16(n.index())
                                    .i64(n.type())
                                    .i64(n.data())
                                    .i32(n.gpuInstance())
                                    .i32(n.computeInstance())
                                    .finished();
                    case WorkerMessage.EventsFailed(int code, String function) ->
                            Packet.write(22).i32(code).text(function).finished();
                    case WorkerMessage.Failed(int code, String function, String words) ->
                            Packet.write(23).i32(code).text(function).text(words).finished();
                });
    }

    static WorkerMessage decodeMessage(byte[] bytes) throws PacketException {
        return Packet.whole(() -> {
            Packet packet = Packet.read(bytes);
            int type = packet.type();
            WorkerMessage message =
                    switch (type) {
                        case 16 -> new WorkerMessage.Hello(packet.i32());
                        case 17 -> decodeInventory(packet);
                        case 18 -> decodeReading(packet);
                        case 19 -> new WorkerMessage.SampleEnd();
                        case 20 -> new WorkerMessage.HasLetGo();
                        case 21 ->
                                new WorkerMessage.Noticed(
                                        packet.u16(),
                                        packet.i64(),
                                        packet.i64(),
                                        packet.i32(),
                                        packet.i32());
                        case 22 -> new WorkerMessage.EventsFailed(packet.i32(), packet.text());
                        case 23 ->
                                new WorkerMessage.Failed(
                                        packet.i32(), packet.text(), packet.text());
                        default -> throw new PacketException("a message of type " + type);
                    };
            packet.end();
            return message;
        });
    }

    private static byte[] encodeInventory(Inventory inventory) throws PacketException {
        Packet packet = Packet.write(17);
        packet.text(inventory.driver()).text(inventory.nvml()).text(inventory.cuda());
        packet.u16(inventory.count());
        packet.list(
                inventory.gpus(),
                gpu -> {
                    packet.u16(gpu.index()).text(gpu.uuid()).text(gpu.name()).i32(gpu.minor());
                    packet.text(gpu.busId()).i64(gpu.memoryBytes()).i64(gpu.idleUsedBytes());
                    packet.list(
                            List.copyOf(gpu.attributes().entrySet()),
                            entry -> packet.text(entry.getKey()).text(entry.getValue()));
                });
        packet.list(
                inventory.unanswered(),
                one -> packet.u16(one.index()).i32(one.code()).text(one.function()));
        inventory.near().forEach(near -> packet.u16(near.ancestor()).u16(near.nvLinks()));
        return packet.finished();
    }

    private static Inventory decodeInventory(Packet packet) throws PacketException {
        String driver = packet.text();
        String nvml = packet.text();
        String cuda = packet.text();
        int count = packet.u16();
        List<Gpu> gpus = packet.list(30, () -> decodeGpu(packet));
        List<Unanswered> unanswered =
                packet.list(8, () -> new Unanswered(packet.u16(), packet.i32(), packet.text()));
        List<Near> near =
                packet.list(
                        gpus.size() * gpus.size(), 4, () -> new Near(packet.u16(), packet.u16()));
        return new Inventory(driver, nvml, cuda, count, gpus, unanswered, near);
    }

    private static Gpu decodeGpu(Packet packet) throws PacketException {
        int index = packet.u16();
        String uuid = packet.text();
        String name = packet.text();
        int minor = packet.i32();
        String busId = packet.text();
        long memoryBytes = packet.i64();
        long idleUsedBytes = packet.i64();
        Map<String, String> attributes = new TreeMap<>();
        packet.list(4, () -> attributes.put(packet.text(), packet.text()) == null);
        return new Gpu(index, uuid, name, minor, busId, memoryBytes, idleUsedBytes, attributes);
    }

    private static byte[] encodeReading(Reading reading) throws PacketException {
        Packet packet = Packet.write(18);
        packet.u16(reading.index()).i32(reading.code()).text(reading.function());
        packet.i64(reading.usedBytes());
        packet.list(
                List.copyOf(reading.values().entrySet()),
                entry -> packet.u8(entry.getKey().ordinal()).real(entry.getValue()));
        packet.u8(reading.processesKnown() ? 1 : 0);
        List<ProcessUse> processes = reading.processes();
        packet.list(
                processes.subList(0, Math.min(processes.size(), MOST_PROCESSES)),
                use -> packet.i32(use.pid()).text(use.type()).i64(use.memoryBytes()));
        packet.i32(reading.computeMode()).i32(reading.recoveryAction());
        packet.i64(reading.uncorrectedEcc());
        int conditions = 0;
        for (Condition condition : reading.conditions()) {
            conditions |= 1 << condition.ordinal();
        }
        return packet.u8(conditions).finished();
    }

    private static Reading decodeReading(Packet packet) throws PacketException {
        int index = packet.u16();
        int code = packet.i32();
        String function = packet.text();
        long usedBytes = packet.i64();
        Map<DeviceMetric, Double> values = new EnumMap<>(DeviceMetric.class);
        packet.list(9, () -> values.put(metric(packet.u8()), packet.real()) == null);
        boolean processesKnown = packet.u8() != 0;
        List<ProcessUse> processes =
                packet.list(14, () -> new ProcessUse(packet.i32(), packet.text(), packet.i64()));
        int computeMode = packet.i32();
        int recoveryAction = packet.i32();
        long uncorrectedEcc = packet.i64();
        int bits = packet.u8();
        if (bits >= 1 << CONDITIONS.length) {
            throw new PacketException("conditions " + bits);
        }
        Set<Condition> conditions = EnumSet.noneOf(Condition.class);
        for (Condition condition : CONDITIONS) {
            if ((bits & 1 << condition.ordinal()) != 0) {
                conditions.add(condition);
            }
        }
        return new Reading(
                index,
                code,
                function,
                usedBytes,
                values,
                processesKnown,
                processes,
                computeMode,
                recoveryAction,
                uncorrectedEcc,
                conditions);
    }

    private static DeviceMetric metric(int ordinal) throws PacketException {
        if (ordinal >= METRICS.length) {
            throw new PacketException("a metric of number " + ordinal);
        }
        return METRICS[ordinal];
    }
}
