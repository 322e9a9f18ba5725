package dev.berth.tests.bench.scale;

import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/** Single events, one after the other, each from the bytes that cause it to the bytes that it leads to. */
final class Events {
    private final LiveMaster master;
    private final World world;
    private final Random random;

    Events(LiveMaster master, World world, Random random) {
        this.master = master;
        this.world = world;
        this.random = random;
    }

    static Call.Builder accept(Offer offer, List<TaskInfo> tasks) {
        return Call.newBuilder()
                .setType(Call.Type.ACCEPT)
                .setAccept(
                        Call.Accept.newBuilder()
                                .addOfferIds(offer.getId())
                                .addOperations(
                                        Offer.Operation.newBuilder()
                                                .setType(Offer.Operation.Type.LAUNCH)
                                                .setLaunch(
                                                        Offer.Operation.Launch.newBuilder()
                                                                .addAllTaskInfos(tasks))));
    }

    private interface Timed {
        long begin();
    }

    /** Runs on the clients' loop and answers when it began. */
    private long on(Timed step) {
        CompletableFuture<Long> began = new CompletableFuture<>();
        world.run(() -> began.complete(step.begin()));
        return began.join();
    }

    private static boolean offers(Event event, SimAgent agent) {
        return event.getType() == Event.Type.OFFERS
                && event.getOffers().getOffersList().stream()
                        .anyMatch(offer -> offer.getAgentId().getValue().equals(agent.id()));
    }

    void run(int count) throws Exception {
        List<World.Held> chosen = new ArrayList<>(world.held().values());
        Collections.shuffle(chosen, random);
        int half = Math.min(count, chosen.size() / 2);
        launches(chosen.subList(0, half));
        declines(chosen.subList(half, 2 * half));
        world.quiet().forEach(world::book);
    }

    private void launches(List<World.Held> chosen) throws InterruptedException {
        long[] accepts = new long[chosen.size()];
        long[] rests = new long[chosen.size()];
        long[] updates = new long[chosen.size()];
        long[] acknowledgements = new long[chosen.size()];
        long[] ends = new long[chosen.size()];
        long cpuNs = LiveMaster.cpuNs("berth-http") + LiveMaster.cpuNs("berth-master");
        for (int i = 0; i < accepts.length; i++) {
            World.Held held = chosen.get(i);
            SimFramework framework = held.framework();
            SimAgent agent = held.agent();
            TaskInfo task = World.task(framework, agent, "event", false);
            Call.Builder accept = accept(held.offer(), List.of(task));
            world.held().remove(held.offer().getId().getValue());
            long startNs =
                    on(() -> {
                        long now = System.nanoTime();
                        framework.call(accept);
                        return now;
                    });
            accepts[i] = world.awaitLaunch(agent) - startNs;
            rests[i] = world.await("the rest", event -> offers(event, agent)).atNs() - startNs;
            startNs = on(() -> agent.update(framework.id(), task, TaskState.TASK_RUNNING));
            SimFramework.Seen update =
                    world.await("UPDATE", event -> event.getType() == Event.Type.UPDATE);
            updates[i] = update.atNs() - startNs;
            acknowledgements[i] = acknowledge(framework, agent, update);
            startNs = on(() -> agent.update(framework.id(), task, TaskState.TASK_FINISHED));
            update = world.await("UPDATE", event -> event.getType() == Event.Type.UPDATE);
            ends[i] = world.await("an offer", event -> offers(event, agent)).atNs() - startNs;
            var _ = acknowledge(framework, agent, update);
        }
        cpuNs = LiveMaster.cpuNs("berth-http") + LiveMaster.cpuNs("berth-master") - cpuNs;
        Rows.microseconds("ACCEPT with one LAUNCH -> Launch at the agent", accepts);
        Rows.microseconds("ACCEPT with one LAUNCH -> the rest offered", rests);
        Rows.microseconds("agent's status update -> UPDATE at the framework", updates);
        Rows.microseconds("ACKNOWLEDGE -> Acknowledge at the agent", acknowledgements);
        Rows.microseconds("a task ends -> its resources offered", ends);
        Rows.microseconds(
                "... the master's processor time for all of it, per task",
                new long[] {cpuNs / accepts.length});
    }

    private long acknowledge(SimFramework framework, SimAgent agent, SimFramework.Seen update)
            throws InterruptedException {
        Protos.TaskStatus status = update.event().getUpdate().getStatus();
        long startNs =
                on(() -> {
                    long now = System.nanoTime();
                    framework.acknowledge(status);
                    return now;
                });
        return world.awaitAcknowledgement(agent) - startNs;
    }

    private void declines(List<World.Held> chosen) throws InterruptedException {
        long[] declines = new long[chosen.size()];
        for (int i = 0; i < declines.length; i++) {
            World.Held held = chosen.get(i);
            world.held().remove(held.offer().getId().getValue());
            long startNs =
                    on(() -> {
                        long now = System.nanoTime();
                        held.framework().decline(List.of(held.offer().getId()), 5, _ -> {});
                        return now;
                    });
            declines[i] =
                    world.await("an offer", event -> offers(event, held.agent())).atNs() - startNs;
        }
        Rows.microseconds("DECLINE for 5 s -> the next framework is offered it", declines);
        master.settle();
    }
}
