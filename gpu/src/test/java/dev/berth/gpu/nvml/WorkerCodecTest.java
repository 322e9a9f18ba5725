package dev.berth.gpu.nvml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.gpu.DeviceMetric;
import dev.berth.gpu.DeviceSample.ProcessUse;
import dev.berth.gpu.nvml.WorkerMessage.Condition;
import dev.berth.gpu.nvml.WorkerMessage.Gpu;
import dev.berth.gpu.nvml.WorkerMessage.Inventory;
import dev.berth.gpu.nvml.WorkerMessage.Near;
import dev.berth.gpu.nvml.WorkerMessage.Reading;
import dev.berth.gpu.nvml.WorkerMessage.Unanswered;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Every command and message there and back; and whatever bytes come, either a message or a typed refusal. */
class WorkerCodecTest {
    static Stream<WorkerCommand> commands() {
        return Stream.of(
                new WorkerCommand.Discover(0, Set.of()),
                new WorkerCommand.Discover(16, Set.of(3, 7, 15)),
                new WorkerCommand.Sample(List.of()),
                new WorkerCommand.Sample(List.of(0, 1, 65535)),
                new WorkerCommand.Verify(9),
                new WorkerCommand.LetGo(),
                new WorkerCommand.Quit());
    }

    static Stream<WorkerMessage> messages() {
        Gpu gpu =
                new Gpu(
                        1,
                        "GPU-1",
                        "NVIDIA Ü 80GB",
                        -1,
                        "00000000:3B:00.0",
                        1L << 37,
                        -1,
                        Map.of("ecc", "on", "serial", ""));
        List<Near> near =
                List.of(new Near(0, 0), new Near(50, 18), new Near(50, 18), new Near(0, 0));
        return Stream.of(
                new WorkerMessage.Hello(4711),
                new Inventory("", "", "", 0, List.of(), List.of(), List.of()),
                new Inventory(
                        "580.65.06",
                        "13.580.65.06",
                        "13.0",
                        3,
                        List.of(gpu, gpu),
                        List.of(new Unanswered(2, 15, "nvmlDeviceGetUUID")),
                        near),
                Reading.failed(3, 15, "nvmlDeviceGetMemoryInfo_v2"),
                new Reading(
                        7,
                        0,
                        "",
                        1L << 36,
                        Map.of(DeviceMetric.GPU_TEMP, 55.5, DeviceMetric.XID_ERRORS, 0.0),
                        true,
                        List.of(new ProcessUse(1, "C", -1), new ProcessUse(4_000_000, "C+G", 9)),
                        3,
                        1,
                        Long.MAX_VALUE,
                        Set.of(Condition.REMAP_PENDING, Condition.SRAM_THRESHOLD)),
                new WorkerMessage.SampleEnd(),
                new WorkerMessage.HasLetGo(),
                new WorkerMessage.Noticed(65535, 8, 79, -1, 3),
                new WorkerMessage.EventsFailed(999, "nvmlEventSetWait_v2"),
                new WorkerMessage.Failed(18, "nvmlInit_v2", "Driver/library version mismatch"));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void commandsComeBackAsTheyWent(WorkerCommand command) throws Exception {
        assertThat(WorkerCodec.decodeCommand(WorkerCodec.encode(command))).isEqualTo(command);
    }

    @ParameterizedTest
    @MethodSource("messages")
    void messagesComeBackAsTheyWent(WorkerMessage message) throws Exception {
        assertThat(WorkerCodec.decodeMessage(WorkerCodec.encode(message))).isEqualTo(message);
    }

    @ParameterizedTest
    @MethodSource("messages")
    void whatIsCutShortOrTooLongIsRefused(WorkerMessage message) throws Exception {
        byte[] whole = WorkerCodec.encode(message);
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> WorkerCodec.decodeMessage(cut))
                    .as("%d bytes", length)
                    .isInstanceOf(PacketException.class);
        }
        byte[] longer = Arrays.copyOf(whole, whole.length + 1);
        assertThatThrownBy(() -> WorkerCodec.decodeMessage(longer))
                .isInstanceOf(PacketException.class);
    }

    @Test
    void anotherVersionIsRefusedByName() throws Exception {
        byte[] bytes = WorkerCodec.encode(new WorkerMessage.SampleEnd());
        bytes[2] = 2;
        assertThatThrownBy(() -> WorkerCodec.decodeMessage(bytes))
                .isInstanceOf(PacketException.class)
                .hasMessageContaining("version 2");
    }

    @Test
    void changedBytesGiveAMessageOrARefusalAndNothingElse() throws Exception {
        Random random = new Random(20261122);
        List<byte[]> seeds =
                Stream.concat(
                                messages().map(WorkerCodecTest::bytes),
                                commands().map(WorkerCodecTest::bytes))
                        .toList();
        int refused = 0;
        for (int i = 0; i < 200_000; i++) {
            byte[] bytes = seeds.get(random.nextInt(seeds.size())).clone();
            int changes = 1 + random.nextInt(4);
            for (int c = 0; c < changes; c++) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            if (random.nextInt(8) == 0) {
                bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 8));
            }
            try {
                WorkerCodec.decodeMessage(bytes);
            } catch (PacketException e) {
                refused++;
            }
            try {
                WorkerCodec.decodeCommand(bytes);
            } catch (PacketException e) {
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(200_000);
    }

    private static byte[] bytes(Object message) {
        try {
            return message instanceof WorkerCommand command
                    ? WorkerCodec.encode(command)
                    : WorkerCodec.encode((WorkerMessage) message);
        } catch (PacketException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void noiseIsRefused() {
        Random random = new Random(1);
        for (int i = 0; i < 20_000; i++) {
            byte[] noise = new byte[random.nextInt(300)];
            random.nextBytes(noise);
            assertThatThrownBy(() -> WorkerCodec.decodeMessage(noise))
                    .isInstanceOf(PacketException.class);
        }
    }

    @Test
    void thousandsOfProcessesAndLongWordsFit() throws Exception {
        List<ProcessUse> many =
                IntStream.range(0, 100_000)
                        .mapToObj(pid -> new ProcessUse(pid, "C+G+M", 1))
                        .toList();
        Reading reading = new Reading(0, 0, "", 0, Map.of(), true, many, 0, 0, 0, Set.of());
        Reading back = (Reading) WorkerCodec.decodeMessage(WorkerCodec.encode(reading));
        assertThat(back.processes()).hasSize(WorkerCodec.MOST_PROCESSES);
        String words = String.join("", Collections.nCopies(10_000, "ä"));
        WorkerMessage.Failed failed = new WorkerMessage.Failed(1, "", words);
        WorkerMessage.Failed cut =
                (WorkerMessage.Failed) WorkerCodec.decodeMessage(WorkerCodec.encode(failed));
        assertThat(words).startsWith(cut.words());
        assertThat(cut.words()).isNotEmpty();
    }

    @Test
    void whatDoesNotFitAPacketIsRefusedBySender() {
        List<Gpu> gpus =
                IntStream.range(0, 200)
                        .mapToObj(i ->
                                new Gpu(i, "GPU-" + i, "x".repeat(1000), i, "", 0, 0, Map.of()))
                        .toList();
        List<Near> near = Collections.nCopies(200 * 200, new Near(0, 0));
        Inventory big = new Inventory("", "", "", 200, gpus, List.of(), near);
        assertThatThrownBy(() -> WorkerCodec.encode(big)).isInstanceOf(PacketException.class);
    }
}
