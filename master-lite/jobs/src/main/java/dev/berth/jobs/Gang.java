package dev.berth.jobs;

import dev.berth.protocol.v1.Protos.Filters;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.OfferID;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * A job's life as a framework: gathers offers until all workers fit, accepts them at once, and ends the rest when one fails. Offers that are held in vain go back after a while, so that two gangs that each hold a half do not wait for
 * each other for ever. A gang of which a part was never started, since its offers or its agent were gone, is ended and tried again.
 *
 * <p>Does no I/O: events go in, calls come out (without the framework's id). Times are nanoseconds of a monotonic clock. One thread.
 */
public final class Gang {
    static final long HOLD_NS = 5_000_000_000L;
    private static final long ASK_FIRST_NS = 2_000_000_000L;
    private static final long ASK_LAST_NS = 60_000_000_000L;
    static final int TRIES = 5;

    private static final double UNSUITED_SECONDS = 10;
    private static final double NO_MORE_SECONDS = 3600;
    private static final int INTERRUPTED = 130;
    private static final int KILLED = 137;

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
    private long askAtNs;
    private long askEveryNs;
    private int tries;
    private boolean running;
    private boolean ending;
    private boolean again;
    private boolean cancelled;
    private Optional<Worker> firstFailure = Optional.empty();
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
            if (Offered.workers(ofAgent(offer), spec) == 0) {
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
        worker.heard(status);
        if (status.getState() == TaskState.TASK_RUNNING) {
            running |= workers.values().stream().allMatch(w -> w.state() == TaskState.TASK_RUNNING);
        }
        if (worker.hasEnded()) {
            ended(worker);
        }
    }

    private void ended(Worker worker) {
        if (worker.state() != TaskState.TASK_FINISHED && !ending) {
            ending = true;
            again =
                    !running
                            && !cancelled
                            && tries < TRIES
                            && TaskEnd.isWorthAnotherTry(worker.state());
            if (!again) {
                firstFailure = Optional.of(worker);
            }
            killAll();
        }
        if (!workers.values().stream().allMatch(Worker::hasEnded)) {
            return;
        }
        if (again && !cancelled) {
            workers.clear();
            ending = false;
            again = false;
            out.accept(Call.newBuilder().setType(Call.Type.REVIVE).build());
            return;
        }
        code =
                OptionalInt.of(
                        cancelled ? INTERRUPTED : firstFailure.map(Worker::exitCode).orElse(0));
    }

    /** The worker whose end ended the job, if one failed. */
    public Optional<Worker> firstFailure() {
        return firstFailure;
    }

    /** Somebody else has ended it: the master has told its agents. */
    public void removed() {
        code = OptionalInt.of(KILLED);
    }

    /** Somebody wants it to end: kills what runs; asked twice, kills again. */
    public void cancel() {
        cancelled = true;
        ending = true;
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
                out.accept(
                        Call.newBuilder()
                                .setType(Call.Type.KILL)
                                .setKill(
                                        Call.Kill.newBuilder()
                                                .setTaskId(worker.info().getTaskId())
                                                .setAgentId(worker.info().getAgentId()))
                                .build());
            }
        }
    }

    /** Gives back what was held too long in vain, and asks again for tasks that nobody has said a word of. */
    public void tick(long nowNs) {
        if (!held.isEmpty() && nowNs - heldSinceNs >= holdNs) {
            // By chance, so that of two gangs one comes first; were the next time the same for
            // both, they would only change halves.
            decline(List.copyOf(held.values()), 1 + 3 * random.nextDouble());
            held.clear();
            holdNs = HOLD_NS + random.nextLong(HOLD_NS);
        }
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
