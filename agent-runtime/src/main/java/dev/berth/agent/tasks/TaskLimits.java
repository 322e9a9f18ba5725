package dev.berth.agent.tasks;

import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.config.AgentException;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskInfo;

/** A task's resources as limits of its container, as Mesos does: cpus are a share unless a limit is asked for, mem is a limit, gpus are whole devices. */
final class TaskLimits {
    private static final double SHARES_PER_CPU = 1024;
    private static final double LEAST_SHARES = 2;
    private static final double LEAST_MEGABYTES = 32;
    private static final double NANOS = 1e9;
    private static final double MEGABYTE = 1 << 20;

    private TaskLimits() {}

    /** The sum of a scalar resource. */
    static double scalar(TaskInfo task, String name) {
        double sum = 0;
        for (Resource resource : task.getResourcesList()) {
            if (resource.getName().equals(name)) {
                sum += resource.getScalar().getValue();
            }
        }
        return sum;
    }

    static void add(ObjectNode host, TaskInfo task, int hostCpus) throws AgentException {
        double cpus = scalar(task, "cpus");
        if (cpus > 0) {
            host.put("CpuShares", (long) Math.max(LEAST_SHARES, cpus * SHARES_PER_CPU));
        }
        if (task.containsLimits("cpus")) {
            double limit = task.getLimitsOrThrow("cpus").getValue();
            if (limit < hostCpus) {
                host.put("NanoCpus", (long) (Math.max(limit, 0.01) * NANOS));
            }
        }
        double mem = scalar(task, "mem");
        double limit = task.containsLimits("mem") ? task.getLimitsOrThrow("mem").getValue() : mem;
        if (limit > 0 && !Double.isInfinite(limit)) {
            long bytes = (long) (Math.max(limit, LEAST_MEGABYTES) * MEGABYTE);
            host.put("Memory", bytes).put("MemorySwap", bytes);
            if (mem > 0 && mem < limit) {
                host.put("MemoryReservation", (long) (Math.max(mem, LEAST_MEGABYTES) * MEGABYTE));
            }
        }
        double gpus = scalar(task, "gpus");
        if (gpus != Math.rint(gpus)) {
            throw AgentException.invalid("gpus must be whole, got " + gpus);
        }
        if (gpus > 0) {
            ObjectNode request = host.putArray("DeviceRequests").addObject();
            request.put("Driver", "").put("Count", (long) gpus);
            request.putArray("Capabilities").addArray().add("gpu");
        }
    }
}
