package dev.berth.agent.tasks;

import dev.berth.agent.config.AgentException;
import dev.berth.protocol.v1.Protos.ContainerInfo;
import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.LinuxInfo;
import dev.berth.protocol.v1.Protos.TaskInfo;

import java.util.List;

/**
 * What a group cannot have here. Its tasks share the host's network and their executor's directory; no container stands above them, so what Mesos would give to that one is refused by name.
 */
final class GroupRules {
    private static final String ON_TASKS = "set it on the tasks";

    private GroupRules() {}

    static void check(ExecutorInfo executor, List<TaskInfo> tasks) throws AgentException {
        ContainerInfo shared = executor.getContainer();
        if (shared.getNetworkInfosCount() > 0) {
            throw AgentException.refused(
                    "executor.container.network_infos",
                    "leave it out: the tasks then have the host's network");
        }
        refuse(shared.getVolumesCount() > 0, "executor.container.volumes", ON_TASKS);
        refuse(shared.hasLinuxInfo(), "executor.container.linux_info", ON_TASKS);
        refuse(shared.hasRlimitInfo(), "executor.container.rlimit_info", ON_TASKS);
        refuse(shared.hasHostname(), "executor.container.hostname", ON_TASKS);
        for (TaskInfo task : tasks) {
            LinuxInfo linux = task.getContainer().getLinuxInfo();
            String id = task.getTaskId().getValue();
            refuse(
                    linux.getSharePidNamespace(),
                    "linux_info.share_pid_namespace of task " + id,
                    "tasks of a group have pid namespaces of their own");
            refuse(
                    linux.getIpcMode() == LinuxInfo.IpcMode.SHARE_PARENT,
                    "linux_info.ipc_mode SHARE_PARENT of task " + id,
                    "share files with a volume of type SANDBOX_PATH PARENT");
        }
    }

    private static void refuse(boolean there, String what, String instead) throws AgentException {
        if (there) {
            throw AgentException.refused(what, instead);
        }
    }
}
