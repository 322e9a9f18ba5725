package dev.berth.tests.bench.scale;

import dev.berth.protocol.MesosJson;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Response;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** Asks the master what it knows, and compares that with what the clients know. */
final class Operator {
    private Connection connection;

    Operator(World world) throws IOException {
        connection = world.connect();
    }

    void reconnect(World world) throws IOException {
        connection = world.connect();
    }

    Connection.Reply page(String path) throws Exception {
        CompletableFuture<Connection.Reply> answer = new CompletableFuture<>();
        connection.run(() -> connection.page(path, answer::complete));
        Connection.Reply reply = answer.get();
        if (reply.status() != 200) {
            throw new IllegalStateException(path + " was answered " + reply.status());
        }
        return reply;
    }

    private Connection.Reply ask(Call.Type type, boolean json) throws Exception {
        Call call = Call.newBuilder().setType(type).build();
        CompletableFuture<Connection.Reply> answer = new CompletableFuture<>();
        connection.run(() ->
                connection.call(
                        "/api/v1",
                        json ? "application/json" : "application/x-protobuf",
                        json ? MesosJson.write(call) : call.toByteArray(),
                        Map.of(),
                        answer::complete));
        Connection.Reply reply = answer.get();
        if (reply.status() != 200) {
            throw new IllegalStateException(type + " was answered " + reply.status());
        }
        return reply;
    }

    Connection.Reply state(boolean json) throws Exception {
        return ask(Call.Type.GET_STATE, json);
    }

    private static void add(Map<String, Long> sums, List<Resource> resources, int sign) {
        for (Resource resource : resources) {
            long amount =
                    resource.hasScalar()
                            ? Math.round(resource.getScalar().getValue() * 1000)
                            : resource.getRanges().getRangeList().stream()
                                    .mapToLong(r -> r.getEnd() - r.getBegin() + 1)
                                    .sum();
            sums.merge(resource.getName(), sign * amount, Long::sum);
        }
    }

    /** Every agent: what it has = what its tasks hold + what frameworks hold in offers + what is free, and nothing is free that somebody wants. */
    void check(int tasks, World world) throws Exception {
        Map<String, Map<String, Long>> offered = new HashMap<>();
        for (World.Held held : world.held().values()) {
            add(
                    offered.computeIfAbsent(held.agent().id(), _ -> new HashMap<>()),
                    held.offer().getResourcesList(),
                    1);
        }
        Response.GetState state = Response.parseFrom(state(false).body()).getGetState();
        long cpus = 0;
        for (Response.GetAgents.Agent agent : state.getGetAgents().getAgentsList()) {
            Map<String, Long> theirs = new HashMap<>();
            add(theirs, agent.getOfferedResourcesList(), 1);
            Map<String, Long> ours =
                    offered.getOrDefault(agent.getAgentInfo().getId().getValue(), Map.of());
            if (!theirs.equals(ours)) {
                throw new IllegalStateException(
                        "the master has offered " + theirs + ", frameworks hold " + ours);
            }
            Map<String, Long> free = new HashMap<>();
            add(free, agent.getTotalResourcesList(), 1);
            add(free, agent.getOfferedResourcesList(), -1);
            add(free, agent.getAllocatedResourcesList(), -1);
            if (free.values().stream().anyMatch(left -> left != 0)) {
                throw new IllegalStateException(
                        agent.getAgentInfo().getHostname() + " has something left: " + free);
            }
            Map<String, Long> used = new HashMap<>();
            add(used, agent.getAllocatedResourcesList(), 1);
            cpus += used.getOrDefault("cpus", 0L);
        }
        if (state.getGetAgents().getAgentsCount() != world.agents().size()
                || state.getGetTasks().getTasksCount() != tasks
                || cpus != tasks * 1000L) {
            throw new IllegalStateException(
                    state.getGetAgents().getAgentsCount()
                            + " agents, "
                            + state.getGetTasks().getTasksCount()
                            + " tasks with "
                            + cpus / 1000
                            + " cpus instead of "
                            + tasks
                            + " tasks");
        }
    }
}
