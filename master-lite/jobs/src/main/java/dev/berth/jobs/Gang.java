package dev.berth.jobs;

import dev.berth.protocol.v1.Protos.Filters;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.OfferID;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * A job's life as a framework: gathers offers until all workers fit, accepts them at once, and ends the rest when one fails. Offers that are held in vain go back after a while, and none are asked for for a longer while, by chance and
 * ever longer as senders do on one wire: a fair master gives what comes free to whoever holds nothing, so that gangs that held nearly always would each hold a part for ever. A gang that does not fit on all agents together holds nothing. A gang of which a part was never started, since its offers or its agent were gone, is ended and tried again.
 *
 * <p>A worker that is unreachable is waited for as long as the job's rules say, then the job has failed. A job that is being ended waits for no unreachable worker longer than {@link #UNREACHABLE_WAIT_NS}, and for none longer than
 * its grace and {@link #END_WAIT_NS}: those that are {@link #left} are ended by their agents, when the framework is torn down.
 *
 * <p>Does no I/O: events go in, calls come out (without the framework's id). Times are nanoseconds of a monotonic clock. One thread.
 */
public final class Gang {
    static final long HOLD_NS = 2_000_000_000L;
    private static final long PAUSE_FIRST_NS = 1_000_000_000L;
    private static final long PAUSE_LAST_NS = 8_000_000_000L;
    private static final long ASK_FIRST_NS = 2_000_000_000L;
    private static final long ASK_LAST_NS = 60_000_000_000L;
    static final int TRIES = 5;

    /** How long a job that is being ended waits for a worker whose agent is silent; it may be on its way back. */
    static final long UNREACHABLE_WAIT_NS = 2_000_000_000L;

    /** How long it waits for any worker, after the grace. As Slurm's UnkillableStepTimeout: what is not dead then hangs in the kernel. */
    static final long END_WAIT_NS = 60_000_000_000L;

    private static final double UNSUITED_SECONDS = 10;
    private static final double NO_MORE_SECONDS = 3600;
    private static final int INTERRUPTED = 130;
    private static final int KILLED = 137;

    private record Failure(String what, int exitCode) {}

    private final JobSpec spec;
    private final String key;
    private final Consumer<Call> out;
    private final Timeline timeline;
    private final SplittableRandom random;
    private final Map<OfferID, Offer> held = new LinkedHashMap<>();
    private final Map<String, Worker> workers = new LinkedHashMap<>();
    private final Set<String> unheard = new HashSet<>();
    private long heldSinceNs;
    private long holdNs = HOLD_NS;
    private long pauseNs = PAUSE_FIRST_NS;
    private OptionalLong pausedUntilNs = OptionalLong.empty();
    private boolean hopeless;
    private long askAtNs;
    private long askEveryNs;
    private int tries;
    private boolean running;
    private boolean ending;
    private long endingSinceNs;
    private boolean again;
    private boolean cancelled;
    private boolean removed;
    private Optional<Failure> failure = Optional.empty();
    private OptionalInt code = OptionalInt.empty();

    /**
     * Begins with nothing.
     *
     * @param key the tasks' ids begin with it; no two live jobs of a framework have the same
     * @param out takes calls
     */
    public Gang(
            JobSpec spec,
            String key,
            Consumer<Call> out,
            Timeline timeline,
            SplittableRandom random) {
        this.spec = spec;
        this.key = key;
        this.out = out;
        this.timeline = timeline;
        this.random = random;
    }

    /** Those of the try under way; none before they are launched. */
    public List<Worker> workers() {
        return List.copyOf(workers.values());
    }

    /** Present when all is over: what the job's caller exits with. */
    public OptionalInt exitCode() {
        return code;
    }

    /** Whether offers are still waited for. */
    public boolean isWaiting() {
        return workers.isEmpty() && code.isEmpty();
    }

    /** The subscription stands, for the first time or anew: offers of before are void, and what became of tasks is asked. */
    public void subscribed() {
        held.clear();
        unheard.clear();
        pausedUntilNs = OptionalLong.empty();
        if (workers.isEmpty()) {
            return;
        }
        for (Map.Entry<String, Worker> worker : workers.entrySet()) {
            if (!worker.getValue().hasEnded()) {
                unheard.add(worker.getKey());
            }
        }
        ask();
        askAtNs = 0;
        askEveryNs = ASK_FIRST_NS;
        out.accept(Call.newBuilder().setType(Call.Type.SUPPRESS).build());
        if (ending) {
            // The first kill may have gone to a master that is no more.
            killAll();
        }
    }

    private void ask() {
        Call.Reconcile.Builder tasks = Call.Reconcile.newBuilder();
        for (Map.Entry<String, Worker> worker : workers.entrySet()) {
            if (unheard.contains(worker.getKey())) {
                tasks.addTasksBuilder()
                        .setTaskId(worker.getValue().info().getTaskId())
                        .setAgentId(worker.getValue().info().getAgentId());
            }
        }
        if (tasks.getTasksCount() > 0) {
            out.accept(Call.newBuilder().setType(Call.Type.RECONCILE).setReconcile(tasks).build());
        }
    }

    /** New offers. */
    public void offers(List<Offer> offers, long nowNs) {
        if (!isWaiting()) {
            decline(offers, NO_MORE_SECONDS);
            return;
        }
        if (pausedUntilNs.isPresent()) {
            // These were on their way.
            decline(offers, Math.max(0, (pausedUntilNs.getAsLong() - nowNs) / 1e9));
            return;
        }
        timeline.mark("offered", nowNs);
        List<Offer> unsuited = new ArrayList<>();
        for (Offer offer : offers) {
            if (held.isEmpty()) {
                heldSinceNs = nowNs;
            }
            held.put(offer.getId(), offer);
        }
        String prefix = tries == 0 ? key : key + "-" + (tries + 1);
        Optional<GangPlan> plan = GangPlan.of(spec, prefix, List.copyOf(held.values()), random);
        if (plan.isPresent()) {
            accept(plan.get());
            return;
        }
        for (Offer offer : offers) {
            if (hopeless || Offered.workers(ofAgent(offer), spec) == 0) {
                unsuited.add(offer);
                held.remove(offer.getId());
            }
        }
        decline(unsuited, UNSUITED_SECONDS);
    }

    private List<Offer> ofAgent(Offer offer) {
        return held.values().stream()
                .filter(other -> other.getAgentId().equals(offer.getAgentId()))
                .toList();
    }

    private void accept(GangPlan plan) {
        tries++;
        for (GangPlan.Part part : plan.parts()) {
            Call.Accept.Builder accept =
                    Call.Accept.newBuilder().setFilters(filters(NO_MORE_SECONDS));
            for (Offer offer : part.offers()) {
                accept.addOfferIds(offer.getId());
                held.remove(offer.getId());
            }
            Offer.Operation.Builder launch =
                    accept.addOperationsBuilder().setType(Offer.Operation.Type.LAUNCH);
            for (TaskInfo task : part.tasks()) {
                launch.getLaunchBuilder().addTaskInfos(task);
                workers.put(
                        task.getTaskId().getValue(),
                        new Worker(workers.size(), task, part.offers().getFirst()));
            }
            out.accept(Call.newBuilder().setType(Call.Type.ACCEPT).setAccept(accept).build());
        }
        decline(List.copyOf(held.values()), NO_MORE_SECONDS);
        held.clear();
        out.accept(Call.newBuilder().setType(Call.Type.SUPPRESS).build());
    }

    /** Whether all agents together have no room for all workers, even when nothing else runs: nothing is then held. */
    public void hopeless(boolean is) {
        hopeless = is;
    }

    /** An offer is withdrawn. */
    public void rescinded(OfferID id) {
        held.remove(id);
    }

    /** A task has a new state; acknowledged where that is wanted. */
    public void updated(TaskStatus status, long nowNs) {
        if (status.hasUuid() && !status.getUuid().isEmpty()) {
            out.accept(
                    Call.newBuilder()
                            .setType(Call.Type.ACKNOWLEDGE)
                            .setAcknowledge(
                                    Call.Acknowledge.newBuilder()
                                            .setAgentId(status.getAgentId())
                                            .setTaskId(status.getTaskId())
                                            .setUuid(status.getUuid()))
                            .build());
        }
        unheard.remove(status.getTaskId().getValue());
        Worker worker = workers.get(status.getTaskId().getValue());
        if (worker == null || worker.hasEnded()) {
            return;
        }
        if (worker.state() != status.getState()) {
            timeline.mark(
                    status.getState().name() + (spec.workers() > 1 ? " " + worker.rank() : ""),
                    nowNs);
        }
        worker.heard(status, nowNs);
        if (ending && isBack(status)) {
            // The master forgets what it was told of an agent that it has given up.
            kill(worker);
        }
        if (status.getState() == TaskState.TASK_RUNNING) {
            running |= workers.values().stream().allMatch(w -> w.state() == TaskState.TASK_RUNNING);
        }
        if (worker.hasEnded()) {
            ended(worker, nowNs);
        }
    }

    private static boolean isBack(TaskStatus status) {
        return status.getState() == TaskState.TASK_RUNNING
                && status.getReason() == TaskStatus.Reason.REASON_AGENT_REREGISTERED;
    }

    private void ended(Worker worker, long nowNs) {
        if (worker.state() != TaskState.TASK_FINISHED && !ending) {
            again =
                    !running
                            && !cancelled
                            && tries < TRIES
                            && TaskEnd.isWorthAnotherTry(worker.state());
            fail(worker, worker.state() + ": " + worker.message(), nowNs);
        }
        if (!workers.values().stream().allMatch(Worker::hasEnded)) {
            return;
        }
        if (again && !cancelled) {
            workers.clear();
            ending = false;
            again = false;
            failure = Optional.empty();
            out.accept(Call.newBuilder().setType(Call.Type.REVIVE).build());
            return;
        }
        over();
    }

    private void over() {
        code = OptionalInt.of(cancelled ? INTERRUPTED : failure.map(Failure::exitCode).orElse(0));
    }

    private void begin(long nowNs) {
        ending = true;
        endingSinceNs = nowNs;
    }

    private void fail(Worker worker, String how, long nowNs) {
        failure =
                Optional.of(new Failure("worker " + worker.rank() + " " + how, worker.exitCode()));
        begin(nowNs);
        killAll();
    }

    /** Those that nobody has seen to end. */
    public List<Worker> left() {
        return workers.values().stream().filter(worker -> !worker.hasEnded()).toList();
    }

    /** Whether its workers have been told to end. */
    boolean isEnding() {
        return ending;
    }

    /** What ended the job, if a worker failed: the first. */
    public Optional<String> failure() {
        return failure.map(Failure::what);
    }

    /** Somebody else has ended it: the master has told its agents. */
    public void removed() {
        removed = true;
        code = OptionalInt.of(KILLED);
    }

    /** Whether the master has ended it, on somebody else's word. */
    boolean isRemoved() {
        return removed;
    }

    /** Somebody wants it to end: kills what runs; asked twice, kills again. */
    public void cancel(long nowNs) {
        cancelled = true;
        if (!ending) {
            begin(nowNs);
        }
        if (workers.isEmpty()) {
            decline(List.copyOf(held.values()), NO_MORE_SECONDS);
            held.clear();
            code = OptionalInt.of(INTERRUPTED);
            return;
        }
        killAll();
    }

    private void killAll() {
        for (Worker worker : workers.values()) {
            if (!worker.hasEnded()) {
                kill(worker);
            }
        }
    }

    private void kill(Worker worker) {
        out.accept(
                Call.newBuilder()
                        .setType(Call.Type.KILL)
                        .setKill(
                                Call.Kill.newBuilder()
                                        .setTaskId(worker.info().getTaskId())
                                        .setAgentId(worker.info().getAgentId()))
                        .build());
    }

    private void waitNoLonger(long nowNs) {
        if (workers.isEmpty() || code.isPresent()) {
            return;
        }
        if (!ending) {
            Optional<Worker> lost =
                    left().stream().filter(worker -> isGivenUp(worker, nowNs)).findFirst();
            lost.ifPresent(worker ->
                    fail(
                            worker,
                            "is unreachable for too long (--unreachable-timeout): "
                                    + worker.message(),
                            nowNs));
            return;
        }
        long grace = spec.rules().grace().map(Duration::toNanos).orElse(0L);
        boolean outOfTime = nowNs - endingSinceNs >= grace + END_WAIT_NS;
        if (left().stream().allMatch(worker -> outOfTime || isSilent(worker, nowNs))) {
            over();
        }
    }

    private boolean isGivenUp(Worker worker, long nowNs) {
        return worker.unreachableNs().isPresent()
                && spec.rules().unreachable().isPresent()
                && nowNs - worker.unreachableNs().getAsLong()
                        >= spec.rules().unreachable().get().toNanos();
    }

    private boolean isSilent(Worker worker, long nowNs) {
        return worker.unreachableNs().isPresent()
                && nowNs - Math.max(endingSinceNs, worker.unreachableNs().getAsLong())
                        >= UNREACHABLE_WAIT_NS;
    }

    /** Gives back what was held too long in vain, asks again for tasks that nobody has said a word of, and ends waiting for those that are unreachable. */
    public void tick(long nowNs) {
        if (!held.isEmpty() && nowNs - heldSinceNs >= holdNs) {
            pause(nowNs);
        } else if (pausedUntilNs.isPresent() && nowNs >= pausedUntilNs.getAsLong()) {
            pausedUntilNs = OptionalLong.empty();
            out.accept(Call.newBuilder().setType(Call.Type.REVIVE).build());
        }
        waitNoLonger(nowNs);
        if (unheard.isEmpty()) {
            return;
        }
        if (askAtNs == 0) {
            askAtNs = nowNs + askEveryNs;
        } else if (nowNs >= askAtNs) {
            // A new master says nothing of a task until its agent has come; and if it comes
            // without the task, nobody says so of himself.
            ask();
            askEveryNs = Math.min(ASK_LAST_NS, askEveryNs * 2);
            askAtNs = nowNs + askEveryNs;
        }
    }

    private void pause(long nowNs) {
        // By chance, so that of several gangs one comes first; were the next time the same for
        // all, they would only change parts.
        long pause = pauseNs / 2 + random.nextLong(pauseNs);
        pausedUntilNs = OptionalLong.of(nowNs + pause);
        pauseNs = Math.min(PAUSE_LAST_NS, pauseNs * 2);
        holdNs = (HOLD_NS + random.nextLong(HOLD_NS)) / 2;
        // First, so that nothing is offered in between.
        out.accept(Call.newBuilder().setType(Call.Type.SUPPRESS).build());
        decline(List.copyOf(held.values()), pause / 1e9);
        held.clear();
    }

    private void decline(List<Offer> offers, double seconds) {
        if (offers.isEmpty()) {
            return;
        }
        Call.Decline.Builder decline = Call.Decline.newBuilder().setFilters(filters(seconds));
        offers.forEach(offer -> decline.addOfferIds(offer.getId()));
        out.accept(Call.newBuilder().setType(Call.Type.DECLINE).setDecline(decline).build());
    }

    private static Filters filters(double seconds) {
        return Filters.newBuilder().setRefuseSeconds(seconds).build();
    }
}
