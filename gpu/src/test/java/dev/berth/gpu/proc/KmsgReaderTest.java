package dev.berth.gpu.proc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.PciAddress;
import dev.berth.gpu.Topology;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

final class KmsgReaderTest {
    private static final DeviceId GPU = new DeviceId("GPU-1");

    @TempDir Path directory;

    private final Semaphore wakes = new Semaphore(0);
    private final List<HealthSignal> signals = new ArrayList<>();

    private static DeviceTable table() {
        Device device =
                new Device(
                        GPU,
                        0,
                        "m",
                        OptionalInt.of(0),
                        PciAddress.parse("0000:01:00.0"),
                        OptionalInt.empty(),
                        "",
                        0,
                        List.of(),
                        Map.of());
        return new DeviceTable(
                1,
                "x/y",
                DeviceTable.DriverFacts.NONE,
                List.of(device),
                Topology.of(1),
                List.of(),
                List.of());
    }

    private void await(KmsgReader reader, int count) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (true) {
            reader.poll(signals::add, 1000);
            if (signals.size() >= count) {
                return;
            }
            if (!wakes.tryAcquire(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                throw new AssertionError("only " + signals);
            }
        }
    }

    private static KmsgLine parse(String text) {
        return KmsgLine.parse("4,100,200,-;" + text).orElseThrow();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "NVRM: Xid (PCI:0000:01:00): 43, pid=1234, name=python3, Ch 00000008|43|1234",
                "NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.|79|",
                "NVRM: Xid (PCI:0000:01:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.|79|",
                "NVRM: Xid (PCI:0000:01:00): 13, pid='4711', name=a b, Graphics SM Warp Exception|13|4711",
                "NVRM: Xid (PCI:0000:01:00): 31, pid=9, name=x,pid=7, Ch 1|31|9",
                "NVRM: Xid (0000:01:00): 14, Channel 00000001|14|",
                "NVRM: Xid (PCI:0000:01:00 GPU-I:05): 45, pid=55, name=t, Ch 00000002|45|55",
                "NVRM: Xid (PCI:00000000:01:00.0): 48, An uncorrectable double bit error|48|",
                "NVRM: Xid (PCI:0000:01:00): 154, GPU recovery action changed from 0x0 (None) to 0x1 (PF FLR)|154|",
                "NVRM: Xid (PCI:0000:01:00): 8|8|",
                "NVRM: Xid (PCI:0000:01:00): 119, Timeout after 45s of waiting for RPC response from GPU0 GSP!|119|",
                "NVRM: Xid (PCI:0000:01:00): 31, pid=99999999999, name=x|31|",
            })
    void xidLinesOfEveryDriverAreRead(String text, int code, Integer pid) {
        KmsgLine.Xid xid = (KmsgLine.Xid) parse(text);
        assertThat(xid.pci()).hasToString("0000:01:00.0");
        assertThat(xid.code()).isEqualTo(code);
        assertThat(xid.pid()).isEqualTo(pid == null ? OptionalInt.empty() : OptionalInt.of(pid));
    }

    @Test
    void otherLinesOfTheDriverAreRead() {
        assertThat(
                        parse(
                                "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Non-fatal, Link 46 MC TS"))
                .isEqualTo(
                        new KmsgLine.SwitchXid(
                                PciAddress.parse("c1:00.0").orElseThrow(),
                                28006,
                                "Non-fatal, Link 46 MC TS"));
        assertThat(parse("NVRM: GPU 0000:01:00.0: GPU has fallen off the bus."))
                .isInstanceOf(KmsgLine.Lost.class);
        assertThat(parse("NVRM: GPU at PCI:0000:01:00: GPU has fallen off the bus."))
                .isInstanceOf(KmsgLine.Lost.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "12,1,2,-;NVRM: Xid (PCI:0000:01:00): 79, forged by a user",
                "8,1,2,-;NVRM: Xid (PCI:0000:01:00): 79",
                "NVRM: Xid (PCI:0000:01:00): 79",
                "-4,1,2,-;NVRM: Xid (PCI:0000:01:00): 79",
                ",1,2,-;NVRM: Xid (PCI:0000:01:00): 79",
                "4;NVRM: Xid (PCI:0000:01:00): 79",
                " 4,1,2,-;NVRM: Xid (PCI:0000:01:00): 79",
                "4,1,2,-;usb: NVRM: Xid (PCI:0000:01:00): 79",
                "4,1,2,-;NVRM: Xid (PCI:zzzz:01:00): 79",
                "4,1,2,-;NVRM: Xid (PCI:0000:01:00): many",
                "4,1,2,-;NVRM: Xid (PCI:0000:01:00): 99999999999",
                "4,1,2,-;NVRM: loading NVIDIA UNIX Open Kernel Module",
                "4,1,2,-;NVRM: GPU 0000:01:00.0: RmInitAdapter failed!",
                " SUBSYSTEM=pci",
                "",
                ";",
                "4,1,2,-;"
            })
    void whatIsNotTheKernelsOrNotOfAGpuIsNotBelieved(String line) {
        assertThat(KmsgLine.parse(line)).isEmpty();
    }

    @Test
    void noNoiseBreaksTheParserNorTakesLong() {
        Random random = new Random(11);
        String[] starts = {
            "",
            "4,1,2,-;",
            "4,1,2,-;NVRM: Xid (PCI:",
            "4,1,2,-;NVRM: Xid (PCI:0000:01:00): 31, ",
            "4,1,2,-;NVRM: GPU ",
            "4,1,2,-;nvidia-nvswitch1: SXid ("
        };
        for (int i = 0; i < 60_000; i++) {
            byte[] bytes = new byte[random.nextInt(100)];
            random.nextBytes(bytes);
            KmsgLine.parse(
                    starts[i % starts.length] + new String(bytes, StandardCharsets.ISO_8859_1));
        }
        String whole =
                "4,1,2,-;NVRM: Xid (PCI:0000:01:00): 43, pid=1234, name=python3, Ch 00000008";
        for (int end = 0; end <= whole.length(); end++) {
            KmsgLine.parse(whole.substring(0, end));
        }
        long begin = System.nanoTime();
        for (String piece : new String[] {":", "0", "(", " ", ",pid=", "a:", "fallen off the bu"}) {
            for (String start : starts) {
                KmsgLine.parse(start + piece.repeat(2_000_000 / piece.length()));
            }
        }
        assertThat(System.nanoTime() - begin).isLessThan(TimeUnit.SECONDS.toNanos(10));
    }

    @Test
    void aRegularFileIsReadFromItsEndOnAndAlsoAfterItWasWrittenAnew() throws Exception {
        Path log = directory.resolve("kmsg");
        Files.writeString(log, "4,1,2,-;NVRM: Xid (PCI:0000:01:00): 79, before we came\n");
        try (KmsgReader reader = KmsgReader.open(Linux.host(), log, wakes::release)) {
            reader.onTable(table());
            Files.writeString(log, "4,2,3,-;NVRM: Xid (PCI:0000:01", StandardOpenOption.APPEND);
            Files.writeString(
                    log,
                    ":00): 31, pid=5, name=x\n DEVICE=+pci\n4,3,4,-;NVRM: Xid (PCI:0000:09:00): 31\n",
                    StandardOpenOption.APPEND);
            await(reader, 1);
            assertThat(signals).hasSize(1);
            assertThat(signals.getFirst().code()).isEqualTo(31);
            assertThat(signals.getFirst().device()).contains(GPU);
            Files.writeString(log, "4,9,9,-;NVRM: Xid (PCI:0000:01:00): 62\n");
            await(reader, 2);
            assertThat(signals.getLast().code()).isEqualTo(62);
        }
    }

    @Test
    void aFifoIsReadWhoeverWrites() throws Exception {
        Path fifo = directory.resolve("kmsg");
        Linux.host().files().mknodat(Fd.CWD, fifo.toString(), FileMode.S_IFIFO | 0600, 0);
        try (KmsgReader reader = KmsgReader.open(Linux.host(), fifo, wakes::release)) {
            reader.onTable(table());
            for (int i = 0; i < 3; i++) {
                try (OwnedFd writer =
                        Linux.host().files().openat(Fd.CWD, fifo.toString(), Open.O_WRONLY, 0)) {
                    byte[] bytes =
                            ("4,1,2,-;NVRM: Xid (PCI:0000:01:00): " + (31 + i) + ", pid=5\n")
                                    .getBytes(StandardCharsets.UTF_8);
                    Linux.host().files().writeAll(writer, bytes);
                }
                await(reader, i + 1);
            }
        }
        assertThat(signals).extracting(HealthSignal::code).containsExactly(31, 32, 33);
    }

    @Test
    void aStormIsMergedAndTooManyDifferentOnesAreSaidToBeLost() throws Exception {
        Path log = directory.resolve("kmsg");
        Files.writeString(log, "");
        try (KmsgReader reader = KmsgReader.open(Linux.host(), log, wakes::release)) {
            StringBuilder storm = new StringBuilder();
            for (int i = 0; i < 50_000; i++) {
                storm.append("4,1,2,-;NVRM: Xid (PCI:0000:01:00): 31, pid=5, name=x\n");
            }
            for (int i = 0; i < 2 * KmsgReader.MAX_PENDING; i++) {
                storm.append("4,1,2,-;NVRM: Xid (PCI:0000:01:00): 31, pid=")
                        .append(100 + i)
                        .append("\n");
            }
            storm.append("x".repeat(100_000))
                    .append(
                            "\n4,1,2,-;nvidia-nvswitch0: SXid (PCI:0000:c1:00.0): 20001, Fatal, Link 1\n");
            Files.writeString(log, storm, StandardOpenOption.APPEND);
            assertThat(reader.poll(signals::add, 10)).as("before the first table").isZero();
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (reader.waiting() <= KmsgReader.MAX_PENDING) {
                assertThat(System.nanoTime() - end).as("the storm was read").isNegative();
                Thread.onSpinWait();
            }
            reader.onTable(table());
            await(reader, KmsgReader.MAX_PENDING + 1);
            assertThat(signals.stream().filter(s -> s.kind() == HealthSignal.Kind.EVENTS_LOST))
                    .isNotEmpty();
            assertThat(signals.size()).isLessThan(3 * KmsgReader.MAX_PENDING);
            assertThat(reader.poll(signals::add, 0)).isZero();
        }
    }

    /** Records that root writes get facility 1 from the kernel, whatever they claim. */
    @Test
    @Tag("root")
    void aForgedRecordOfTheRealLogIsReadAndNotBelieved() throws Exception {
        Path kmsg = Path.of("/dev/kmsg");
        try (KmsgReader reader = KmsgReader.open(Linux.host(), kmsg, wakes::release)) {
            reader.onTable(table());
            Files.writeString(
                    kmsg, "<3>NVRM: Xid (PCI:0000:01:00): 79, forged by a test of Berth\n");
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (reader.read() == 0) {
                assertThat(System.nanoTime() - end).as("a record came").isNegative();
                Thread.onSpinWait();
            }
            assertThat(reader.waiting()).isZero();
        }
    }

    @Test
    void aLogThatIsNotThereSaysSo() {
        assertThatThrownBy(() -> KmsgReader.open(Linux.host(), directory.resolve("none"), () -> {}))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("XIDs are not seen");
    }

    @Test
    void closeIsIdempotentAndEndsTheThread() throws Exception {
        Path log = directory.resolve("kmsg");
        Files.writeString(log, "");
        Map<Integer, String> before = Linux.host().files().openDescriptors();
        KmsgReader reader = KmsgReader.open(Linux.host(), log, () -> {});
        reader.close();
        reader.close();
        assertThat(Linux.host().files().openDescriptors().size())
                .isLessThanOrEqualTo(before.size());
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().equals("berth-kmsg"));
        assertThat(reader.poll(signals::add, 1)).isZero();
        assertThat(Optional.of(reader)).isPresent();
    }
}
