package dev.berth.jobs;

import dev.berth.protocol.v1.Protos.CommandInfo;
import dev.berth.protocol.v1.Protos.ContainerInfo;
import dev.berth.protocol.v1.Protos.Environment;
import dev.berth.protocol.v1.Protos.Image;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.Value;
import dev.berth.protocol.v1.Protos.Volume;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Which worker goes where: on as few agents as hold them all, so that they are near each other; of those that hold as many, where the fewest GPUs and then CPUs are offered, so that what is large stays whole. Which of an agent's GPUs a
 * worker gets is the agent's choice, by their links.
 *
 * @param parts one for each agent
 */
record GangPlan(List<Part> parts) {
    /** Where the first worker listens, when its agent offers no ports: PyTorch's default. */
    private static final long DEFAULT_PORT = 29500;

    GangPlan {
        parts = List.copyOf(parts);
    }

    /** What is accepted of one agent: its offers, whole, and what runs on it. */
    record Part(List<Offer> offers, List<TaskInfo> tasks) {
        Part {
            offers = List.copyOf(offers);
            tasks = List.copyOf(tasks);
        }
    }

    /** Empty when these offers do not hold all workers. */
    static Optional<GangPlan> of(
            JobSpec spec, String prefix, List<Offer> offers, SplittableRandom random) {
        Map<String, List<Offer>> byAgent = new TreeMap<>();
        for (Offer offer : offers) {
            byAgent.computeIfAbsent(offer.getAgentId().getValue(), _ -> new ArrayList<>())
                    .add(offer);
        }
        List<List<Offer>> roomy = new ArrayList<>(byAgent.values());
        roomy.sort(
                Comparator.comparingInt((List<Offer> a) -> -Offered.workers(a, spec))
                        .thenComparingLong(a -> Offered.thousandths(a, "gpus"))
                        .thenComparingLong(a -> Offered.thousandths(a, "cpus")));
        Map<List<Offer>, Integer> counts = new LinkedHashMap<>();
        int left = spec.workers();
        for (List<Offer> agent : roomy) {
            int here = Math.min(left, Offered.workers(agent, spec));
            if (here > 0) {
                counts.put(agent, here);
                left -= here;
            }
        }
        if (left > 0) {
            return Optional.empty();
        }
        List<Offer> first = counts.keySet().iterator().next();
        OptionalLong port = Offered.port(first, random.nextLong(Long.MAX_VALUE));
        Map<String, String> shared = new TreeMap<>();
        shared.put("MASTER_ADDR", counts.size() == 1 ? "127.0.0.1" : address(first.getFirst()));
        shared.put("MASTER_PORT", Long.toString(port.orElse(DEFAULT_PORT)));
        shared.put("WORLD_SIZE", Integer.toString(spec.workers()));
        List<Part> parts = new ArrayList<>();
        int rank = 0;
        for (var entry : counts.entrySet()) {
            List<TaskInfo> tasks = new ArrayList<>();
            for (int local = 0; local < entry.getValue(); local++) {
                Map<String, String> own = new TreeMap<>(shared);
                own.put("RANK", Integer.toString(rank));
                // Each worker is a container that sees its own GPUs only: its first is number 0.
                own.put("LOCAL_RANK", "0");
                tasks.add(
                        task(
                                spec,
                                prefix + "." + rank,
                                entry.getKey().getFirst(),
                                own,
                                rank == 0 ? port : OptionalLong.empty()));
                rank++;
            }
            parts.add(new Part(entry.getKey(), tasks));
        }
        return Optional.of(new GangPlan(parts));
    }

    private static String address(Offer offer) {
        var address = offer.getUrl().getAddress();
        return address.hasIp() && !address.getIp().isEmpty()
                ? address.getIp()
                : offer.getHostname();
    }

    private static TaskInfo task(
            JobSpec spec, String id, Offer offer, Map<String, String> own, OptionalLong port) {
        TaskInfo.Builder task =
                TaskInfo.newBuilder().setName(spec.name()).setAgentId(offer.getAgentId());
        task.getTaskIdBuilder().setValue(id);
        task.addResources(scalar(offer, "cpus", spec.cpus()));
        task.addResources(scalar(offer, "mem", (double) spec.memoryMib()));
        if (spec.gpus() > 0) {
            task.addResources(scalar(offer, "gpus", spec.gpus()));
        }
        port.ifPresent(number -> {
            Resource.Builder ports = resource(offer, "ports").setType(Value.Type.RANGES);
            ports.getRangesBuilder().addRangeBuilder().setBegin(number).setEnd(number);
            task.addResources(ports);
        });
        rules(task, spec.rules());
        CommandInfo.Builder command = task.getCommandBuilder().setShell(false);
        if (spec.image().isEmpty()) {
            command.setValue(spec.command().getFirst());
        } else {
            task.getContainerBuilder()
                    .setType(ContainerInfo.Type.MESOS)
                    .getMesosBuilder()
                    .getImageBuilder()
                    .setType(Image.Type.DOCKER)
                    .getDockerBuilder()
                    .setName(spec.image().get());
        }
        command.addAllArguments(spec.command());
        Map<String, String> all = new TreeMap<>(own);
        // The job's own words count more than ours.
        all.putAll(spec.environment());
        Environment.Builder environment = command.getEnvironmentBuilder();
        all.forEach(
                (name, value) -> environment.addVariablesBuilder().setName(name).setValue(value));
        return task.build();
    }

    private static void rules(TaskInfo.Builder task, JobRules rules) {
        rules.user().ifPresent(task.getCommandBuilder()::setUser);
        for (JobRules.Volume volume : rules.volumes()) {
            task.getContainerBuilder()
                    .setType(ContainerInfo.Type.MESOS)
                    .addVolumesBuilder()
                    .setHostPath(volume.host())
                    .setContainerPath(volume.path())
                    .setMode(volume.readOnly() ? Volume.Mode.RO : Volume.Mode.RW);
        }
        rules.grace()
                .ifPresent(grace ->
                        task.getKillPolicyBuilder()
                                .getGracePeriodBuilder()
                                .setNanoseconds(grace.toNanos()));
        rules.limit()
                .ifPresent(limit ->
                        task.getMaxCompletionTimeBuilder().setNanoseconds(limit.toNanos()));
    }

    private static Resource scalar(Offer offer, String name, double value) {
        return resource(offer, name)
                .setType(Value.Type.SCALAR)
                .setScalar(Value.Scalar.newBuilder().setValue(value))
                .build();
    }

    private static Resource.Builder resource(Offer offer, String name) {
        Resource.Builder resource = Resource.newBuilder().setName(name);
        if (offer.hasAllocationInfo()) {
            resource.setAllocationInfo(offer.getAllocationInfo());
        }
        return resource;
    }
}
