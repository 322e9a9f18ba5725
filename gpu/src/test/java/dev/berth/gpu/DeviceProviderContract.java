package dev.berth.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** What every {@link DeviceProvider} keeps to. A provider's test extends this; further tests of its own may use the same means. */
public abstract class DeviceProviderContract {
    private static final long DEADLINE_NS = TimeUnit.SECONDS.toNanos(30);
    private static final DeviceId NOBODY = new DeviceId("none-such");

    /** A command or a poll that takes longer has blocked; much more than either needs, since the machine may be busy. */
    private static final long BLOCKED_NS = TimeUnit.MILLISECONDS.toNanos(500);

    private final Semaphore wakes = new Semaphore(0);
    private final List<DeviceEvent> seen = new ArrayList<>();
    private final List<DeviceProvider> opened = new ArrayList<>();

    /** A provider over a host that has {@link #devices} devices. */
    protected abstract DeviceProvider newProvider() throws Exception;

    protected abstract int devices();

    /** A provider that has begun; it is closed after the test. */
    protected final DeviceProvider open() throws Exception {
        DeviceProvider provider = newProvider();
        opened.add(provider);
        provider.onNews(wakes::release);
        return provider;
    }

    @AfterEach
    final void closeAll() {
        opened.forEach(DeviceProvider::close);
    }

    /** Polls, woken by the provider alone, until an event of this kind has come; returns the first new one. */
    protected final <T extends DeviceEvent> T await(
            DeviceProvider provider, Class<T> kind, Predicate<T> which)
            throws InterruptedException {
        long end = System.nanoTime() + DEADLINE_NS;
        List<DeviceEvent> fresh = new ArrayList<>();
        while (true) {
            while (provider.poll(fresh::add, 1) > 0) {
                DeviceEvent event = fresh.removeFirst();
                seen.add(event);
                if (kind.isInstance(event) && which.test(kind.cast(event))) {
                    return kind.cast(event);
                }
            }
            if (!wakes.tryAcquire(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS)) {
                throw new AssertionError(
                        "no " + kind.getSimpleName() + " came; there came " + seen);
            }
        }
    }

    protected final DeviceTable awaitTable(DeviceProvider provider) throws InterruptedException {
        return await(provider, DeviceEvent.TableChanged.class, _ -> true).table();
    }

    /** Every event that was polled so far. */
    protected final List<DeviceEvent> seen() {
        return seen;
    }

    private static void awaitTrue(BooleanSupplier condition, String what) {
        long end = System.nanoTime() + DEADLINE_NS;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - end).as(what).isNegative();
            Thread.onSpinWait();
        }
    }

    @Test
    void discoveryEndsWithATableThatIsConsistent() throws Exception {
        DeviceProvider provider = open();
        DeviceTable table = awaitTable(provider);
        assertThat(table.resourceName()).isEqualTo(provider.resourceName());
        assertThat(table.generation()).isPositive();
        assertThat(table.devices()).hasSize(devices());
        Set<String> paths = new HashSet<>();
        for (int i = 0; i < table.devices().size(); i++) {
            Device device = table.devices().get(i);
            assertThat(device.index()).isEqualTo(i);
            assertThat(device.nodes()).as("nodes of " + device.id()).isNotEmpty();
            device.nodes()
                    .forEach(node -> {
                        assertThat(node.path()).startsWith("/dev/");
                        assertThat(paths.add(node.type() + " " + node.major() + ":" + node.minor()))
                                .as(node + " belongs to one device")
                                .isTrue();
                    });
        }
        table.withheldNodes()
                .forEach(node ->
                        assertThat(paths)
                                .doesNotContain(
                                        node.type() + " " + node.major() + ":" + node.minor()));
    }

    @Test
    void twoProvidersOfOneHostAgree() throws Exception {
        DeviceTable first = awaitTable(open());
        DeviceTable second = awaitTable(open());
        assertThat(second.devices()).isEqualTo(first.devices());
        assertThat(second.controlNodes()).isEqualTo(first.controlNodes());
    }

    @Test
    void everyVerificationIsAnsweredOnceAlsoOfADeviceThatIsNotThere() throws Exception {
        DeviceProvider provider = open();
        List<DeviceId> ids =
                new ArrayList<>(awaitTable(provider).devices().stream().map(Device::id).toList());
        ids.add(NOBODY);
        for (int round = 0; round < 2; round++) {
            ids.forEach(provider::verify);
            Set<DeviceId> open = new HashSet<>(ids);
            while (!open.isEmpty()) {
                DeviceEvent.Verified answer =
                        await(provider, DeviceEvent.Verified.class, _ -> true);
                assertThat(open.remove(answer.id()))
                        .as("second answer for " + answer.id())
                        .isTrue();
                if (answer.id().equals(NOBODY)) {
                    assertThat(answer.found().clean()).isFalse();
                }
            }
        }
    }

    @Test
    void aResetOfADeviceThatIsNotThereFails() throws Exception {
        DeviceProvider provider = open();
        awaitTable(provider);
        provider.reset(NOBODY);
        DeviceEvent.ResetEnded ended = await(provider, DeviceEvent.ResetEnded.class, _ -> true);
        assertThat(ended.id()).isEqualTo(NOBODY);
        assertThat(ended.failure()).isPresent();
    }

    @Test
    void aSampleReadsDevicesOfTheTableAndIsNotBegunTwice() throws Exception {
        DeviceProvider provider = open();
        DeviceTable table = awaitTable(provider);
        for (int i = 0; i < 5; i++) {
            provider.sample();
        }
        DeviceEvent.Sampled sampled = await(provider, DeviceEvent.Sampled.class, _ -> true);
        Set<DeviceId> known = table.devices().stream().map(Device::id).collect(Collectors.toSet());
        sampled.samples().forEach(sample -> assertThat(known).contains(sample.device()));
        provider.verify(NOBODY);
        await(provider, DeviceEvent.Verified.class, _ -> true);
        assertThat(seen().stream().filter(DeviceEvent.Sampled.class::isInstance)).hasSize(1);
        provider.sample();
        await(provider, DeviceEvent.Sampled.class, _ -> true);
    }

    @Test
    void neitherCommandsNorPollsBlock() throws Exception {
        DeviceProvider provider = open();
        DeviceTable table = awaitTable(provider);
        long worst = 0;
        for (int i = 0; i < 50; i++) {
            long begin = System.nanoTime();
            table.devices().forEach(device -> provider.verify(device.id()));
            provider.sample();
            provider.reset(NOBODY);
            provider.poll(seen()::add, 100);
            worst = Math.max(worst, System.nanoTime() - begin);
        }
        assertThat(worst)
                .as("commands and a poll took " + worst / 1000 + " µs")
                .isLessThan(BLOCKED_NS);
    }

    @Test
    void pollKeepsItsLimitAndHasNothingWhenNothingHappened() throws Exception {
        DeviceProvider provider = open();
        DeviceTable table = awaitTable(provider);
        table.devices().forEach(device -> provider.verify(device.id()));
        provider.sample();
        List<DeviceEvent> events = new ArrayList<>();
        awaitTrue(
                () -> {
                    int before = events.size();
                    int count = provider.poll(events::add, 1);
                    assertThat(count).isBetween(0, 1);
                    assertThat(events.size() - before).isEqualTo(count);
                    return events.stream().anyMatch(DeviceEvent.Sampled.class::isInstance);
                },
                "a sample");
        assertThat(provider.poll(_ -> {}, 0)).isZero();
    }

    @Test
    void closeLeavesNoThreadNoDescriptorAndNoProcessAndMayBeRepeated() throws Exception {
        lifeOfOne();
        // What a class opens at its first use is not the provider's.
        Map<Integer, String> descriptors = descriptors();
        Set<Long> processes = children();
        lifeOfOne();
        awaitTrue(() -> children().equals(processes), "child processes");
        assertThat(descriptors().values())
                .containsExactlyInAnyOrderElementsOf(descriptors.values());
    }

    private void lifeOfOne() throws Exception {
        Set<Thread> threads = threads();
        DeviceProvider provider = open();
        DeviceTable table = awaitTable(provider);
        provider.sample();
        table.devices().forEach(device -> provider.verify(device.id()));
        provider.close();
        provider.close();
        awaitTrue(() -> threads.containsAll(threads()), "threads: " + threads());
        provider.verify(table.devices().getFirst().id());
        provider.reset(NOBODY);
        provider.sample();
        assertThat(threads).containsAll(threads());
        opened.clear();
    }

    @Test
    void closeBeforeTheFirstEventIsFine() throws Exception {
        DeviceProvider provider = open();
        provider.close();
        DeviceProvider silent = newProvider();
        silent.close();
        silent.close();
    }

    private static Set<Thread> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("berth"))
                .collect(Collectors.toSet());
    }

    private static Map<Integer, String> descriptors() throws ErrnoException {
        Map<Integer, String> open = new TreeMap<>(Linux.host().files().openDescriptors());
        open.values().removeIf(target -> target.endsWith(".jar") || target.contains("/proc/"));
        return open;
    }

    private static Set<Long> children() {
        return ProcessHandle.current()
                .children()
                .map(ProcessHandle::pid)
                .collect(Collectors.toSet());
    }
}
