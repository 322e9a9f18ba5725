package dev.berth.gpu.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.gpu.DeviceId;
import dev.berth.gpu.health.DeviceHealth.Cure;
import dev.berth.gpu.health.DeviceHealth.Incident;
import dev.berth.gpu.health.DeviceHealth.State;
import dev.berth.gpu.health.DeviceHealth.Suspicion;
import dev.berth.isolator.ContainerId;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;

final class HealthPolicyTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long NOW = 1_800_000_000L * SECOND;
    private static final DeviceId GPU = new DeviceId("GPU-1");
    private static final ContainerId A = new ContainerId("a".repeat(64));
    private static final ContainerId B = new ContainerId("b".repeat(64));

    private final HealthSettings settings = HealthSettings.DEFAULT;
    private final HealthPolicy policy = new HealthPolicy(settings);

    /** Each state as a column of the table; the deadline of those that have one has passed at {@link #NOW}. */
    private static Map<String, DeviceHealth> columns() {
        Map<String, DeviceHealth> columns = new LinkedHashMap<>();
        columns.put("H", health(State.HEALTHY, Suspicion.NONE, Cure.NONE));
        columns.put("Sa", health(State.SUSPECT, Suspicion.APPLICATION, Cure.NONE));
        columns.put("Sf", health(State.SUSPECT, Suspicion.FAULT, Cure.NONE));
        columns.put("Su", health(State.SUSPECT, Suspicion.UNREACHABLE, Cure.NONE));
        columns.put("Dr", health(State.DRAINING, Suspicion.NONE, Cure.RESET));
        columns.put("Do", health(State.DRAINING, Suspicion.NONE, Cure.OPERATOR));
        columns.put("R", health(State.RESETTING, Suspicion.NONE, Cure.NONE).withResets(1));
        columns.put("V", health(State.VERIFYING, Suspicion.NONE, Cure.NONE));
        columns.put("Fb", health(State.FAILED, Suspicion.NONE, Cure.REBOOT));
        columns.put("Fo", health(State.FAILED, Suspicion.NONE, Cure.OPERATOR));
        return columns;
    }

    private static DeviceHealth health(State state, Suspicion suspicion, Cure cure) {
        return DeviceHealth.healthy(GPU, NOW - 10 * SECOND)
                .in(state, suspicion, cure, state == State.HEALTHY ? "" : "why", NOW - 5 * SECOND)
                .withDeadline(NOW);
    }

    private static List<Incident> incidents(int programs, int faults) {
        List<Incident> list = new ArrayList<>();
        for (int i = 0; i < programs; i++) {
            list.add(
                    new Incident(
                            NOW - (i + 1) * 60 * SECOND,
                            31,
                            true,
                            Optional.of(i % 2 == 0 ? A : B)));
        }
        for (int i = 0; i < faults; i++) {
            list.add(new Incident(NOW - (i + 1) * 60 * SECOND, 999, false, Optional.empty()));
        }
        return list;
    }

    /** One row of the table: an input, and what the device went through before it. */
    private record Row(HealthInput input, int programs, int faults, int resets, long atNs) {
        Row(HealthInput input) {
            this(input, 0, 0, 0, NOW);
        }
    }

    private static Map<String, Row> rows() {
        Map<String, Row> rows = new LinkedHashMap<>();
        HealthInput app = new HealthInput.ApplicationFault(31, "XID 31", Optional.of(A));
        HealthInput fault = new HealthInput.DeviceFault(999, "XID 999");
        rows.put("Noted", new Row(new HealthInput.Noted()));
        rows.put("ApplicationFault", new Row(app));
        rows.put("ApplicationFault, Kth", new Row(app, 2, 0, 0, NOW));
        rows.put("DeviceFault", new Row(fault));
        rows.put("DeviceFault, Kth", new Row(fault, 0, 2, 0, NOW));
        rows.put("Needs NONE", new Row(new HealthInput.Needs(Cure.NONE, false, "n")));
        rows.put(
                "Needs VERIFICATION",
                new Row(new HealthInput.Needs(Cure.VERIFICATION, false, "n")));
        rows.put("Needs RESET", new Row(new HealthInput.Needs(Cure.RESET, true, "n")));
        rows.put(
                "Needs RESET, had all",
                new Row(new HealthInput.Needs(Cure.RESET, true, "n"), 0, 0, 2, NOW));
        rows.put("Needs REBOOT", new Row(new HealthInput.Needs(Cure.REBOOT, true, "n")));
        rows.put("Needs OPERATOR", new Row(new HealthInput.Needs(Cure.OPERATOR, false, "n")));
        rows.put("Unreachable", new Row(new HealthInput.Unreachable("hung")));
        rows.put("Reachable", new Row(new HealthInput.Reachable()));
        rows.put("EventsLost", new Row(new HealthInput.EventsLost()));
        rows.put("Held", new Row(new HealthInput.Held()));
        rows.put("Idle", new Row(new HealthInput.Idle()));
        rows.put("Clean", new Row(new HealthInput.Clean()));
        rows.put("Dirty, reset helps", new Row(new HealthInput.Dirty("d", true)));
        rows.put("Dirty, had all", new Row(new HealthInput.Dirty("d", true), 0, 0, 2, NOW));
        rows.put("Dirty, no help", new Row(new HealthInput.Dirty("d", false)));
        rows.put("ResetDone", new Row(new HealthInput.ResetDone()));
        rows.put("ResetFailed", new Row(new HealthInput.ResetFailed("r")));
        rows.put("ResetFailed, the last", new Row(new HealthInput.ResetFailed("r"), 0, 0, 2, NOW));
        rows.put("Released", new Row(new HealthInput.Released()));
        rows.put("Elapsed, too early", new Row(new HealthInput.Elapsed(), 0, 0, 0, NOW - 1));
        rows.put("Elapsed", new Row(new HealthInput.Elapsed()));
        return rows;
    }

    private static DeviceHealth before(DeviceHealth column, Row row, boolean held) {
        return column.withHeld(held)
                .withIncidents(incidents(row.programs(), row.faults()))
                .withResets(Math.max(column.resets(), row.resets()));
    }

    private static String shortName(DeviceHealth health) {
        return switch (health.state()) {
            case HEALTHY -> "H";
            case SUSPECT ->
                    switch (health.suspicion()) {
                        case NONE -> "S?";
                        case APPLICATION -> "Sa";
                        case FAULT -> "Sf";
                        case UNREACHABLE -> "Su";
                    };
            case DRAINING -> "D" + letter(health.cure());
            case RESETTING -> "R";
            case VERIFYING -> "V";
            case FAILED -> "F" + letter(health.cure());
        };
    }

    private static String letter(Cure cure) {
        return switch (cure) {
            case NONE -> "?";
            case VERIFICATION -> "v";
            case RESET -> "r";
            case REBOOT -> "b";
            case OPERATOR -> "o";
        };
    }

    private String table() {
        StringBuilder text = new StringBuilder(String.format(Locale.ROOT, "%-21s", "input"));
        columns().keySet().forEach(name -> text.append(String.format(Locale.ROOT, " %-5s", name)));
        rows().forEach((rowName, row) -> {
            text.append("\n").append(String.format(Locale.ROOT, "%-21s", rowName));
            columns()
                    .values()
                    .forEach(column -> {
                        String held =
                                shortName(
                                        policy.next(
                                                        before(column, row, true),
                                                        row.input(),
                                                        row.atNs())
                                                .health());
                        String idle =
                                shortName(
                                        policy.next(
                                                        before(column, row, false),
                                                        row.input(),
                                                        row.atNs())
                                                .health());
                        text.append(
                                String.format(
                                        Locale.ROOT,
                                        " %-5s",
                                        held.equals(idle) ? held : held + "|" + idle));
                    });
        });
        return text.toString().lines().map(String::stripTrailing).collect(Collectors.joining("\n"));
    }

    @Test
    void theTableInThePackageDocumentationIsWhatThePolicyDoes() throws IOException {
        Path source = Path.of("src/main/java/dev/berth/gpu/health/package-info.java");
        String documented =
                Files.readString(source, StandardCharsets.UTF_8)
                        .lines()
                        .dropWhile(line -> !line.startsWith(" * input"))
                        .takeWhile(line -> !line.contains("</pre>"))
                        .map(line -> line.substring(3))
                        .collect(Collectors.joining("\n"));
        Files.writeString(Path.of("target/health-table.txt"), table(), StandardCharsets.UTF_8);
        assertThat(documented)
                .as("the table in package-info; the right one is in target/health-table.txt")
                .isEqualTo(table());
    }

    @Test
    void everyInputAndEveryStateIsInTheTable() {
        assertThat(
                        rows().values().stream()
                                .map(row -> row.input().getClass())
                                .collect(Collectors.toSet()))
                .isEqualTo(java.util.Set.of(HealthInput.class.getPermittedSubclasses()));
        assertThat(columns().values().stream().map(DeviceHealth::state).collect(Collectors.toSet()))
                .isEqualTo(java.util.Set.of(State.values()));
    }

    @Test
    void everyStepKeepsTheInvariants() {
        rows().values()
                .forEach(row ->
                        columns()
                                .values()
                                .forEach(column -> {
                                    for (boolean held : new boolean[] {true, false}) {
                                        DeviceHealth before = before(column, row, held);
                                        check(
                                                before,
                                                row.input(),
                                                policy.next(before, row.input(), row.atNs()));
                                    }
                                }));
    }

    @Test
    void noRandomWalkBreaksTheInvariants() {
        long seed = 20261122;
        Random random = new Random(seed);
        List<HealthInput> inputs = rows().values().stream().map(Row::input).toList();
        for (HealthPolicy one : List.of(policy, new HealthPolicy(settings.killing(60 * SECOND)))) {
            DeviceHealth health = DeviceHealth.healthy(GPU, NOW);
            long now = NOW;
            for (int i = 0; i < 300_000; i++) {
                HealthInput input = inputs.get(random.nextInt(inputs.size()));
                if (input instanceof HealthInput.Held && !health.usable()) {
                    continue; // the ledger gives out usable devices only
                }
                now += random.nextInt(8) == 0 ? -SECOND : random.nextLong(200 * SECOND);
                HealthPolicy.Step step = one.next(health, input, now);
                check(health, input, step);
                health = step.health();
            }
        }
    }

    private static void check(DeviceHealth before, HealthInput input, HealthPolicy.Step step) {
        DeviceHealth after = step.health();
        String what = before + " -- " + input + " -> " + step;
        List<HealthAction> actions = step.actions();
        boolean entered = before.state() != after.state();
        assertThat(after.incidents().size())
                .as(what)
                .isLessThanOrEqualTo(DeviceHealth.MAX_INCIDENTS);
        assertThat((after.state() == State.SUSPECT) == (after.suspicion() != Suspicion.NONE))
                .as(what)
                .isTrue();
        assertThat(after.state() == State.DRAINING || after.state() == State.FAILED)
                .as(what)
                .isEqualTo(after.cure() != Cure.NONE);
        assertThat(has(actions, HealthAction.SetUsable.class))
                .as(what)
                .isEqualTo(before.usable() != after.usable());
        boolean changed =
                entered || before.suspicion() != after.suspicion() || before.cure() != after.cure();
        assertThat(has(actions, HealthAction.Changed.class)).as(what).isEqualTo(changed);
        assertThat(has(actions, HealthAction.Persist.class))
                .as(what)
                .isEqualTo(changed && after.durable());
        assertThat(has(actions, HealthAction.Forget.class))
                .as(what)
                .isEqualTo(before.durable() && !after.durable());
        if (after.durable() && changed) {
            assertThat(actions.getFirst()).as(what).isInstanceOf(HealthAction.Persist.class);
        }
        if (has(actions, HealthAction.Reset.class)) {
            assertThat(after.state()).as(what).isEqualTo(State.RESETTING);
            assertThat(after.held()).as("reset of a held device: " + what).isFalse();
        }
        if (entered && after.state() == State.RESETTING) {
            assertThat(has(actions, HealthAction.Reset.class)).as(what).isTrue();
            assertThat(after.deadlineNs()).as(what).isLessThan(DeviceHealth.NEVER);
        }
        if (entered && after.state() == State.VERIFYING) {
            assertThat(has(actions, HealthAction.Verify.class)).as(what).isTrue();
            assertThat(after.deadlineNs()).as(what).isLessThan(DeviceHealth.NEVER);
        }
        assertThat(after.reason().isEmpty()).as(what).isEqualTo(after.state() == State.HEALTHY);
    }

    private static boolean has(List<HealthAction> actions, Class<? extends HealthAction> kind) {
        return actions.stream().anyMatch(kind::isInstance);
    }

    private DeviceHealth feed(DeviceHealth health, HealthInput input, long now) {
        return policy.next(health, input, now).health();
    }

    private static HealthInput app(ContainerId container) {
        return new HealthInput.ApplicationFault(31, "XID 31", Optional.ofNullable(container));
    }

    @Test
    void oneContainerThatFailsOverAndOverDoesNotTakeTheDeviceAway() {
        DeviceHealth health = DeviceHealth.healthy(GPU, NOW).withHeld(true);
        for (int i = 0; i < 50; i++) {
            health = feed(health, app(A), NOW + i * 20 * SECOND);
            assertThat(health.usable()).isTrue();
        }
        assertThat(health.counters().applicationFaults()).isEqualTo(50);
    }

    @Test
    void faultsOfTwoContainersDrainEvenThoughEachVerificationFoundItClean() {
        DeviceHealth health = DeviceHealth.healthy(GPU, NOW);
        List<ContainerId> who = List.of(A, B, A);
        for (int i = 0; i < 3; i++) {
            health = feed(health, new HealthInput.Held(), NOW + i * 60 * SECOND);
            health = feed(health, app(who.get(i)), NOW + i * 60 * SECOND + SECOND);
            if (i < 2) {
                health = feed(health, new HealthInput.Idle(), NOW + i * 60 * SECOND + 2 * SECOND);
                health = feed(health, new HealthInput.Clean(), NOW + i * 60 * SECOND + 3 * SECOND);
                assertThat(health.state()).isEqualTo(State.HEALTHY);
            }
        }
        assertThat(health.state()).isEqualTo(State.DRAINING);
        assertThat(health.reason()).contains("3 faults of programs in 2 containers within 10 min");
        health = feed(health, new HealthInput.Idle(), NOW + 300 * SECOND);
        assertThat(health.state()).isEqualTo(State.RESETTING);
        health = feed(health, new HealthInput.ResetDone(), NOW + 310 * SECOND);
        health = feed(health, new HealthInput.Clean(), NOW + 311 * SECOND);
        assertThat(health.state()).isEqualTo(State.HEALTHY);
        assertThat(health.incidents()).isEmpty();
        assertThat(health.counters().resets()).isEqualTo(1);
    }

    @Test
    void oneCrashThatSaysManyXidsCountsOnce() {
        DeviceHealth health = DeviceHealth.healthy(GPU, NOW).withHeld(true);
        for (int i = 0; i < 40; i++) {
            health = feed(health, app(A), NOW + i * 100_000_000L);
        }
        assertThat(health.incidents()).hasSize(1);
        // NVML does not know the process, the kernel's log a moment later does
        DeviceHealth other = feed(DeviceHealth.healthy(GPU, NOW).withHeld(true), app(null), NOW);
        other = feed(other, app(B), NOW + SECOND);
        assertThat(other.incidents()).hasSize(1);
        assertThat(other.incidents().getFirst().container()).contains(B);
    }

    @Test
    void faultsOutOfTheWindowAreForgotten() {
        DeviceHealth health = DeviceHealth.healthy(GPU, NOW).withHeld(true);
        health = feed(health, app(A), NOW);
        health = feed(health, app(B), NOW + 60 * SECOND);
        health = feed(health, app(A), NOW + 1000 * SECOND);
        assertThat(health.state()).isEqualTo(State.SUSPECT);
        assertThat(health.incidents()).hasSize(1);
        health = feed(health, new HealthInput.Elapsed(), NOW + 1000 * SECOND + settings.windowNs());
        assertThat(health.state()).isEqualTo(State.HEALTHY);
    }

    @Test
    void holdersOfALostDeviceAreEndedAtOnceOnlyWhereTheSettingsSaySo() {
        HealthInput lost = new HealthInput.Needs(Cure.REBOOT, true, "lost");
        HealthInput remap = new HealthInput.Needs(Cure.RESET, false, "remap");
        DeviceHealth held = DeviceHealth.healthy(GPU, NOW).withHeld(true);
        assertThat(policy.next(held, lost, NOW).actions())
                .noneMatch(HealthAction.KillHolders.class::isInstance);
        HealthPolicy killing = new HealthPolicy(settings.killing(60 * SECOND));
        assertThat(killing.next(held, lost, NOW).actions())
                .anyMatch(HealthAction.KillHolders.class::isInstance);
        HealthPolicy.Step draining = killing.next(held, remap, NOW);
        assertThat(draining.actions()).noneMatch(HealthAction.KillHolders.class::isInstance);
        assertThat(draining.health().deadlineNs()).isEqualTo(NOW + 60 * SECOND);
        HealthPolicy.Step after =
                killing.next(draining.health(), new HealthInput.Elapsed(), NOW + 60 * SECOND);
        assertThat(after.actions()).containsExactly(new HealthAction.KillHolders(GPU, "remap"));
        assertThat(
                        killing.next(after.health(), new HealthInput.Elapsed(), NOW + 120 * SECOND)
                                .actions())
                .isEmpty();
    }

    @Test
    void everyDurableStateIsRestored() {
        for (boolean held : new boolean[] {true, false}) {
            for (boolean rebooted : new boolean[] {true, false}) {
                for (State state : State.values()) {
                    for (Cure cure : Cure.values()) {
                        HealthRecord record =
                                new HealthRecord(GPU, state, cure, "why", NOW, "boot-1");
                        HealthPolicy.Step step =
                                policy.restored(
                                        record, held, rebooted ? "boot-2" : "boot-1", NOW + SECOND);
                        boolean durable = state != State.HEALTHY && state != State.SUSPECT;
                        assertThat(step.health().usable())
                                .as(record + " " + held)
                                .isEqualTo(!durable);
                        if (held) {
                            assertThat(step.actions())
                                    .noneMatch(HealthAction.Reset.class::isInstance);
                        }
                        if (state == State.FAILED) {
                            boolean cured = rebooted && cure == Cure.REBOOT && !held;
                            assertThat(step.health().state())
                                    .isEqualTo(cured ? State.VERIFYING : State.FAILED);
                        }
                    }
                }
            }
        }
    }
}
