package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.Count;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.Registry;
import dev.berth.master.cluster.Task;
import dev.berth.master.operator.Page;
import dev.berth.master.operator.PageQuery;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.AgentInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/** One random history: calls, messages, breaks and waits. */
final class RandomHistory {
    private static final int STEPS = 1500;

    private World world = new World();
    private final long seed;
    private final SplittableRandom random;
    private final RandomValues values;
    private final List<World.Stream> streams = new ArrayList<>();
    private final List<World.Wire> wires = new ArrayList<>();
    private final List<World.Follower> followers = new ArrayList<>();
    private final List<ByteString> uuids = new ArrayList<>();
    private final Moments moments = new Moments();
    private int masters;

    private final Map<Count, Long> counts = new EnumMap<>(Count.class);

    RandomHistory(long seed) {
        this.seed = seed;
        random = new SplittableRandom(seed);
        values = new RandomValues(random);
    }

    /** How often each thing that is counted happened. */
    Map<Count, Long> counts() {
        return counts;
    }

    private void count() {
        for (Count count : Count.values()) {
            counts.merge(count, world.core.cluster().counts().value(count), Long::sum);
        }
    }

    /** Runs it; throws with its seed and step when something does not hold. */
    void run() {
        uuids.add(ByteString.copyFrom(new byte[16]));
        for (int step = 0; step < STEPS; step++) {
            String what = "";
            try {
                what = step();
                world.core.tick(world.now);
                // Links and streams that the core closed are mostly noticed.
                if (random.nextInt(10) > 0) {
                    streams.removeIf(stream -> stream.closed);
                    wires.removeIf(wire -> wire.closed);
                }
                Invariants.check(world);
                moments.check(world, step);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed + ", step " + step + ": " + what, e);
            }
        }
        for (Page page : Page.values()) {
            assertThat(world.read().page(page, PageQuery.NONE)).isNotNull();
        }
        assertThat(world.read().prometheus()).isNotEmpty();
        world.shelf.failure = Optional.empty();
        world.settle();
        Invariants.check(world);
        count();
    }

    private String step() {
        switch (random.nextInt(24)) {
            case 0 -> {
                subscribe();
                return "subscribe";
            }
            case 1 -> {
                register();
                return "register";
            }
            case 2 -> {
                values.pick(streams)
                        .filter(_ -> random.nextInt(4) == 0)
                        .ifPresent(s -> {
                            s.closed = true;
                            world.core.streamClosed(s, world.now);
                        });
                return "stream closed";
            }
            case 3 -> {
                values.pick(wires)
                        .filter(_ -> random.nextInt(4) == 0)
                        .ifPresent(w -> {
                            w.closed = true;
                            world.core.agentClosed(w, world.now);
                        });
                return "agent closed";
            }
            case 4 -> {
                world.now += random.nextInt(9) * 1_000_000_000L;
                // Most agents say that they live.
                wires.stream().filter(w -> random.nextInt(8) > 0).forEach(world::beat);
                return "time";
            }
            case 5, 6 -> {
                while (!world.shelf.waiting.isEmpty()) {
                    world.shelf.waiting.remove().run();
                }
                return "registry";
            }
            case 7 -> {
                world.shelf.failure =
                        random.nextInt(4) == 0
                                ? Optional.of(Registry.Result.failed("disk full"))
                                : Optional.empty();
                return "registry mood";
            }
            case 8 -> {
                operator();
                return "operator";
            }
            case 9 -> {
                values.pick(streams).ifPresent(s -> s.full = random.nextInt(30) == 0);
                values.pick(wires).ifPresent(w -> w.full = random.nextInt(30) == 0);
                values.pick(followers).ifPresent(f -> f.full = random.nextInt(4) == 0);
                return "slow";
            }
            case 10, 11, 12, 13, 14 -> {
                accept();
                return "accept";
            }
            case 15, 16, 17, 18 -> {
                said();
                return "agent said";
            }
            case 19 -> {
                if (random.nextInt(20) == 0) {
                    count();
                    world = world.next("N" + masters++);
                    streams.clear();
                    wires.clear();
                    followers.clear();
                }
                return "master";
            }
            default -> {
                return call();
            }
        }
    }

    private void subscribe() {
        World.Stream stream = new World.Stream("s" + random.nextInt());
        FrameworkInfo.Builder info = values.info();
        List<Framework> known = List.copyOf(world.core.cluster().frameworks());
        if (random.nextBoolean() || known.size() > 5) {
            values.pick(known).ifPresent(f -> info.setId(f.info().getId()));
        }
        Call.Builder call =
                Call.newBuilder()
                        .setType(Call.Type.SUBSCRIBE)
                        .setSubscribe(Call.Subscribe.newBuilder().setFrameworkInfo(info));
        if (info.hasId()) {
            call.setFrameworkId(info.getId());
        }
        world.core.subscribe(call.build(), Optional.empty(), stream, world.now);
        if (!stream.closed) {
            streams.add(stream);
        }
    }

    private void register() {
        if (wires.size() > 6 && random.nextInt(4) > 0) {
            return;
        }
        AgentInfo.Builder info =
                World.machine(
                        "h" + random.nextInt(4),
                        World.scalar("cpus", 1 + random.nextInt(8)),
                        World.scalar("mem", 128 * (1 + random.nextInt(16))),
                        World.scalar("disk", 1024),
                        World.ports(31000, 31000 + random.nextInt(100)));
        if (random.nextInt(3) == 0) {
            info.addResources(World.scalar("gpus", random.nextInt(3)));
        }
        Link.Register.Builder register = World.register(info);
        List<Protos.AgentID> ids = new ArrayList<>();
        world.core.cluster().agents().forEach(a -> ids.add(a.info().getId()));
        world.core
                .cluster()
                .unreachable()
                .keySet()
                .forEach(a -> ids.add(dev.berth.master.cluster.Wire.agentId(a)));
        world.core
                .cluster()
                .recovered()
                .keySet()
                .forEach(a -> ids.add(dev.berth.master.cluster.Wire.agentId(a)));
        world.core
                .cluster()
                .gone()
                .keySet()
                .forEach(a -> ids.add(dev.berth.master.cluster.Wire.agentId(a)));
        if (random.nextInt(3) > 0) {
            values.pick(ids)
                    .ifPresent(id -> {
                        register.getAgentInfoBuilder().setId(id);
                        reported(register, id);
                    });
        }
        World.Wire wire = new World.Wire();
        world.core.agentOpened(wire, register.build(), world.now);
        wires.add(wire);
    }

    private void reported(Link.Register.Builder register, Protos.AgentID id) {
        for (Framework framework : world.core.cluster().frameworks()) {
            register.addFrameworks(framework.info());
            List<Task> tasks = new ArrayList<>(framework.live().values());
            tasks.addAll(framework.unreachable().values());
            for (Task task : tasks) {
                if (task.value().getAgentId().equals(id) && random.nextInt(3) > 0) {
                    register.addTasks(
                            task.value().toBuilder()
                                    .setState(
                                            random.nextBoolean()
                                                    ? TaskState.TASK_RUNNING
                                                    : TaskState.TASK_FAILED));
                }
            }
        }
        world.core
                .cluster()
                .agent(dev.berth.master.cluster.Wire.agentId(id))
                .ifPresent(agent ->
                        agent.executors()
                                .values()
                                .forEach(e -> {
                                    if (random.nextBoolean()) {
                                        register.addExecutors(e.info());
                                    }
                                }));
        for (Framework framework : world.core.cluster().completedFrameworks()) {
            if (random.nextInt(3) == 0) {
                register.addFrameworks(framework.info());
            }
        }
        if (random.nextInt(3) == 0) {
            String stranger = "X-" + random.nextInt(5);
            register.addFrameworks(
                    values.info().setId(Protos.FrameworkID.newBuilder().setValue(stranger)));
            register.addTasks(
                    Protos.Task.newBuilder()
                            .setName("x")
                            .setTaskId(Protos.TaskID.newBuilder().setValue("x" + random.nextInt(9)))
                            .setFrameworkId(Protos.FrameworkID.newBuilder().setValue(stranger))
                            .setAgentId(id)
                            .setState(TaskState.TASK_RUNNING));
        }
    }

    private void accept() {
        Optional<World.Stream> stream = values.pick(streams).filter(s -> !s.offers().isEmpty());
        if (stream.isEmpty()) {
            return;
        }
        Offer offer = values.offer(stream.get());
        Call.Accept.Builder accept = Call.Accept.newBuilder().addOfferIds(offer.getId());
        if (random.nextInt(4) == 0) {
            accept.addOfferIds(values.offer(stream.get()).getId());
        }
        for (int i = random.nextInt(3); i > 0; i--) {
            if (random.nextInt(3) == 0) {
                accept.addOperations(values.group(offer));
            } else {
                accept.addOperations(World.launch(values.task(offer), values.task(offer)));
            }
        }
        accept.setFilters(Protos.Filters.newBuilder().setRefuseSeconds(random.nextInt(3) - 1));
        send(values.to(stream.get()).setType(Call.Type.ACCEPT).setAccept(accept), stream.get());
    }

    private String call() {
        Optional<World.Stream> stream = values.pick(streams);
        if (stream.isEmpty()) {
            return "no call";
        }
        Call.Builder call = values.to(stream.get());
        Call.Type type = Call.Type.values()[random.nextInt(Call.Type.values().length)];
        if (type == Call.Type.SUBSCRIBE || (type == Call.Type.TEARDOWN && random.nextInt(5) > 0)) {
            type = Call.Type.KILL;
        }
        call.setType(type);
        Protos.TaskID task = Protos.TaskID.newBuilder().setValue("t" + random.nextInt(40)).build();
        Protos.AgentID agent =
                values.pick(List.copyOf(world.core.cluster().agents()))
                        .map(a -> a.info().getId())
                        .orElse(Protos.AgentID.newBuilder().setValue("nobody").build());
        if (random.nextInt(10) > 0) {
            call.setKill(Call.Kill.newBuilder().setTaskId(task))
                    .setAcknowledge(
                            Call.Acknowledge.newBuilder()
                                    .setAgentId(agent)
                                    .setTaskId(task)
                                    .setUuid(uuids.getLast()))
                    .setShutdown(
                            Call.Shutdown.newBuilder()
                                    .setAgentId(agent)
                                    .setExecutorId(Protos.ExecutorID.newBuilder().setValue("e1")))
                    .setReconcile(Call.Reconcile.newBuilder());
            if (random.nextBoolean()) {
                call.getReconcileBuilder()
                        .addTasks(
                                Call.Reconcile.Task.newBuilder().setTaskId(task).setAgentId(agent))
                        .addTasks(Call.Reconcile.Task.newBuilder().setTaskId(task));
            }
            if (!stream.get().offers().isEmpty()) {
                call.setDecline(
                        Call.Decline.newBuilder().addOfferIds(values.offer(stream.get()).getId()));
            }
            call.setUpdateFramework(
                    Call.UpdateFramework.newBuilder()
                            .setFrameworkInfo(values.info().setId(call.getFrameworkId())));
        }
        send(call, stream.get());
        return "call " + type;
    }

    private void send(Call.Builder call, World.Stream stream) {
        int status =
                world.core
                        .call(
                                call.build(),
                                random.nextInt(20) == 0 ? Optional.empty() : Optional.of(stream.id),
                                Optional.empty(),
                                world.now)
                        .status();
        assertThat(status).isIn(200, 202, 400, 403, 501);
    }

    private void said() {
        Optional<World.Wire> wire = values.pick(wires).filter(w -> !w.messages.isEmpty());
        if (wire.isEmpty() || !wire.get().messages.getFirst().hasRegistered()) {
            return;
        }
        Optional<Agent> agent = world.core.cluster().agent(wire.get().id());
        Optional<Task> task = agent.flatMap(a -> values.pick(List.copyOf(a.tasks().values())));
        Link.FromAgent.Builder message = Link.FromAgent.newBuilder();
        switch (random.nextInt(12)) {
            case 0 ->
                    message.setResourcesChanged(
                            Link.ResourcesChanged.newBuilder()
                                    .addResources(World.scalar("cpus", random.nextInt(9)))
                                    .addResources(World.scalar("mem", random.nextInt(2000) - 50)));
            case 1 -> {
                if (random.nextInt(10) == 0) {
                    message.setLeaving(Link.Leaving.getDefaultInstance());
                }
            }
            case 2 ->
                    agent.flatMap(a -> values.pick(List.copyOf(a.executors().values())))
                            .ifPresent(e ->
                                    message.setExecutorExited(
                                            Link.ExecutorExited.newBuilder()
                                                    .setFrameworkId(
                                                            dev.berth.master.cluster.Wire
                                                                    .frameworkId(e.framework()))
                                                    .setExecutorId(e.info().getExecutorId())
                                                    .setStatus(9)));
            case 3 ->
                    values.pick(List.copyOf(world.core.cluster().frameworks()))
                            .ifPresent(f ->
                                    message.setStatusUpdate(
                                            Link.StatusUpdate.newBuilder()
                                                    .setFrameworkId(f.info().getId())
                                                    .setStatus(
                                                            TaskStatus.newBuilder()
                                                                    .setTaskId(
                                                                            Protos.TaskID
                                                                                    .newBuilder()
                                                                                    .setValue(
                                                                                            "nobody's"))
                                                                    .setUuid(uuids.getLast())
                                                                    .setState(
                                                                            TaskState
                                                                                    .TASK_FAILED))));
            default ->
                    task.ifPresent(t -> {
                        TaskState state =
                                TaskState.values()[random.nextInt(TaskState.values().length)];
                        TaskStatus.Builder status =
                                TaskStatus.newBuilder()
                                        .setTaskId(t.value().getTaskId())
                                        .setState(state);
                        if (random.nextInt(10) > 0) {
                            byte[] uuid = new byte[16];
                            random.nextBytes(uuid);
                            uuids.add(ByteString.copyFrom(uuid));
                            status.setUuid(uuids.getLast());
                        }
                        message.setStatusUpdate(
                                Link.StatusUpdate.newBuilder()
                                        .setFrameworkId(t.value().getFrameworkId())
                                        .setStatus(status));
                        if (random.nextInt(3) == 0) {
                            message.getStatusUpdateBuilder().setLatestState(TaskState.TASK_FAILED);
                        }
                    });
        }
        world.core.agentSaid(wire.get(), message.build(), world.now);
        if (task.isPresent() && message.hasStatusUpdate() && random.nextBoolean()) {
            streams.stream()
                    .filter(s -> !s.closed)
                    .filter(s -> World.id(s).equals(task.get().value().getFrameworkId()))
                    .findAny()
                    .ifPresent(s ->
                            send(
                                    values.to(s)
                                            .setType(Call.Type.ACKNOWLEDGE)
                                            .setAcknowledge(
                                                    Call.Acknowledge.newBuilder()
                                                            .setAgentId(
                                                                    task.get().value().getAgentId())
                                                            .setTaskId(
                                                                    task.get().value().getTaskId())
                                                            .setUuid(uuids.getLast())),
                                    s));
        }
    }

    private void operator() {
        var types = dev.berth.protocol.v1.master.Protos.Call.Type.values();
        var call =
                dev.berth.protocol.v1.master.Protos.Call.newBuilder()
                        .setType(types[random.nextInt(types.length)]);
        switch (random.nextInt(8)) {
            case 0 ->
                    values.pick(List.copyOf(world.core.cluster().agents()))
                            .filter(_ -> random.nextInt(5) == 0)
                            .ifPresent(a ->
                                    call.setType(
                                                    dev.berth.protocol.v1.master.Protos.Call.Type
                                                            .MARK_AGENT_GONE)
                                            .getMarkAgentGoneBuilder()
                                            .setAgentId(a.info().getId()));
            case 1 ->
                    call.setType(dev.berth.protocol.v1.master.Protos.Call.Type.UPDATE_WEIGHTS)
                            .getUpdateWeightsBuilder()
                            .addWeightInfos(
                                    Protos.WeightInfo.newBuilder()
                                            .setRole("a")
                                            .setWeight(random.nextInt(4)));
            case 2 -> {
                World.Follower follower = new World.Follower();
                followers.add(follower);
                world.core.subscribeOperator(follower, world.now);
                return;
            }
            case 3 -> {
                values.pick(followers).ifPresent(world.core::operatorClosed);
                return;
            }
            case 4 -> {
                world.read()
                        .page(Page.values()[random.nextInt(Page.values().length)], PageQuery.NONE);
                return;
            }
            default -> {}
        }
        world.core.operator(
                call.build(),
                answer -> assertThat(answer.status()).isIn(200, 400, 404, 501, 503),
                world.now);
    }
}
