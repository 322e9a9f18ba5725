package dev.berth.master.scheduler;

import dev.berth.master.cluster.Answer;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.Wire;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import java.util.Optional;

/** Scheduler calls other than SUBSCRIBE. */
public final class SchedulerCalls {
    private final Cluster cluster;

    public SchedulerCalls(Cluster cluster) {
        this.cluster = cluster;
    }

    /** Answers a call: 202 when it was taken. */
    public Answer call(Call call, Optional<String> streamId, Optional<String> principal) {
        if (!call.hasType()) {
            return Answer.refusal(400, "Expecting 'type' to be present");
        }
        Optional<Framework> framework = cluster.framework(Wire.frameworkId(call.getFrameworkId()));
        if (framework.isEmpty()) {
            return Answer.refusal(400, "Framework cannot be found");
        }
        if (framework.get().stream().isEmpty()) {
            return Answer.refusal(403, "Framework is not subscribed");
        }
        return Answer.refusal(501, call.getType() + " is not there yet");
    }
}
