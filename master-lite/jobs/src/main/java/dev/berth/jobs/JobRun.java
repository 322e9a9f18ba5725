package dev.berth.jobs;

import dev.berth.discovery.MasterAddress;
import dev.berth.jobs.Subscription.Signal;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.master.Protos.Response.GetAgents;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Runs one job to its end: a framework that lives as long as the job. Thread: {@link #run}'s caller; {@link #cancel} from any. */
public final class JobRun {
    /** The label of frameworks that are jobs. */
    public static final String LABEL = "dev.berth.job";

    private static final double FAILOVER_SECONDS = 60;
    private static final long TICK_MS = 250;
    private static final long SILENCE_NS = 75_000_000_000L;
    private static final long PATIENCE_NS = 5_000_000_000L;
    private static final dev.berth.protocol.v1.master.Protos.Call ASK_AGENTS =
            dev.berth.protocol.v1.master.Protos.Call.newBuilder()
                    .setType(dev.berth.protocol.v1.master.Protos.Call.Type.GET_AGENTS)
                    .build();
    private static final long WAIT_NS = 2_000_000_000L;
    private static final long ASK_AGAIN_NS = 10_000_000_000L;

    /** Mesos's words to a framework that comes back after its end. */
    private static final String REMOVED = "Framework has been removed";

    /** How long the master is waited for at the end, and by who is in a hurry. */
    private static final long END_MS = 10_000;

    private static final long LEAVE_MS = 2_000;

    private static final long GIVE_UP_NS = (long) (FAILOVER_SECONDS * 1e9);

    private final MasterClient client;
    private final JobSpec spec;
    private final PrintStream out;
    private final PrintStream err;
    private final LinkedBlockingQueue<Signal> queue = new LinkedBlockingQueue<>();
    private final Timeline timeline = new Timeline();
    private final List<LogStream> logs = new ArrayList<>();
    private final Set<String> followed = new HashSet<>();
    private Consumer<Worker> placed = _ -> {};
    private final Leaving leaving = new Leaving();
    private final Set<Integer> unreachable = new HashSet<>();
    private boolean streams = true;
    private long waitAtMostNs = Long.MAX_VALUE;
    private boolean toldOfWaiting;
    private long askAtNs = WAIT_NS;
    private String told = "";

    public JobRun(MasterClient client, JobSpec spec, PrintStream out, PrintStream err) {
        this.client = client;
        this.spec = spec;
        this.out = out;
        this.err = err;
    }

    public Timeline timeline() {
        return timeline;
    }

    /** Hands on each worker when it is known to run, before its output. Before {@link #run}. */
    public void whenPlaced(Consumer<Worker> listener) {
        placed = listener;
    }

    /** Without the workers' output on ours. Before {@link #run}. */
    public void withoutOutput() {
        streams = false;
    }

    /** Gives up when no offers have held all workers for so long. Before {@link #run}. */
    public void waitAtMost(Duration longest) {
        waitAtMostNs = longest.toNanos();
    }

    /** Ends the job: its tasks are killed, and waited for. Any thread. */
    public void cancel() {
        queue.add(new Signal.Cancel());
    }

    /**
     * Ends {@link #run} at once: the master is told to end the job, and what becomes of its tasks is not waited for. Any thread.
     *
     * @param exitCode what run returns then
     */
    public void leave(int exitCode) {
        synchronized (leaving) {
            if (leaving.code.isEmpty()) {
                leaving.code = OptionalInt.of(exitCode);
                leaving.runner.ifPresent(Thread::interrupt);
            }
        }
    }

    /** Who runs it, and whether he is to stop. */
    private static final class Leaving {
        private Optional<Thread> runner = Optional.empty();
        private OptionalInt code = OptionalInt.empty();
    }

    /** Runs it: the exit code to pass on. */
    public int run() throws JobException, InterruptedException {
        Subscription subscription = new Subscription(client, framework(), queue);
        List<Call> calls = new ArrayList<>();
        SplittableRandom random = new SplittableRandom();
        String key = spec.name() + "-" + Long.toHexString(random.nextLong() >>> 32);
        Gang gang = new Gang(spec, key, calls::add, timeline, random);
        try {
            begin();
            subscription.start();
            play(gang, subscription, calls);
            finish(gang);
        } catch (InterruptedException e) {
            if (leaving().isEmpty()) {
                throw e;
            }
        } finally {
            OptionalInt left = leaving();
            end();
            boolean removed = gang.isRemoved();
            new Farewell(client, subscription, err)
                    .say(
                            removed ? List.of() : gang.left(),
                            left.isPresent() ? LEAVE_MS : END_MS,
                            (int) FAILOVER_SECONDS);
            subscription.close();
        }
        return leaving().orElseGet(() -> gang.exitCode().orElseThrow());
    }

    private OptionalInt leaving() {
        synchronized (leaving) {
            return leaving.code;
        }
    }

    private void begin() throws InterruptedException {
        synchronized (leaving) {
            leaving.runner = Optional.of(Thread.currentThread());
            if (leaving.code.isPresent()) {
                throw new InterruptedException("left before the begin");
            }
        }
    }

    /** From here on nobody is interrupted; who was just before is so no more. */
    private void end() {
        synchronized (leaving) {
            leaving.runner = Optional.empty();
            if (leaving.code.isPresent()) {
                var _ = Thread.interrupted();
            }
        }
    }

    private void play(Gang gang, Subscription subscription, List<Call> calls)
            throws JobException, InterruptedException {
        long begin = System.nanoTime();
        timeline.mark("submitted", begin);
        long heard = begin;
        long lost = Long.MAX_VALUE;
        while (gang.exitCode().isEmpty()) {
            Signal signal = queue.poll(TICK_MS, TimeUnit.MILLISECONDS);
            long now = System.nanoTime();
            switch (signal) {
                case null -> {
                    // Only time has passed.
                }
                case Signal.Cancel() -> cancel(gang, now);
                case Signal.Came(Event event) -> {
                    heard = now;
                    lost = Long.MAX_VALUE;
                    take(gang, event, now);
                }
                case Signal.Broken(String why, boolean last) -> {
                    if (last) {
                        throw new JobException(why);
                    }
                    heard = now;
                    if (lost != Long.MAX_VALUE) {
                        // Not the first try in vain: that one is over before anybody could read
                        // of it.
                        tell(why + "; the job runs on, subscribing again");
                    }
                    lost = Math.min(lost, now);
                }
            }
            gang.tick(now);
            if (lost != Long.MAX_VALUE && now - lost > GIVE_UP_NS) {
                throw new JobException(
                        "no master for " + (int) FAILOVER_SECONDS + " s: the job is given up");
            }
            if (now - heard > SILENCE_NS) {
                heard = now;
                subscription.breakOff();
            }
            say(calls, subscription);
            follow(gang, subscription);
            tellOfReach(gang);
            tellOfWaiting(gang, now - begin);
        }
        say(calls, subscription);
    }

    private void cancel(Gang gang, long now) {
        gang.cancel(now);
        if (gang.exitCode().isEmpty()) {
            tell(
                    "ending the job: its workers have "
                            + spec.rules()
                                    .grace()
                                    .map(grace -> grace.toSeconds() + " s")
                                    .orElse("3 s")
                            + " to end by themselves; once more (Ctrl-C) leaves without waiting");
        }
    }

    private void say(List<Call> calls, Subscription subscription) throws InterruptedException {
        for (Call call : calls) {
            subscription.call(call);
            if (call.getType() == Call.Type.ACCEPT) {
                // Not before the master has said 202.
                timeline.mark("accepted", System.nanoTime());
            }
        }
        calls.clear();
    }

    private FrameworkInfo framework() {
        FrameworkInfo.Builder info =
                FrameworkInfo.newBuilder()
                        .setUser("root")
                        .setName(spec.name())
                        .addRoles(spec.role())
                        .setCheckpoint(true)
                        .setFailoverTimeout(FAILOVER_SECONDS);
        info.getLabelsBuilder().addLabelsBuilder().setKey(LABEL).setValue(spec.name());
        info.addCapabilitiesBuilder().setType(FrameworkInfo.Capability.Type.MULTI_ROLE);
        info.addCapabilitiesBuilder().setType(FrameworkInfo.Capability.Type.PARTITION_AWARE);
        // Without it nothing of an agent with GPUs is offered, not even its processors.
        info.addCapabilitiesBuilder().setType(FrameworkInfo.Capability.Type.GPU_RESOURCES);
        return info.build();
    }

    private void take(Gang gang, Event event, long now) throws JobException {
        switch (event.getType()) {
            case SUBSCRIBED -> {
                timeline.mark("subscribed", now);
                gang.subscribed();
            }
            case OFFERS -> gang.offers(event.getOffers().getOffersList(), now);
            case RESCIND -> gang.rescinded(event.getRescind().getOfferId());
            case UPDATE -> gang.updated(event.getUpdate().getStatus(), now);
            case ERROR -> {
                String why = event.getError().getMessage();
                if (!why.equals(REMOVED)) {
                    throw new JobException("the master refuses the job: " + why);
                }
                tell("the job was ended by somebody else (berth job kill)");
                gang.removed();
            }
            default -> {
                // Heartbeats, and what means nothing to a job.
            }
        }
    }

    /** Begins to read the output of whoever runs, or has ended before that was heard. */
    private void follow(Gang gang, Subscription subscription) {
        for (Worker worker : gang.workers()) {
            boolean ran =
                    worker.state() == TaskState.TASK_RUNNING
                            || worker.state() == TaskState.TASK_FINISHED;
            String task = worker.info().getTaskId().getValue();
            if (!ran || subscription.id().isEmpty() || !followed.add(task)) {
                continue;
            }
            placed.accept(worker);
            Sandbox sandbox =
                    new Sandbox(address(worker.offer()), subscription.id().get().getValue(), task);
            if (!streams) {
                tell(
                        "job "
                                + subscription.id().get().getValue()
                                + " runs; its output: berth job logs "
                                + subscription.id().get().getValue());
                continue;
            }
            String prefix = spec.workers() > 1 ? "[" + worker.rank() + "] " : "";
            logs.add(new LogStream(client, sandbox, "stdout", new Lines(out, prefix)).start());
            logs.add(new LogStream(client, sandbox, "stderr", new Lines(err, prefix)).start());
        }
    }

    static MasterAddress address(Offer offer) {
        var address = offer.getUrl().getAddress();
        String host =
                address.hasIp() && !address.getIp().isEmpty()
                        ? address.getIp()
                        : offer.getHostname();
        return new MasterAddress(host, address.getPort());
    }

    /** Says a sentence on standard error; not twice the same one after the other. */
    private void tell(String what) {
        if (!what.equals(told)) {
            told = what;
            err.println("berth: " + what);
            err.flush();
        }
    }

    /** Says who can no longer be reached, and who can again. */
    private void tellOfReach(Gang gang) {
        for (Worker worker : gang.workers()) {
            boolean away = worker.state() == TaskState.TASK_UNREACHABLE;
            if (away && unreachable.add(worker.rank())) {
                tell(
                        "worker "
                                + worker.rank()
                                + " is unreachable: "
                                + worker.message()
                                + (gang.isEnding()
                                        ? ""
                                        : spec.rules()
                                                .unreachable()
                                                .map(limit ->
                                                        "; the job fails if it is not back within "
                                                                + limit.toSeconds()
                                                                + " s")
                                                .orElse("; the job waits for it")));
            } else if (!away && unreachable.remove(worker.rank())) {
                tell("worker " + worker.rank() + " is back: " + worker.state());
            }
        }
    }

    private void tellOfWaiting(Gang gang, long waitedNs) throws JobException, InterruptedException {
        if (!gang.isWaiting() || gang.isEnding()) {
            return;
        }
        if (waitedNs >= waitAtMostNs) {
            throw new JobException("given up, as --wait-timeout says: " + shortage(gang));
        }
        if (waitedNs >= askAtNs) {
            askAtNs = waitedNs + ASK_AGAIN_NS;
            String shortage = shortage(gang);
            if (!toldOfWaiting) {
                toldOfWaiting = true;
                tell("waiting: " + shortage);
            }
        }
    }

    private String shortage(Gang gang) throws InterruptedException {
        try {
            List<GetAgents.Agent> agents =
                    client.operator(ASK_AGENTS)
                            .map(answer -> answer.getGetAgents().getAgentsList())
                            .orElse(List.of());
            gang.hopeless(!Shortage.fits(spec, agents));
            return Shortage.of(spec, agents);
        } catch (JobException e) {
            return "no offer holds the job; " + e.getMessage();
        }
    }

    private void finish(Gang gang) throws InterruptedException {
        // Acknowledged before anything else: the agent then forgets the tasks.
        Set<String> away =
                gang.left().stream()
                        .map(worker -> worker.info().getTaskId().getValue())
                        .collect(Collectors.toSet());
        LogStream.finish(logs, gang.isRemoved() ? Set.of() : away, PATIENCE_NS);
        out.flush();
        if (logs.stream().anyMatch(log -> log.trouble().isPresent())) {
            err.println(
                    "berth: not all output can be shown ("
                            + logs.stream()
                                    .flatMap(log -> log.trouble().stream())
                                    .findFirst()
                                    .orElse("")
                            + "); it is at");
            logs.stream()
                    .filter(log -> log.trouble().isPresent())
                    .map(LogStream::sandbox)
                    .distinct()
                    .forEach(sandbox -> err.println("  " + sandbox));
        }
        gang.failure().ifPresent(what -> err.println("berth: " + what));
        err.flush();
    }
}
