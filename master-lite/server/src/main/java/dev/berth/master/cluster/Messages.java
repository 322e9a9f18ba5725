package dev.berth.master.cluster;

import dev.berth.protocol.link.Link;
import dev.berth.protocol.link.Link.FromMaster;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.KillPolicy;

import java.util.Optional;

/** Messages to agents. */
public final class Messages {
    public static final FromMaster HEARTBEAT =
            FromMaster.newBuilder().setHeartbeat(Link.Heartbeat.getDefaultInstance()).build();

    private Messages() {}

    public static FromMaster refused(String message, boolean retry) {
        return FromMaster.newBuilder()
                .setRefused(Link.Refused.newBuilder().setMessage(message).setRetry(retry))
                .build();
    }

    public static FromMaster shutdown(String message) {
        return FromMaster.newBuilder()
                .setShutdown(Link.Shutdown.newBuilder().setMessage(message))
                .build();
    }

    public static FromMaster shutdownFramework(FrameworkID framework) {
        return FromMaster.newBuilder()
                .setShutdownFramework(Link.ShutdownFramework.newBuilder().setFrameworkId(framework))
                .build();
    }

    public static FromMaster updateFramework(FrameworkInfo info) {
        return FromMaster.newBuilder()
                .setUpdateFramework(Link.UpdateFramework.newBuilder().setFrameworkInfo(info))
                .build();
    }

    public static FromMaster kill(Task task, Optional<KillPolicy> policy) {
        Link.Kill.Builder kill =
                Link.Kill.newBuilder()
                        .setFrameworkId(Wire.frameworkId(task.framework()))
                        .setTaskId(Wire.taskId(task.id()));
        policy.ifPresent(kill::setKillPolicy);
        return FromMaster.newBuilder().setKill(kill).build();
    }
}
