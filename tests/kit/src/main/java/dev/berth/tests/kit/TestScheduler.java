package dev.berth.tests.kit;

import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.RecordIo;
import dev.berth.protocol.v1.Protos.AgentID;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.OfferID;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * A scheduler of a few lines on the v1 API, in protobuf: keeps every event with its time, acknowledges updates unless it is told not to, and when its stream ends subscribes again, with the same id, at whichever master
 * leads.
 *
 * <p>Thread: a thread of its own reads; everything else from any.
 */
public final class TestScheduler implements AutoCloseable {
    private static final String PROTOBUF = "application/x-protobuf";
    private static final String PATH = "/api/v1/scheduler";
    private static final Duration ANSWER = Duration.ofSeconds(2);
    private static final long AGAIN_NS = 20_000_000;
    private static final int LONGEST_EVENT = 64 << 20;
    private static final int BUFFER = 1 << 16;
    private static final double PIECE_BACK_SECONDS = 0.1;

    /** Usual for tests: may fail over within an hour, and is told everything. */
    public static final FrameworkInfo FRAMEWORK = TestCalls.FRAMEWORK;

    /**
     * An event.
     *
     * @param atNs {@link System#nanoTime} when it was read
     */
    public record Seen(long atNs, Event event) {}

    /** The answer to a call. */
    public record Answer(int status, String text) {
        /** Fails on anything but 202. */
        public Answer accepted() throws IOException {
            if (status != 202) {
                throw new IOException("the master answers " + status + ": " + text);
            }
            return this;
        }
    }

    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(ANSWER)
                    .build();
    private final FrameworkInfo info;
    private final List<URI> masters;
    private final Optional<String> token;
    private final List<Seen> events = new ArrayList<>();
    private final Map<String, Offer> offers = new LinkedHashMap<>();
    private final Thread thread;
    private volatile Predicate<TaskStatus> acknowledges = _ -> true;
    private volatile Optional<FrameworkID> id = Optional.empty();
    private volatile Optional<String> streamId = Optional.empty();
    private volatile Optional<InputStream> open = Optional.empty();
    private volatile URI master;
    private volatile String trouble = "";
    private volatile boolean closed;
    private int subscriptions;

    private TestScheduler(FrameworkInfo info, List<URI> masters, Optional<String> token) {
        this.info = info;
        this.masters = masters;
        this.token = token;
        master = masters.getFirst();
        if (info.hasId()) {
            id = Optional.of(info.getId());
        }
        thread = Thread.ofPlatform().daemon().name("test-scheduler").start(this::read);
    }

    /** Subscribes; returns when it is. With {@code info.id} it takes a known framework over. */
    public static TestScheduler subscribe(
            FrameworkInfo info, Collection<URI> masters, Optional<String> token) throws Exception {
        TestScheduler made = new TestScheduler(info, List.copyOf(masters), token);
        try {
            made.await("it is subscribed", 30, () -> made.subscriptions() > 0);
            return made;
        } catch (TimeoutException | InterruptedException e) {
            made.close();
            throw e;
        }
    }

    /** The usual framework, at one master. */
    public static TestScheduler subscribe(MasterNode master) throws Exception {
        return subscribe(FRAMEWORK, List.of(master.uri()), master.token());
    }

    private void read() {
        int next = 0;
        while (!closed) {
            URI at = masters.get(next++ % masters.size());
            try {
                Optional<URI> leader = once(at);
                if (leader.isPresent()) {
                    var _ = once(leader.get());
                }
            } catch (IOException | ProtocolException e) {
                trouble = at + ": " + e;
            } catch (InterruptedException _) {
                return;
            }
            if (!closed) {
                LockSupport.parkNanos(AGAIN_NS);
            }
        }
    }

    /** One stream to its end; or who leads instead. */
    private Optional<URI> once(URI at) throws IOException, ProtocolException, InterruptedException {
        Call.Builder call = Call.newBuilder().setType(Call.Type.SUBSCRIBE);
        FrameworkInfo.Builder framework = info.toBuilder();
        id.ifPresent(known -> {
            call.setFrameworkId(known);
            framework.setId(known);
        });
        call.getSubscribeBuilder().setFrameworkInfo(framework);
        HttpResponse<InputStream> answer =
                http.send(
                        request(at, call.build().toByteArray(), Optional.empty()),
                        HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream in = answer.body()) {
            if (answer.statusCode() == 307) {
                String location = answer.headers().firstValue("Location").orElse("");
                return Optional.of(
                        URI.create("http:" + location.substring(0, authority(location))));
            }
            if (answer.statusCode() != 200) {
                trouble =
                        at
                                + " answers "
                                + answer.statusCode()
                                + " "
                                + new String(in.readAllBytes(), StandardCharsets.UTF_8);
                return Optional.empty();
            }
            master = at;
            streamId = answer.headers().firstValue("Mesos-Stream-Id");
            open = Optional.of(in);
            follow(in);
            return Optional.empty();
        } finally {
            open = Optional.empty();
            streamId = Optional.empty();
        }
    }

    /** Where the authority of {@code //host:port/path} ends. */
    private static int authority(String location) {
        int slash = location.indexOf('/', 2);
        return slash < 0 ? location.length() : slash;
    }

    private void follow(InputStream in) throws IOException, ProtocolException {
        RecordIo records = new RecordIo(LONGEST_EVENT);
        byte[] buffer = new byte[BUFFER];
        for (int got = in.read(buffer); got >= 0; got = in.read(buffer)) {
            List<byte[]> whole = new ArrayList<>();
            records.read(ByteBuffer.wrap(buffer, 0, got), whole::add);
            for (byte[] record : whole) {
                onEvent(TestCalls.event(record));
            }
        }
    }

    private void onEvent(Event event) {
        long now = System.nanoTime();
        synchronized (events) {
            events.add(new Seen(now, event));
            switch (event.getType()) {
                case SUBSCRIBED -> {
                    id = Optional.of(event.getSubscribed().getFrameworkId());
                    offers.clear();
                    subscriptions++;
                }
                case OFFERS ->
                        event.getOffers()
                                .getOffersList()
                                .forEach(offer -> offers.put(offer.getId().getValue(), offer));
                case RESCIND -> offers.remove(event.getRescind().getOfferId().getValue());
                default -> {}
            }
            events.notifyAll();
        }
        if (event.getType() == Event.Type.UPDATE) {
            TaskStatus status = event.getUpdate().getStatus();
            if (status.hasUuid() && acknowledges.test(status)) {
                acknowledgeLater(status);
            }
        }
    }

    private HttpRequest request(URI to, byte[] call, Optional<String> stream) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(to.resolve(PATH))
                        .header("Content-Type", PROTOBUF)
                        .header("Accept", PROTOBUF)
                        .timeout(ANSWER)
                        .POST(HttpRequest.BodyPublishers.ofByteArray(call));
        stream.ifPresent(known -> request.header("Mesos-Stream-Id", known));
        token.ifPresent(secret -> request.header("Authorization", "Bearer " + secret));
        return request.build();
    }

    /** Makes any call in this framework's name, at the master that it is subscribed at. */
    public Answer call(Call.Builder call) throws IOException, InterruptedException {
        HttpResponse<String> answer = http.send(signed(call), HttpResponse.BodyHandlers.ofString());
        return new Answer(answer.statusCode(), answer.body());
    }

    private HttpRequest signed(Call.Builder call) {
        id.ifPresent(call::setFrameworkId);
        return request(master, call.build().toByteArray(), streamId);
    }

    /** Which updates are acknowledged as they come; at first all are. */
    public void acknowledges(Predicate<TaskStatus> which) {
        acknowledges = which;
    }

    /** One that is lost on its way comes again: the agent sends the update again. */
    private void acknowledgeLater(TaskStatus status) {
        var _ =
                http.sendAsync(
                        signed(TestCalls.acknowledgement(status)),
                        HttpResponse.BodyHandlers.discarding());
    }

    public Answer acknowledge(TaskStatus status) throws IOException, InterruptedException {
        return call(TestCalls.acknowledgement(status));
    }

    /** A command on the host's programs, run by {@code /bin/sh}; the agent is the offer's. */
    public static TaskInfo.Builder command(String id, String shell, double cpus, double mem) {
        return TestCalls.command(id, shell, cpus, mem);
    }

    /** So much of a resource. */
    public static Resource scalar(String name, double value) {
        return TestCalls.scalar(name, value);
    }

    /** How much an offer has of a resource, in all. */
    public static double amount(Offer offer, String name) {
        return offer.getResourcesList().stream()
                .filter(resource -> resource.getName().equals(name))
                .mapToDouble(resource -> resource.getScalar().getValue())
                .sum();
    }

    /** Launches all of them on one offer, and gives the rest back. */
    public Answer launch(Offer offer, List<TaskInfo.Builder> tasks)
            throws IOException, InterruptedException {
        Offer.Operation.Builder operation =
                Offer.Operation.newBuilder().setType(Offer.Operation.Type.LAUNCH);
        for (TaskInfo.Builder task : tasks) {
            operation.getLaunchBuilder().addTaskInfos(task.setAgentId(offer.getAgentId()));
        }
        return accept(offer, operation);
    }

    /** Does one operation on one offer, and gives the rest back. */
    public Answer accept(Offer offer, Offer.Operation.Builder operation)
            throws IOException, InterruptedException {
        forget(offer.getId());
        return call(TestCalls.accept(offer, operation));
    }

    /** Gives an offer back, for so long. */
    public Answer decline(Offer offer, double seconds) throws IOException, InterruptedException {
        forget(offer.getId());
        return call(TestCalls.decline(offer, seconds));
    }

    private void forget(OfferID offer) {
        synchronized (events) {
            offers.remove(offer.getValue());
        }
    }

    public Answer kill(String task, AgentID agent) throws IOException, InterruptedException {
        return call(TestCalls.kill(task, agent));
    }

    /** Asks how these tasks are; how all are, where none is named. */
    public Answer reconcile(Collection<String> tasks) throws IOException, InterruptedException {
        return call(TestCalls.reconcile(tasks));
    }

    public Answer revive() throws IOException, InterruptedException {
        return call(Call.newBuilder().setType(Call.Type.REVIVE));
    }

    /** Ends the framework and its tasks; it does not subscribe again. */
    public Answer teardown() throws IOException, InterruptedException {
        closed = true;
        return call(Call.newBuilder().setType(Call.Type.TEARDOWN));
    }

    /** Ends the stream: it subscribes anew. */
    public void breakOff() throws IOException {
        Optional<InputStream> in = open;
        if (in.isPresent()) {
            in.get().close();
        }
    }

    public FrameworkID id() {
        return id.orElseThrow();
    }

    /** The master that it was subscribed at last. */
    public URI master() {
        return master;
    }

    /** How often it was subscribed. */
    public int subscriptions() {
        synchronized (events) {
            return subscriptions;
        }
    }

    /** Everything so far. */
    public List<Seen> events() {
        synchronized (events) {
            return List.copyOf(events);
        }
    }

    /** Offers that it has and has not used. */
    public List<Offer> offers() {
        synchronized (events) {
            return List.copyOf(offers.values());
        }
    }

    /** All updates of a task, also those that came twice. */
    public List<TaskStatus> updates(String task) {
        return updates().getOrDefault(task, List.of());
    }

    /** All updates by task. */
    public Map<String, List<TaskStatus>> updates() {
        Map<String, List<TaskStatus>> out = new LinkedHashMap<>();
        for (Seen seen : events()) {
            if (seen.event().getType() == Event.Type.UPDATE) {
                TaskStatus status = seen.event().getUpdate().getStatus();
                out.computeIfAbsent(status.getTaskId().getValue(), _ -> new ArrayList<>())
                        .add(status);
            }
        }
        return out;
    }

    /** The last update of a task. */
    public Optional<TaskStatus> latest(String task) {
        List<TaskStatus> all = updates(task);
        return all.isEmpty() ? Optional.empty() : Optional.of(all.getLast());
    }

    /** Looks after each event whether something is so; after {@code seconds} a TimeoutException says {@code what}. */
    public void await(String what, double seconds, BooleanSupplier question)
            throws TimeoutException, InterruptedException {
        long deadline = System.nanoTime() + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
        synchronized (events) {
            while (!question.getAsBoolean()) {
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    throw new TimeoutException(
                            "not within " + seconds + " s: " + what + "; seen: " + summary());
                }
                TimeUnit.NANOSECONDS.timedWait(events, left);
            }
        }
    }

    /** Waits until a task's last update is of this state; at once an IOException when it has ended with another. */
    public TaskStatus awaitState(String task, double seconds, TaskState state)
            throws IOException, TimeoutException, InterruptedException {
        await(
                "task " + task + " is " + state,
                seconds,
                () ->
                        latest(task)
                                .map(TaskStatus::getState)
                                .filter(s -> s == state || ended(s))
                                .isPresent());
        TaskStatus last = latest(task).orElseThrow();
        if (last.getState() != state) {
            throw new IOException("task " + task + " did not come to be " + state + ": " + last);
        }
        return last;
    }

    private static boolean ended(TaskState state) {
        return switch (state) {
            case TASK_STAGING, TASK_STARTING, TASK_RUNNING, TASK_KILLING, TASK_UNREACHABLE -> false;
            default -> true;
        };
    }

    /** How many events of each kind there were, and the last few. */
    private String summary() {
        Map<Event.Type, Integer> counts = new EnumMap<>(Event.Type.class);
        List<Seen> all = events();
        all.forEach(seen -> counts.merge(seen.event().getType(), 1, Integer::sum));
        return counts
                + ", last: "
                + all.subList(Math.max(0, all.size() - 5), all.size())
                + ", trouble: "
                + trouble;
    }

    /** Waits for an offer like that; it stays with the scheduler until it is used. */
    public Offer awaitOffer(String what, double seconds, Predicate<Offer> like)
            throws TimeoutException, InterruptedException {
        await("an offer: " + what, seconds, () -> offers().stream().anyMatch(like));
        return offers().stream().filter(like).findFirst().orElseThrow();
    }

    /** As {@link #awaitOffer}, but gives back what is not like that, so that what an agent freed piece by piece comes together. */
    public Offer awaitWhole(String what, double seconds, Predicate<Offer> like) throws Exception {
        long deadline = System.nanoTime() + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
        while (true) {
            List<Offer> have = offers();
            Optional<Offer> found = have.stream().filter(like).findFirst();
            if (found.isPresent()) {
                return found.get();
            }
            for (Offer piece : have) {
                decline(piece, PIECE_BACK_SECONDS).accepted();
            }
            double left = (double) (deadline - System.nanoTime()) / TimeUnit.SECONDS.toNanos(1);
            await("an offer: " + what, left, () -> !offers().isEmpty());
        }
    }

    /** Leaves; the framework stays for its time of fail-over. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        http.shutdownNow();
        try {
            breakOff();
            thread.join(TimeUnit.SECONDS.toMillis(5));
        } catch (IOException _) {
            // It is gone either way.
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
