package dev.berth.gpu.ledger;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceRequest;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.choice.Machines;
import dev.berth.gpu.ledger.LedgerEvent.Granted;
import dev.berth.gpu.ledger.LedgerEvent.Refused;
import dev.berth.gpu.ledger.LedgerEvent.Waiting;
import dev.berth.isolator.ContainerId;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * One random history of an agent and its world: requests, launches that fail, exits, answers in any order of devices, lost answers, resets, health, tables, a full journal, and death at any step with recovery. After every step
 * the ledger is held against the world. The same seed is the same history.
 */
final class RandomHistory {
    /** Makes the ledger under test. */
    interface Maker {
        DeviceLedger make(GrantJournal journal, GrantSteps steps);
    }

    /** The agent dies. */
    private static final class Death extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    private static final LedgerSettings SETTINGS = LedgerSettings.DEFAULT;
    static final long SECOND = 1_000_000_000L;

    final Map<GrantStep, Integer> deaths = new EnumMap<>(GrantStep.class);
    long hash = 17;
    int granted;
    int waited;
    int refused;

    private final Maker maker;
    private final Random random;

    /** How many of a hundred steps are answers of the provider. */
    private final int answers;

    private final World world;
    private final Oracle oracle;
    private final Map<ContainerId, List<DeviceId>> launching = new LinkedHashMap<>();
    private Optional<GrantStep> fatal = Optional.empty();
    private boolean resting;
    private boolean discovered;
    private DeviceLedger ledger;
    private int containers;

    RandomHistory(long seed, Maker maker) {
        this.maker = maker;
        this.random = new Random(seed);
        this.answers = 3 + random.nextInt(20);
        this.world = new World(random);
        this.oracle = new Oracle(world, launching);
        this.ledger = recovered();
    }

    /** Runs the history and then lets everything come to rest. */
    void run(int steps) throws DeviceException {
        for (int i = 0; i < steps; i++) {
            if (!discovered && random.nextInt(5) == 0) {
                act(this::discover);
            }
            act(this::step);
            oracle.check(ledger, discovered);
        }
        rest();
    }

    /** An action of the agent, in which it may die. */
    private interface Action {
        void run() throws DeviceException;
    }

    private void act(Action action) throws DeviceException {
        try {
            action.run();
            events();
        } catch (Death _) {
            die();
        }
    }

    private DeviceLedger recovered() {
        while (true) {
            try {
                oracle.forget();
                DeviceLedger fresh = maker.make(this::append, this::reached);
                fresh.replay(
                        List.copyOf(world.journal),
                        new LinkedHashSet<>(world.access.keySet()),
                        world.now);
                for (ContainerId running : world.access.keySet()) {
                    // What it may open is set anew from what it was granted.
                    Set<DeviceId> open = world.open(running);
                    List<DeviceId> held =
                            fresh.grant(running).map(DeviceGrant::devices).orElse(List.of());
                    oracle.require(held.containsAll(open), running + " opens what it lost");
                    open.addAll(held);
                }
                return fresh;
            } catch (Death _) {
                fatal = Optional.empty();
            }
        }
    }

    private void die() throws DeviceException {
        note("death");
        fatal =
                switch (random.nextInt(8)) {
                    case 0 -> Optional.of(GrantStep.RECOVERED);
                    case 1 -> Optional.of(GrantStep.LEFTOVER_JOURNALED);
                    default -> Optional.empty();
                };
        launching.forEach((container, devices) -> {
            // The launch program may have been sent: then the container runs.
            if (random.nextBoolean()) {
                world.open(container).addAll(devices);
            }
        });
        launching.clear();
        world.looks.clear();
        world.resets.clear();
        discovered = false;
        ledger = recovered();
    }

    private void discover() throws DeviceException {
        discovered = true;
        ledger.onTable(world.table(), world.now);
    }

    private void reached(GrantStep step) {
        if (fatal.isPresent() && fatal.get() == step && !resting) {
            fatal = Optional.empty();
            deaths.merge(step, 1, Integer::sum);
            throw new Death();
        }
    }

    /** The agent may die with the record in its hand. */
    private void append(GrantRecord record) throws DeviceException {
        if (!resting && random.nextInt(200) == 0) {
            throw new Death();
        }
        world.append(record);
    }

    private void events() {
        ledger.poll(this::onEvent, Integer.MAX_VALUE);
    }

    private void note(Object what) {
        hash = hash * 31 + what.toString().hashCode();
    }

    private void onEvent(LedgerEvent event) {
        note(event);
        switch (event) {
            case Granted granting -> onGranted(granting);
            case Refused refusal -> {
                refused++;
                oracle.refused(refusal, ledger);
            }
            case Waiting waiting -> {
                waited++;
                oracle.require(waiting.deadlineNs() >= world.now, "a wait that is over");
            }
            case LedgerEvent.AskVerify ask -> world.ask(ask.device());
            case LedgerEvent.AskReset ask -> {
                oracle.require(!world.opened(ask.device()), "reset of a device in use");
                world.resets.add(ask.device());
            }
            case LedgerEvent.Quarantined quarantined -> oracle.quarantined(quarantined.device());
            case LedgerEvent.Released _,
                    LedgerEvent.Clean _,
                    LedgerEvent.Gone _,
                    LedgerEvent.Renumbered _,
                    LedgerEvent.JournalFailed _ -> {}
        }
    }

    private void onGranted(Granted granting) {
        granted++;
        oracle.granted(granting);
        if (world.access.containsKey(granting.container())) {
            world.open(granting.container()).addAll(granting.added());
        } else {
            launching.put(granting.container(), granting.grant().devices());
        }
    }

    private void step() throws DeviceException {
        if (fatal.isEmpty() && random.nextInt(12) == 0) {
            GrantStep[] all = GrantStep.values();
            fatal = Optional.of(all[random.nextInt(all.length)]);
        }
        int dice = random.nextInt(100);
        if (dice < 18) {
            request();
        } else if (dice < 28) {
            launched();
        } else if (dice < 40) {
            exit();
        } else if (dice < 62) {
            if (dice < 40 + answers) {
                answer();
            } else {
                launched();
                exit();
                request();
            }
        } else if (dice < 68) {
            resetAnswer();
        } else if (dice < 77) {
            pass(random.nextInt(10) == 0 ? 15 * SECOND : random.nextInt(600_000_000));
        } else if (dice < 86) {
            live();
        } else {
            rare();
        }
    }

    private void rare() throws DeviceException {
        DeviceId id = any();
        switch (random.nextInt(8)) {
            case 0, 1 -> {
                boolean usable = random.nextInt(3) != 0;
                ledger.setUsable(id, usable, "XID 48", world.now);
                oracle.usable(id, usable);
            }
            case 2 -> table(id);
            case 3 -> {
                world.journalFull = random.nextInt(4) == 0;
                world.journalLags |= world.journalFull;
            }
            case 4 -> {
                if (ledger.table().find(id).isPresent()) {
                    ledger.quarantine(id, "by hand", world.now);
                    oracle.quarantined(id);
                    events();
                    if (random.nextInt(4) != 0) {
                        lift(id);
                    }
                }
            }
            case 5 -> {
                lift(id);
                if (random.nextBoolean()) {
                    world.of(id).dirt = World.Dirt.NONE;
                }
            }
            case 6 -> ledger.recheck(id, world.now);
            default -> compact();
        }
    }

    private void lift(DeviceId id) throws DeviceException {
        if (ledger.view().devices().stream().anyMatch(device -> device.id().equals(id))) {
            oracle.lifted(id);
            ledger.liftQuarantine(id, world.now);
        }
    }

    private void compact() {
        if (!world.journalFull) {
            List<GrantRecord> records = ledger.records();
            world.journal.clear();
            world.journal.addAll(records);
        }
    }

    private void table(DeviceId id) throws DeviceException {
        World.Metal metal = world.of(id);
        if (random.nextBoolean()) {
            metal.present = !metal.present;
        } else {
            metal.numbers++;
        }
        world.generation++;
        discover();
    }

    private DeviceId any() {
        List<Device> devices = world.machine.devices();
        return devices.get(random.nextInt(devices.size())).id();
    }

    private void request() {
        // An answer that is returned is newer than those that are still to be taken.
        events();
        ContainerId container = LedgerDesk.container(++containers);
        Selection selection = selection();
        oracle.asked(container, selection, world.now + SETTINGS.waitNs());
        LedgerEvent.Answer answer =
                ledger.request(
                        container,
                        new DeviceRequest(Machines.RESOURCE, selection, Set.of()),
                        world.now);
        onEvent(answer);
    }

    private Selection selection() {
        int size = world.machine.devices().size();
        return switch (random.nextInt(8)) {
            case 0 -> new Selection.All();
            case 1, 2 -> {
                List<String> names = new ArrayList<>();
                for (int i = 0; i <= random.nextInt(3); i++) {
                    names.add(Integer.toString(random.nextInt(size)));
                }
                yield new Selection.Named(names);
            }
            case 3 -> new Selection.Count(1 + random.nextInt(size + 1));
            default -> new Selection.Count(1 + random.nextInt(2));
        };
    }

    private Optional<ContainerId> one(Set<ContainerId> of) {
        return of.isEmpty()
                ? Optional.empty()
                : Optional.of(List.copyOf(of).get(random.nextInt(of.size())));
    }

    private void launched() {
        Optional<ContainerId> container = one(launching.keySet());
        if (container.isEmpty()) {
            return;
        }
        List<DeviceId> devices = launching.remove(container.get());
        if (random.nextInt(5) == 0) {
            ledger.release(container.get(), world.now);
        } else if (devices != null) {
            world.open(container.get()).addAll(devices);
        }
    }

    private void exit() {
        if (random.nextInt(6) == 0) {
            oracle.waiting().stream()
                    .findAny()
                    .ifPresent(container -> {
                        oracle.answered(container);
                        ledger.cancel(container, world.now);
                    });
            return;
        }
        one(world.access.keySet()).ifPresent(this::exit);
    }

    private void exit(ContainerId container) {
        Set<DeviceId> used = world.open(container);
        world.access.remove(container);
        used.forEach(world::soil);
        oracle.answered(container);
        ledger.release(container, world.now);
        if (random.nextInt(10) == 0) {
            ledger.release(container, world.now);
        }
    }

    /** Live attach and detach. */
    private void live() throws DeviceException {
        Optional<ContainerId> running = one(world.access.keySet());
        if (running.isEmpty() || oracle.waits(running.get())) {
            return;
        }
        ContainerId container = running.get();
        Set<DeviceId> open = world.open(container);
        if (random.nextBoolean() || open.isEmpty()) {
            Selection selection = selection();
            oracle.asked(container, selection, world.now + SETTINGS.waitNs());
            onEvent(ledger.attach(container, selection, world.now));
        } else {
            DeviceId id = List.copyOf(open).get(random.nextInt(open.size()));
            open.remove(id);
            world.soil(id);
            ledger.detach(container, List.of(id), world.now);
        }
    }

    private void answer() {
        if (world.looks.isEmpty()) {
            return;
        }
        World.Look look = world.answerable();
        if (random.nextInt(30) == 0 || !world.of(look.device()).present) {
            ledger.notVerified(look.device(), "the driver hangs", world.now);
        } else {
            ledger.verified(
                    look.device(),
                    look.seen().orElseGet(() -> world.look(look.device())),
                    world.now);
        }
    }

    private void resetAnswer() {
        DeviceId id = world.resets.poll();
        if (id != null && random.nextInt(40) != 0) {
            ledger.resetEnded(id, world.reset(id), world.now);
        }
    }

    private void pass(long ns) {
        world.now += ns;
        // The provider answers within its deadline, or never.
        world.looks.removeIf(look -> world.now - look.askedNs() > SETTINGS.answerNs() / 2);
        ledger.tick(world.now);
        world.journalLags = world.journalFull;
        events();
        oracle.checkDeadlines();
    }

    /** Everything ends, everything answers: nothing may be lost. */
    private void rest() throws DeviceException {
        fatal = Optional.empty();
        resting = true;
        world.journalFull = false;
        for (World.Metal metal : world.metal.values()) {
            metal.present = true;
            oracle.usable(metal.device.id(), true);
            act(() -> ledger.setUsable(metal.device.id(), true, "", world.now));
        }
        world.generation++;
        act(this::discover);
        for (int round = 0; round < 400 && !settled(); round++) {
            List.copyOf(launching.keySet())
                    .forEach(container -> {
                        launching.remove(container);
                        ledger.release(container, world.now);
                    });
            List.copyOf(world.access.keySet()).forEach(this::exit);
            events();
            int open = world.looks.size() + world.resets.size();
            for (int i = 0; i < open; i++) {
                act(this::answer);
                act(this::resetAnswer);
            }
            pass(SECOND);
            oracle.check(ledger, discovered);
        }
        oracle.require(settled(), "not at rest: " + ledger.view());
        for (World.Metal metal : world.metal.values()) {
            metal.dirt = World.Dirt.NONE;
            act(() -> lift(metal.device.id()));
        }
        for (int round = 0; round < 400 && !allFree(); round++) {
            int open = world.looks.size();
            for (int i = 0; i < open; i++) {
                act(this::answer);
            }
            pass(SECOND);
        }
        oracle.require(allFree(), "a device is lost: " + ledger.view());
    }

    private boolean settled() {
        LedgerView view = ledger.view();
        return view.waiting().isEmpty()
                && launching.isEmpty()
                && view.devices().stream()
                        .allMatch(device ->
                                device.state() == DeviceState.FREE
                                        || device.state() == DeviceState.QUARANTINED);
    }

    private boolean allFree() {
        return ledger.view().devices().size() == world.metal.size()
                && ledger.view().devices().stream()
                        .allMatch(device -> device.state() == DeviceState.FREE);
    }
}
