package dev.berth.tests.bench.scale;

import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.OfferID;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * What the whole master costs: agents register, are offered to a hundred frameworks, run tasks, and come back after a change of the master. Wall-clock times are taken where the bytes arrive; the clients share the
 * machine's processors with the master, so that the master's own processor time is told beside them. After each phase the books of the clients and the master's must agree.
 */
public final class ScaleBench {
    private static final int TASKS_EACH = 10;
    private static final double NO_FILTER = 0;
    private static final PrintStream OUT =
            new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final LiveMaster master;
    private final World world;
    private final Operator operator;
    private final Random random = new Random(1);
    private final int[] owners;
    private int live;

    private ScaleBench(Path registry, int agents, int frameworks) throws IOException {
        master = new LiveMaster(registry);
        master.lead();
        world = new World(master);
        operator = new Operator(world);
        owners = new int[agents];
        world.addAgents(agents);
        world.addFrameworks(frameworks);
    }

    /** Arguments: {@code AGENTS FRAMEWORKS PASSES EVENTS}. */
    public static void main(String[] args) throws Exception {
        int agents = Integer.parseInt(args[0]);
        int frameworks = Integer.parseInt(args[1]);
        Path folder = Files.createTempDirectory("berth-scale-");
        OUT.printf(
                Locale.ROOT,
                "%d agents (8 GPUs, 128 cpus each), %d frameworks in 10 roles, half of them in JSON; registry in SQLite%n",
                agents,
                frameworks);
        ScaleBench bench = new ScaleBench(folder.resolve("registry.db"), agents, frameworks);
        int code = 0;
        try {
            bench.run(Integer.parseInt(args[2]), Integer.parseInt(args[3]));
        } catch (Exception e) {
            e.printStackTrace(System.err);
            code = 1;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
        // Ten thousand connections need not be taken down one by one.
        System.exit(code);
    }

    private void run(int passes, int events) throws Exception {
        memory("an empty master and its silent clients");
        register();
        subscribe();
        memory("with all agents and frameworks");
        passes(passes);
        launch();
        memory("with " + live + " running tasks");
        state();
        new Events(master, world, random).run(events);
        operator.check(live, world);
        beats();
        change();
        operator.check(live, world);
        state();
    }

    /** Time and processors from here to {@link #line}. */
    private record Meter(long wallNs, long loopNs, long coreNs, long registryNs) {
        static Meter start() {
            return new Meter(
                    System.nanoTime(),
                    LiveMaster.cpuNs("berth-http"),
                    LiveMaster.cpuNs("berth-master"),
                    LiveMaster.cpuNs("berth-registry"));
        }

        void line(String what, long untilNs, int count, String of) {
            double seconds = (untilNs - wallNs) / 1e9;
            OUT.printf(
                    Locale.ROOT,
                    "%-62s %7.0f ms, %8.0f %s/s; master's processor time per one: %.1f us loop, %.1f us core, %.1f us registry%n",
                    what,
                    seconds * 1e3,
                    count / seconds,
                    of,
                    (LiveMaster.cpuNs("berth-http") - loopNs) / 1e3 / count,
                    (LiveMaster.cpuNs("berth-master") - coreNs) / 1e3 / count,
                    (LiveMaster.cpuNs("berth-registry") - registryNs) / 1e3 / count);
        }
    }

    private static void memory(String when) {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        Runtime runtime = Runtime.getRuntime();
        OUT.printf(
                Locale.ROOT,
                "%-62s %7d MiB of heap in use, clients included%n",
                "memory " + when,
                (runtime.totalMemory() - runtime.freeMemory()) >> 20);
    }

    private void register() {
        List<byte[]> registrations = new ArrayList<>();
        for (SimAgent agent : world.agents()) {
            registrations.add(agent.registration(List.of(), List.of()));
        }
        Meter meter = Meter.start();
        enter(registrations);
        meter.line("all agents register", System.nanoTime(), registrations.size(), "agents");
        world.beating(true);
    }

    private void enter(List<byte[]> registrations) {
        world.run(() -> {
            for (int i = 0; i < registrations.size(); i++) {
                world.agents().get(i).register(registrations.get(i));
            }
        });
        World.await(
                "all agents are registered", () -> world.registrations() == world.agents().size());
    }

    private void subscribe() throws InterruptedException {
        for (SimFramework framework : world.frameworks()) {
            framework.connection().run(() -> framework.subscribe(true));
        }
        for (SimFramework framework : world.frameworks()) {
            while (!framework.isSubscribed()) {
                var _ = world.await("SUBSCRIBED", _ -> true);
            }
        }
    }

    private void passes(int count) throws Exception {
        long[] whole = new long[count];
        long[] core = new long[count];
        long[] cpu = new long[count];
        long bytes = 0;
        for (int i = 0; i < count; i++) {
            Runnable go = master.hold();
            all(Call.Type.REVIVE);
            // The calls are on the conductor's queue by then: it has nothing else to do.
            LockSupport.parkNanos(150_000_000);
            long cpuNs = LiveMaster.cpuNs("berth-http") + LiveMaster.cpuNs("berth-master");
            long startNs = System.nanoTime();
            go.run();
            master.settle();
            core[i] = System.nanoTime() - startNs;
            List<SimFramework.Seen> all = world.quiet();
            cpu[i] = LiveMaster.cpuNs("berth-http") + LiveMaster.cpuNs("berth-master") - cpuNs;
            long lastNs = startNs;
            bytes = 0;
            for (SimFramework.Seen seen : all) {
                if (world.book(seen).getType() == Event.Type.OFFERS) {
                    lastNs = Math.max(lastNs, seen.atNs());
                    bytes += seen.record().length;
                }
            }
            whole[i] = lastNs - startNs;
            int free = world.held().size();
            if (free != world.agents().size()) {
                throw new IllegalStateException("a full pass made " + free + " offers");
            }
            operator.check(live, world);
            if (i < count - 1) {
                giveBack();
            }
        }
        Rows.milliseconds("full pass: all agents free, all frameworks revive: offers made", core);
        Rows.milliseconds("... until the last offer has come to its framework", whole);
        Rows.milliseconds("... the master's processor time, encoding included", cpu);
        OUT.printf(
                Locale.ROOT,
                "... %d offers, %.1f MB of events%n",
                world.agents().size(),
                bytes / 1e6);
    }

    private void all(Call.Type type) {
        for (SimFramework framework : world.frameworks()) {
            framework.connection().run(() -> framework.call(Call.newBuilder().setType(type)));
        }
    }

    /** Nobody wants anything any more. */
    private void giveBack() throws Exception {
        all(Call.Type.SUPPRESS);
        Map<SimFramework, List<OfferID>> byFramework = new HashMap<>();
        world.held()
                .values()
                .forEach(held ->
                        byFramework
                                .computeIfAbsent(held.framework(), _ -> new ArrayList<>())
                                .add(held.offer().getId()));
        List<CompletableFuture<Boolean>> answers = new ArrayList<>();
        byFramework.forEach((framework, offers) -> {
            CompletableFuture<Boolean> answer = new CompletableFuture<>();
            answers.add(answer);
            framework
                    .connection()
                    .run(() -> framework.decline(offers, NO_FILTER, _ -> answer.complete(true)));
        });
        world.held().clear();
        for (CompletableFuture<Boolean> answer : answers) {
            answer.get();
        }
        if (!world.quiet().stream()
                .allMatch(seen -> seen.event().getType() == Event.Type.HEARTBEAT)) {
            throw new IllegalStateException("offers came though nobody wanted any");
        }
    }

    private List<TaskInfo> tasks(SimFramework framework, SimAgent agent) {
        List<TaskInfo> tasks = new ArrayList<>();
        for (int i = 0; i < TASKS_EACH; i++) {
            tasks.add(World.task(framework, agent, String.valueOf(i), i == 0));
        }
        return tasks;
    }

    private void launch() throws Exception {
        world.obedient(true);
        List<World.Held> offers = new ArrayList<>(world.held().values());
        Collections.shuffle(offers, random);
        world.held().clear();
        live = offers.size() * TASKS_EACH;
        int before = world.acknowledgements();
        Meter meter = Meter.start();
        for (World.Held held : offers) {
            owners[held.agent().number()] = held.framework().number();
            Call.Builder call = Events.accept(held.offer(), tasks(held.framework(), held.agent()));
            held.framework().connection().run(() -> held.framework().call(call));
        }
        World.await("all tasks run", () -> world.acknowledgements() - before == live);
        meter.line(
                "10 tasks on each agent: ACCEPT, running, acknowledged",
                System.nanoTime(),
                live,
                "tasks");
        world.obedient(false);
        world.quiet().forEach(world::book);
        operator.check(live, world);
    }

    private interface Question {
        Connection.Reply ask() throws Exception;
    }

    private void state() throws Exception {
        asked("GET_STATE in protobuf", () -> operator.state(false));
        asked("GET_STATE in JSON", () -> operator.state(true));
        for (String page : List.of("/state", "/state-summary", "/metrics/snapshot")) {
            asked("GET " + page, () -> operator.page(page));
        }
    }

    private void asked(String what, Question question) throws Exception {
        long[] times = new long[7];
        long[] core = new long[times.length];
        int bytes = 0;
        for (int i = 0; i < times.length; i++) {
            long coreNs = LiveMaster.cpuNs("berth-master");
            Connection.Reply reply = question.ask();
            core[i] = LiveMaster.cpuNs("berth-master") - coreNs;
            times[i] = reply.atNs() - reply.sentNs();
            bytes = reply.body().length;
        }
        Rows.milliseconds(
                String.format(Locale.ROOT, "%s, %d tasks, %.1f MB", what, live, bytes / 1e6),
                times);
        Rows.milliseconds("... of it on the core's thread", core);
    }

    private void beats() throws InterruptedException {
        world.beating(false);
        int rounds = 20;
        Meter meter = Meter.start();
        for (int i = 0; i < rounds; i++) {
            CompletableFuture<Boolean> said = new CompletableFuture<>();
            world.run(() -> {
                world.agents().forEach(SimAgent::heartbeat);
                said.complete(true);
            });
            said.join();
        }
        long[] last = {LiveMaster.cpuNs("berth-http")};
        World.await(
                "the heartbeats are read",
                () -> {
                    LockSupport.parkNanos(30_000_000);
                    long now = LiveMaster.cpuNs("berth-http");
                    boolean idle = now - last[0] < 1_000_000;
                    last[0] = now;
                    return idle;
                });
        master.settle();
        meter.line(
                "heartbeats of all agents at once, 20 times",
                System.nanoTime(),
                rounds * world.agents().size(),
                "heartbeats");
        world.beating(true);
    }

    /** The master changes: everybody comes back to one that has only the registry. */
    private void change() throws Exception {
        world.beating(false);
        master.follow();
        master.lead();
        world.reconnect();
        operator.reconnect(world);
        Map<Integer, FrameworkInfo> infos = new HashMap<>();
        world.frameworks().forEach(each -> infos.put(each.number(), each.info()));
        List<byte[]> registrations = new ArrayList<>();
        for (SimAgent agent : world.agents()) {
            SimFramework owner = world.frameworks().get(owners[agent.number()]);
            List<Protos.Task> running = new ArrayList<>();
            for (TaskInfo task : tasks(owner, agent)) {
                running.add(
                        Protos.Task.newBuilder()
                                .setName(task.getName())
                                .setTaskId(task.getTaskId())
                                .setFrameworkId(owner.id())
                                .setAgentId(task.getAgentId())
                                .setState(TaskState.TASK_RUNNING)
                                .addAllResources(
                                        task.getResourcesList().stream()
                                                .map(r ->
                                                        r.toBuilder()
                                                                .setAllocationInfo(
                                                                        Protos.Resource
                                                                                .AllocationInfo
                                                                                .newBuilder()
                                                                                .setRole(
                                                                                        owner
                                                                                                .role()))
                                                                .build())
                                                .toList())
                                .build());
            }
            registrations.add(agent.registration(List.of(infos.get(owner.number())), running));
        }
        Meter meter = Meter.start();
        for (SimFramework framework : world.frameworks()) {
            framework.connection().run(() -> framework.subscribe(false));
        }
        enter(registrations);
        meter.line(
                "after a change of the master, all agents with their tasks",
                System.nanoTime(),
                registrations.size(),
                "agents");
        world.beating(true);
        long lastNs = meter.wallNs();
        for (SimFramework.Seen seen : world.quiet()) {
            if (world.book(seen).getType() == Event.Type.OFFERS) {
                lastNs = Math.max(lastNs, seen.atNs());
            }
        }
        OUT.printf(
                Locale.ROOT,
                "%-62s %7.0f ms%n",
                "... until the last offer of them has come",
                (lastNs - meter.wallNs()) / 1e6);
    }
}
