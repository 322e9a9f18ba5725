package dev.berth.master.core;

import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo.Capability;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/** Random parts of calls, some of them nonsense. */
final class RandomValues {
    private final SplittableRandom random;

    RandomValues(SplittableRandom random) {
        this.random = random;
    }

    <T> Optional<T> pick(List<T> list) {
        return list.isEmpty()
                ? Optional.empty()
                : Optional.of(list.get(random.nextInt(list.size())));
    }

    FrameworkInfo.Builder info() {
        FrameworkInfo.Builder info =
                World.framework("f").setFailoverTimeout(random.nextInt(4) == 0 ? 0 : 30);
        if (random.nextBoolean()) {
            info.addCapabilities(Capability.newBuilder().setType(Capability.Type.PARTITION_AWARE));
        }
        if (random.nextBoolean()) {
            info.addCapabilities(Capability.newBuilder().setType(Capability.Type.GPU_RESOURCES));
        }
        if (random.nextBoolean()) {
            info.addCapabilities(Capability.newBuilder().setType(Capability.Type.MULTI_ROLE));
            for (String role : List.of("a", "a/b", "*", "-")) {
                if (random.nextInt(role.equals("-") ? 20 : 2) == 0) {
                    info.addRoles(role);
                }
            }
        }
        return info;
    }

    Offer offer(World.Stream stream) {
        List<Offer> offers = stream.offers();
        // The newest ones are mostly open, the older ones mostly not.
        return offers.get(Math.max(0, offers.size() - 1 - random.nextInt(3)));
    }

    Call.Builder to(World.Stream stream) {
        return Call.newBuilder()
                .setFrameworkId(
                        stream.of(Event.Type.SUBSCRIBED).isEmpty()
                                ? Protos.FrameworkID.newBuilder().setValue("x").build()
                                : World.id(stream));
    }

    TaskInfo task(Offer offer) {
        List<Resource> resources = new ArrayList<>();
        resources.add(World.scalar("cpus", random.nextInt(30) / 10.0));
        resources.add(World.scalar("mem", random.nextInt(200)));
        if (random.nextInt(3) == 0) {
            long port = 31000 + random.nextInt(50);
            resources.add(
                    World.ports(
                            port, port + random.nextInt(3) - (random.nextInt(20) == 0 ? 2 : 0)));
        }
        if (random.nextInt(10) == 0) {
            resources.add(World.scalar("gpus", random.nextInt(3) / 2.0));
        }
        if (random.nextInt(30) == 0) {
            resources.add(World.scalar("cpus", Double.NaN));
        }
        TaskInfo.Builder task =
                World.task("t" + random.nextInt(40), offer, resources.toArray(new Resource[0]))
                        .toBuilder();
        if (random.nextInt(20) == 0) {
            task.setTaskId(Protos.TaskID.newBuilder().setValue("a/b"));
        }
        return task.build();
    }

    Offer.Operation group(Offer offer) {
        Protos.ExecutorInfo.Builder executor =
                Protos.ExecutorInfo.newBuilder()
                        .setExecutorId(
                                Protos.ExecutorID.newBuilder().setValue("e" + random.nextInt(4)))
                        .addResources(World.scalar("cpus", 0.1))
                        .addResources(World.scalar("mem", 32))
                        .addResources(World.scalar("disk", 32));
        if (random.nextInt(10) > 0) {
            executor.setType(Protos.ExecutorInfo.Type.DEFAULT);
        }
        return Offer.Operation.newBuilder()
                .setType(Offer.Operation.Type.LAUNCH_GROUP)
                .setLaunchGroup(
                        Offer.Operation.LaunchGroup.newBuilder()
                                .setExecutor(executor)
                                .setTaskGroup(
                                        Protos.TaskGroupInfo.newBuilder()
                                                .addTasks(task(offer))
                                                .addTasks(task(offer))))
                .build();
    }
}
