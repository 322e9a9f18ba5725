package dev.berth.jobs;

import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import java.io.PrintStream;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/** The end of a job's framework: the master is told, and people are told of what nobody saw end. One thread. */
final class Farewell {
    private final MasterClient client;
    private final Subscription subscription;
    private final PrintStream err;

    Farewell(MasterClient client, Subscription subscription, PrintStream err) {
        this.client = client;
        this.subscription = subscription;
        this.err = err;
    }

    /**
     * Has the master end the framework, with all that is left of it, and says what that is.
     *
     * @param withinMs how long the master is waited for
     * @param failoverSeconds after so long the master ends it by itself
     */
    void say(List<Worker> left, long withinMs, int failoverSeconds) throws InterruptedException {
        Optional<FrameworkID> id = subscription.id();
        if (id.isEmpty()) {
            return;
        }
        AtomicReference<String> trouble = new AtomicReference<>("no answer");
        Thread thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("berth-teardown")
                        .start(() -> trouble.set(teardown(id.get())));
        thread.join(withinMs);
        if (left.isEmpty()) {
            return;
        }
        String job = id.get().getValue();
        String why = trouble.get();
        err.println(
                why.isEmpty()
                        ? "berth: job " + job + " is ended at the master; not seen to end:"
                        : "berth: the master could not be told that the job is over ("
                                + why
                                + "); it ends it by itself after "
                                + failoverSeconds
                                + " s, or: berth job kill "
                                + job
                                + "; not seen to end:");
        for (Worker worker : left) {
            err.println(
                    "  worker "
                            + worker.rank()
                            + " on "
                            + worker.offer().getHostname()
                            + " (agent "
                            + worker.info().getAgentId().getValue()
                            + ", task "
                            + worker.info().getTaskId().getValue()
                            + "): "
                            + (worker.state() == TaskState.TASK_UNREACHABLE
                                    ? "unreachable; its agent kills it when it is back"
                                    : "its agent kills it, at the latest after its grace period"));
        }
        err.flush();
    }

    /** Why not; empty when it is done. */
    private String teardown(FrameworkID id) {
        try {
            if (subscription.call(Call.newBuilder().setType(Call.Type.TEARDOWN).build())) {
                return "";
            }
            // Between two streams only an operator can say it.
            var call =
                    dev.berth.protocol.v1.master.Protos.Call.newBuilder()
                            .setType(dev.berth.protocol.v1.master.Protos.Call.Type.TEARDOWN);
            call.getTeardownBuilder().setFrameworkId(id);
            var _ = client.operator(call.build());
            return "";
        } catch (JobException e) {
            return String.valueOf(e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
    }
}
