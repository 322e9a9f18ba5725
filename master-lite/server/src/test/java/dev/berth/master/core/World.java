package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import dev.berth.master.allocator.AllocatorOptions;
import dev.berth.master.allocator.DrfAllocator;
import dev.berth.master.cluster.AgentLink;
import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.cluster.Answer;
import dev.berth.master.cluster.Chronicle;
import dev.berth.master.cluster.FrameworkStream;
import dev.berth.master.cluster.MasterSettings;
import dev.berth.master.cluster.OperatorStream;
import dev.berth.master.cluster.Registry;
import dev.berth.master.ids.AgentId;
import dev.berth.master.operator.Readings;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.link.Link.FromMaster;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.AgentInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo.Capability;
import dev.berth.protocol.v1.Protos.MasterInfo;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.Value;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** A core with a clock that tests drive, a registry that answers when they say, and streams and links that record. */
final class World {
    static final long START = TimeUnit.DAYS.toNanos(20_000);

    /** Events of one subscription. */
    static final class Stream implements FrameworkStream {
        final String id;
        final List<Event> events = new ArrayList<>();
        boolean closed;
        boolean full;

        Stream(String id) {
            this.id = id;
        }

        @Override
        public String id() {
            return id;
        }

        @Override
        public boolean send(Event event) {
            if (full || closed) {
                return false;
            }
            events.add(event);
            return true;
        }

        @Override
        public void close() {
            closed = true;
        }

        List<Event> of(Event.Type type) {
            return events.stream().filter(event -> event.getType() == type).toList();
        }

        List<TaskStatus> updates() {
            return of(Event.Type.UPDATE).stream().map(e -> e.getUpdate().getStatus()).toList();
        }

        TaskStatus lastUpdate() {
            return updates().getLast();
        }

        List<Offer> offers() {
            List<Offer> offers = new ArrayList<>();
            of(Event.Type.OFFERS).forEach(e -> offers.addAll(e.getOffers().getOffersList()));
            return offers;
        }
    }

    /** Messages to one connection of an agent. */
    static final class Wire implements AgentLink {
        final List<FromMaster> messages = new ArrayList<>();
        boolean closed;
        boolean full;
        String address = "10.0.0.1";

        @Override
        public boolean send(FromMaster message) {
            if (full || closed) {
                return false;
            }
            messages.add(message);
            return true;
        }

        @Override
        public void close() {
            closed = true;
        }

        @Override
        public String peerAddress() {
            return address;
        }

        List<FromMaster> of(FromMaster.MessageCase type) {
            return messages.stream().filter(m -> m.getMessageCase() == type).toList();
        }

        AgentId id() {
            return new AgentId(messages.getFirst().getRegistered().getAgentId().getValue());
        }
    }

    /** Events of one operator. */
    static final class Follower implements OperatorStream {
        final List<dev.berth.protocol.v1.master.Protos.Event> events = new ArrayList<>();
        boolean closed;
        boolean full;

        @Override
        public boolean send(dev.berth.protocol.v1.master.Protos.Event event) {
            if (full || closed) {
                return false;
            }
            events.add(event);
            return true;
        }

        @Override
        public boolean sendLater(Supplier<dev.berth.protocol.v1.master.Protos.Event> make) {
            return send(make.get());
        }

        @Override
        public void close() {
            closed = true;
        }

        List<dev.berth.protocol.v1.master.Protos.Event.Type> types() {
            return events.stream().map(dev.berth.protocol.v1.master.Protos.Event::getType).toList();
        }
    }

    /** A registry in memory. */
    static final class Shelf implements Registry {
        final Map<AgentId, AgentRecord> agents = new LinkedHashMap<>();
        Map<String, Double> weights = Map.of();
        final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
        Optional<Result> failure = Optional.empty();

        @Override
        public void put(AgentRecord agent, Consumer<Result> done) {
            write(() -> agents.put(agent.id(), agent), done);
        }

        @Override
        public void remove(AgentId agent, Consumer<Result> done) {
            write(() -> agents.remove(agent), done);
        }

        @Override
        public void putWeights(Map<String, Double> all, Consumer<Result> done) {
            write(() -> weights = all, done);
        }

        private void write(Runnable write, Consumer<Result> done) {
            Optional<Result> fails = failure;
            waiting.add(() -> {
                if (fails.isEmpty()) {
                    write.run();
                }
                done.accept(fails.orElse(Result.STORED));
            });
        }

        Registry.Contents contents() {
            return new Registry.Contents(List.copyOf(agents.values()), weights);
        }
    }

    final Shelf shelf;
    final MasterCore core;

    /** What the chronicle was told; warnings begin with "!". */
    final List<String> said = new ArrayList<>();

    long now;
    private int streams;
    private int uuids;

    World() {
        this(new Shelf(), "M", START);
    }

    World(Shelf shelf, String masterId, long now) {
        this.shelf = shelf;
        this.now = now;
        shelf.waiting.clear();
        MasterInfo info =
                MasterInfo.newBuilder()
                        .setId(masterId)
                        .setIp(16777343)
                        .setPort(5050)
                        .setHostname("m1")
                        .setPid("master@127.0.0.1:5050")
                        .setVersion("1.11.0")
                        .build();
        core =
                new MasterCore(
                        MasterSettings.of(info, Map.of("work_dir", "/x"), now)
                                .chronicle(
                                        new Chronicle() {
                                            @Override
                                            public void note(String sentence) {
                                                said.add(sentence);
                                            }

                                            @Override
                                            public void warn(String sentence) {
                                                said.add("! " + sentence);
                                            }
                                        }),
                        shelf,
                        shelf.contents(),
                        new DrfAllocator(AllocatorOptions.defaults(1)),
                        now);
    }

    /** Another master over the same registry. */
    World next(String masterId) {
        return new World(shelf, masterId, now);
    }

    /** Lets the registry answer, and does what is due. */
    World settle() {
        for (int i = 0; i < 100; i++) {
            while (!shelf.waiting.isEmpty()) {
                shelf.waiting.remove().run();
            }
            if (core.tick(now) > now && shelf.waiting.isEmpty()) {
                return this;
            }
        }
        throw new AssertionError("the core is never done");
    }

    World pass(double seconds) {
        now += (long) (seconds * 1e9);
        return settle();
    }

    static FrameworkInfo.Builder framework(String name, Capability.Type... capabilities) {
        FrameworkInfo.Builder info =
                FrameworkInfo.newBuilder().setUser("root").setName(name).setFailoverTimeout(60);
        for (Capability.Type each : capabilities) {
            info.addCapabilities(Capability.newBuilder().setType(each));
        }
        return info;
    }

    Stream subscribe(FrameworkInfo info) {
        Stream stream = new Stream("s" + streams++);
        Call.Builder call =
                Call.newBuilder()
                        .setType(Call.Type.SUBSCRIBE)
                        .setSubscribe(Call.Subscribe.newBuilder().setFrameworkInfo(info));
        if (info.hasId()) {
            call.setFrameworkId(info.getId());
        }
        assertThat(core.subscribe(call.build(), Optional.empty(), stream, now).status())
                .isEqualTo(200);
        settle();
        return stream;
    }

    static Protos.FrameworkID id(Stream stream) {
        return stream.of(Event.Type.SUBSCRIBED).getFirst().getSubscribed().getFrameworkId();
    }

    Answer call(Stream stream, Call.Builder call) {
        Answer answer =
                core.call(
                        call.setFrameworkId(id(stream)).build(),
                        Optional.of(stream.id),
                        Optional.empty(),
                        now);
        settle();
        return answer;
    }

    Answer accept(Stream stream, Offer offer, TaskInfo... tasks) {
        return call(
                stream,
                Call.newBuilder()
                        .setType(Call.Type.ACCEPT)
                        .setAccept(
                                Call.Accept.newBuilder()
                                        .addOfferIds(offer.getId())
                                        .addOperations(launch(tasks))));
    }

    static Offer.Operation launch(TaskInfo... tasks) {
        return Offer.Operation.newBuilder()
                .setType(Offer.Operation.Type.LAUNCH)
                .setLaunch(Offer.Operation.Launch.newBuilder().addAllTaskInfos(List.of(tasks)))
                .build();
    }

    static Resource scalar(String name, double value) {
        return Resource.newBuilder()
                .setName(name)
                .setType(Value.Type.SCALAR)
                .setScalar(Value.Scalar.newBuilder().setValue(value))
                .build();
    }

    static Resource ports(long begin, long end) {
        return Resource.newBuilder()
                .setName("ports")
                .setType(Value.Type.RANGES)
                .setRanges(
                        Value.Ranges.newBuilder()
                                .addRange(Value.Range.newBuilder().setBegin(begin).setEnd(end)))
                .build();
    }

    static TaskInfo task(String id, Offer offer, Resource... resources) {
        return TaskInfo.newBuilder()
                .setName(id)
                .setTaskId(Protos.TaskID.newBuilder().setValue(id))
                .setAgentId(offer.getAgentId())
                .setCommand(Protos.CommandInfo.newBuilder().setValue("sleep 1"))
                .addAllResources(
                        resources.length == 0
                                ? List.of(scalar("cpus", 1), scalar("mem", 64))
                                : List.of(resources))
                .build();
    }

    static AgentInfo.Builder machine(String hostname, Resource... resources) {
        return AgentInfo.newBuilder()
                .setHostname(hostname)
                .setPort(5051)
                .addAllResources(
                        resources.length == 0
                                ? List.of(
                                        scalar("cpus", 4),
                                        scalar("mem", 1024),
                                        scalar("disk", 1024),
                                        ports(31000, 32000))
                                : List.of(resources));
    }

    static Link.Register.Builder register(AgentInfo.Builder info) {
        return Link.Register.newBuilder()
                .setProtocol(1)
                .setAgentInfo(info)
                .setVersion("0.1.0")
                .setBootId("b");
    }

    Wire open(Link.Register.Builder register) {
        Wire wire = new Wire();
        core.agentOpened(wire, register.build(), now);
        settle();
        return wire;
    }

    Wire agent(String hostname, Resource... resources) {
        return open(register(machine(hostname, resources)));
    }

    /** A status update of an agent; the uuid that it carries. */
    ByteString update(Wire wire, Protos.FrameworkID framework, String task, TaskState state) {
        byte[] uuid = new byte[16];
        uuid[0] = (byte) uuids;
        uuid[1] = (byte) (uuids++ >> 8);
        TaskStatus status =
                TaskStatus.newBuilder()
                        .setTaskId(Protos.TaskID.newBuilder().setValue(task))
                        .setState(state)
                        .setUuid(ByteString.copyFrom(uuid))
                        .setSource(TaskStatus.Source.SOURCE_EXECUTOR)
                        .build();
        core.agentSaid(
                wire,
                Link.FromAgent.newBuilder()
                        .setStatusUpdate(
                                Link.StatusUpdate.newBuilder()
                                        .setFrameworkId(framework)
                                        .setStatus(status))
                        .build(),
                now);
        settle();
        return status.getUuid();
    }

    Answer acknowledge(Stream stream, Wire wire, String task, ByteString uuid) {
        return call(
                stream,
                Call.newBuilder()
                        .setType(Call.Type.ACKNOWLEDGE)
                        .setAcknowledge(
                                Call.Acknowledge.newBuilder()
                                        .setAgentId(
                                                Protos.AgentID.newBuilder()
                                                        .setValue(wire.id().value()))
                                        .setTaskId(Protos.TaskID.newBuilder().setValue(task))
                                        .setUuid(uuid)));
    }

    void close(Wire wire) {
        wire.closed = true;
        core.agentClosed(wire, now);
        settle();
    }

    void beat(Wire wire) {
        core.agentSaid(
                wire,
                Link.FromAgent.newBuilder()
                        .setHeartbeat(Link.Heartbeat.getDefaultInstance())
                        .build(),
                now);
    }

    Answer operator(dev.berth.protocol.v1.master.Protos.Call.Builder call) {
        List<Answer> answers = new ArrayList<>();
        core.operator(call.build(), answers::add, now);
        settle();
        assertThat(answers).hasSize(1);
        return answers.getFirst();
    }

    Readings read() {
        return new Readings(core.moment(true, now));
    }

    dev.berth.protocol.v1.master.Protos.Response ask(
            dev.berth.protocol.v1.master.Protos.Call.Type type) {
        return read().answer(type);
    }
}
