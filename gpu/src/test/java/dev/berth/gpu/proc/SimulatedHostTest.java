package dev.berth.gpu.proc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceProvider;
import dev.berth.gpu.DeviceProviderContract;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.health.DeviceHealth;
import dev.berth.gpu.health.HealthBook;
import dev.berth.gpu.health.HealthPolicy;
import dev.berth.gpu.health.HealthSettings;
import dev.berth.gpu.simulator.Machine;
import dev.berth.gpu.simulator.Simulator;
import dev.berth.isolator.ContainerId;
import dev.berth.linux.Linux;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/** The kernel's files of a simulated host, read as a real one's; and what scripted XIDs lead to when only the kernel's log tells of them. */
final class SimulatedHostTest extends DeviceProviderContract {
    private static final ContainerId HOLDER = new ContainerId("a".repeat(64));

    @TempDir Path directory;

    private String machine = "8xH100";
    private Simulator simulator;

    @Override
    protected DeviceProvider newProvider() throws Exception {
        if (simulator == null) {
            simulator = Simulator.start(Linux.host(), directory, Machine.shipped(machine));
        }
        return new ProcDeviceProvider(
                Linux.host(),
                new ProcSettings(
                        simulator.hostRoot(),
                        Path.of("/proc"),
                        true,
                        10_000_000_000L,
                        10_000_000_000L));
    }

    @Override
    protected int devices() {
        return 8;
    }

    @ParameterizedTest
    @ValueSource(strings = {"8xH100", "8xA100", "4xL40S", "1xH200", "1xA30"})
    void everyShippedMachineIsFound(String name) throws Exception {
        machine = name;
        DeviceTable table = awaitTable(open());
        assertThat(table.devices()).hasSize(Integer.parseInt(name.substring(0, 1)));
        for (Device device : table.devices()) {
            assertThat(device.id().value()).startsWith("GPU-");
            assertThat(device.pci()).isPresent();
            // The firmware of the node with one A30 does not say.
            assertThat(device.numaNode().isPresent()).isEqualTo(!name.equals("1xA30"));
            assertThat(device.model()).contains(name.substring(2));
        }
        assertThat(table.driver().version()).matches("\\d+\\.\\d+(\\.\\d+)?");
        assertThat(table.controlNodes()).hasSize(3);
    }

    @ParameterizedTest
    @CsvSource({
        "31, SUSPECT, true", "43, HEALTHY, true", "45, HEALTHY, true", "13, SUSPECT, true",
                "94, SUSPECT, true",
        "48, DRAINING, false", "79, DRAINING, false", "119, DRAINING, false", "95, DRAINING, false",
                "63, HEALTHY, true",
        "64, DRAINING, false", "999, SUSPECT, false", "145, SUSPECT, false"
    })
    void aScriptedXidLeadsToItsState(int code, DeviceHealth.State state, boolean usable)
            throws Exception {
        DeviceProvider provider = open();
        HealthBook book = book(awaitTable(provider), Set.of(HOLDER));
        simulator.control().xid(2, code, 4711);
        HealthSignal signal = await(provider, DeviceEvent.Signalled.class, _ -> true).signal();
        book.onSignal(signal, signal.realtimeNs());
        DeviceId id = signal.device().orElseThrow();
        assertThat(book.health(id).orElseThrow().state()).isEqualTo(state);
        assertThat(book.usable(id)).isEqualTo(usable);
        assertThat(book.history(id).getFirst().container()).contains(HOLDER);
        assertThat(book.devices().stream().filter(other -> !other.equals(id)))
                .allMatch(book::usable);
    }

    @ParameterizedTest
    @CsvSource({"1, RESETTING", "2, FAILED", "3, VERIFYING", "4, RESETTING"})
    void theDriversRecoveryActionIsFollowed(int action, DeviceHealth.State state) throws Exception {
        DeviceProvider provider = open();
        HealthBook book = book(awaitTable(provider), Set.of());
        simulator.control().recoveryAction(5, action);
        HealthSignal signal = await(provider, DeviceEvent.Signalled.class, _ -> true).signal();
        assertThat(signal.code()).isEqualTo(154);
        book.onSignal(signal, signal.realtimeNs());
        assertThat(book.health(signal.device().orElseThrow()).orElseThrow().state())
                .isEqualTo(state);
    }

    @Test
    void aStormReachesTheBookAsAFewSignals() throws Exception {
        DeviceProvider provider = open();
        HealthBook book = book(awaitTable(provider), Set.of(HOLDER));
        simulator.control().storm(1, 31, 10_000, Duration.ofSeconds(2));
        simulator.control().xid(1, 79);
        HealthSignal last;
        do {
            last = await(provider, DeviceEvent.Signalled.class, _ -> true).signal();
            book.onSignal(last, last.realtimeNs());
        } while (last.code() == 31);
        long signals = seen().stream().filter(DeviceEvent.Signalled.class::isInstance).count();
        assertThat(last.code()).isEqualTo(79);
        assertThat(signals).isLessThan(100);
        assertThat(book.health(last.device().orElseThrow()).orElseThrow().state())
                .isEqualTo(DeviceHealth.State.DRAINING);
    }

    private static HealthBook book(DeviceTable table, Set<ContainerId> holders) {
        HealthBook book =
                new HealthBook(
                        new HealthPolicy(HealthSettings.DEFAULT), _ -> Optional.empty(), "boot");
        long now = KmsgReader.realtimeNs();
        book.onTable(table, now);
        if (!holders.isEmpty()) {
            table.devices().forEach(device -> book.onHolders(device.id(), holders, now));
        }
        return book;
    }
}
