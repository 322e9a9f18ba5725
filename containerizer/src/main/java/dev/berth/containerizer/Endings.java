package dev.berth.containerizer;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.journal.JournalEntry;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.linux.ErrnoException;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * What follows when a run is over. Once no process of it is left its end is told, which is what somebody waits for; then nothing of it stays. A launch that failed is told last, since who asked may well ask again. Each step is tried
 * again for a while, since processes that were killed take their time to go.
 *
 * <p>Thread: conductor.
 */
final class Endings {
    private static final long RETRY_NS = 2_000_000;
    private static final long MOST_RETRY_NS = 100_000_000;
    private static final long EXEC_PATIENCE_NS = 2_000_000_000L;
    private static final long COMPLAIN_AFTER_NS = 10_000_000_000L;

    private final Context context;
    private final LostExecs lostExecs;
    private final ArrayDeque<Run> told = new ArrayDeque<>();
    private Consumer<Run> starter = _ -> {};

    /** Called for further processes whose monitors did not report in time. */
    interface LostExecs {
        void onLost(Run run, Run.ExecRun exec);
    }

    Endings(Context context, LostExecs lostExecs) {
        this.context = context;
        this.lostExecs = lostExecs;
    }

    /** What starts a run that had to wait for the end of the one before. */
    void startWith(Consumer<Run> with) {
        starter = with;
    }

    /** Goes as far as possible with a run in state Ending; comes back by itself until it is done. */
    void advance(Run run) {
        if (!(run.state instanceof RunState.Ending)) {
            return;
        }
        if (run.endingSinceNs == 0) {
            run.endingSinceNs = System.nanoTime();
            run.slots.close();
        }
        if (run.endingSoon) {
            return;
        }
        long sinceNs = System.nanoTime() - run.endingSinceNs;
        try {
            if (!emptied(run) || !execsDone(run, sinceNs)) {
                again(run, sinceNs, "processes are left");
                return;
            }
            tellOrCleanUp(run);
        } catch (IsolatorException | ErrnoException e) {
            again(run, sinceNs, Context.chain(e));
        }
    }

    private void tellOrCleanUp(Run run) throws IsolatorException, ErrnoException {
        if (run.told) {
            cleanUp(run);
            return;
        }
        context.crash.reached(CrashPoint.CGROUP_EMPTY);
        context.roots.release(run.id());
        context.crash.reached(CrashPoint.ROOT_RELEASED);
        run.told = true;
        RunState.Outcome outcome = ((RunState.Ending) run.state).outcome();
        if (outcome instanceof RunState.Outcome.Exit) {
            context.events.add(event(run, outcome));
            told.add(run);
        } else {
            cleanUp(run);
        }
    }

    /** Takes away what is left of the runs whose end was told. After the events were delivered. */
    void cleanUpTold() {
        for (Run run = told.poll(); run != null; run = told.poll()) {
            context.crash.reached(CrashPoint.END_TOLD);
            advance(run);
        }
    }

    private void again(Run run, long sinceNs, String why) {
        if (sinceNs > COMPLAIN_AFTER_NS && !run.complained) {
            run.complained = true;
            context.complaints.accept(
                    "container " + run.id().shortForm() + " does not go away: " + why);
        }
        run.endingSoon = true;
        context.reactor.after(
                Math.min(MOST_RETRY_NS, Math.max(RETRY_NS, sinceNs / 4)),
                () -> {
                    run.endingSoon = false;
                    advance(run);
                });
    }

    private boolean emptied(Run run) throws IsolatorException {
        if (!context.cgroups.populated(run.id())) {
            return true;
        }
        context.cgroups.kill(run.id());
        return !context.cgroups.populated(run.id());
    }

    private boolean execsDone(Run run, long sinceNs) {
        if (run.execs.isEmpty()) {
            return true;
        }
        if (sinceNs < EXEC_PATIENCE_NS) {
            return false;
        }
        for (Run.ExecRun exec : List.copyOf(run.execs.values())) {
            lostExecs.onLost(run, exec);
        }
        return true;
    }

    private void cleanUp(Run run) throws IsolatorException, ErrnoException {
        List<Isolator> reversed = new ArrayList<>(context.isolators).reversed();
        for (Isolator isolator : reversed) {
            isolator.cleanup(run.id());
            context.crash.reached(CrashPoint.ISOLATOR_CLEANED);
        }
        run.process.close(context.reactor);
        RunState.Outcome outcome = ((RunState.Ending) run.state).outcome();
        context.note(entry(run, outcome));
        context.crash.reached(CrashPoint.END_JOURNALED);
        context.directories.removeRun(run.id());
        context.crash.reached(CrashPoint.RUN_DIRECTORY_REMOVED);
        run.accept(new RunState.Input.Cleaned());
        context.runs.remove(run.id());
        if (outcome instanceof RunState.Outcome.Failure) {
            context.events.add(event(run, outcome));
        }
        run.successor.ifPresent(next -> {
            context.runs.put(next.id(), next);
            starter.accept(next);
        });
    }

    private static JournalEntry entry(Run run, RunState.Outcome outcome) {
        return switch (outcome) {
            case RunState.Outcome.Failure _ ->
                    new JournalEntry.Ended(run.id(), true, 0, false, 0, 0, 0);
            case RunState.Outcome.Exit(ExitStatus s) ->
                    new JournalEntry.Ended(
                            run.id(),
                            false,
                            s.waitStatus(),
                            s.oomKilled(),
                            s.finishedAtNs(),
                            s.userUs(),
                            s.systemUs());
        };
    }

    private static ContainerEvent event(Run run, RunState.Outcome outcome) {
        return switch (outcome) {
            case RunState.Outcome.Failure f ->
                    new ContainerEvent.StartFailed(run.id(), f.code(), f.message());
            case RunState.Outcome.Exit e -> new ContainerEvent.Exited(run.id(), e.status());
        };
    }
}
