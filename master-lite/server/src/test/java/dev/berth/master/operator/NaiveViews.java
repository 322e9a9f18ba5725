package dev.berth.master.operator;

import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.ExecutorUse;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.OpenOffer;
import dev.berth.master.cluster.ResourceWire;
import dev.berth.master.cluster.Task;
import dev.berth.master.cluster.Wire;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.AgentInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.master.Protos.Response;

import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** What operators are told, by walking the cluster itself: slow, and hard to get wrong. */
public final class NaiveViews {
    private final Cluster cluster;

    public NaiveViews(Cluster cluster) {
        this.cluster = cluster;
    }

    public Response.GetState state() {
        return Response.GetState.newBuilder()
                .setGetTasks(tasks())
                .setGetExecutors(executors())
                .setGetFrameworks(frameworks())
                .setGetAgents(agents())
                .build();
    }

    Response.GetAgents agents() {
        Response.GetAgents.Builder agents = Response.GetAgents.newBuilder();
        cluster.agents().forEach(agent -> agents.addAgents(agent(agent)));
        cluster.recovered()
                .values()
                .forEach(record -> agents.addRecoveredAgents(Wire.info(record)));
        return agents.build();
    }

    Response.GetAgents.Agent agent(Agent agent) {
        Response.GetAgents.Agent.Builder view =
                Response.GetAgents.Agent.newBuilder()
                        .setAgentInfo(agent.info())
                        .setActive(agent.isActive())
                        .setVersion(cluster.settings().version())
                        .setPid(pid(agent))
                        .setRegisteredTime(Wire.time(agent.registeredNs()))
                        .addAllTotalResources(ResourceWire.write(agent.total()))
                        .addAllAllocatedResources(used(agent))
                        .addAllOfferedResources(offered(agent))
                        .setDeactivated(false);
        agent.reregisteredNs().ifPresent(ns -> view.setReregisteredTime(Wire.time(ns)));
        for (AgentInfo.Capability.Type type : Views.agentCapabilities()) {
            view.addCapabilities(AgentInfo.Capability.newBuilder().setType(type));
        }
        return view.build();
    }

    static String pid(Agent agent) {
        return "slave(1)@" + agent.address() + ":" + agent.info().getPort();
    }

    private static List<Protos.Resource> used(Agent agent) {
        Shares shares = new Shares();
        for (Task task : agent.tasks().values()) {
            if (task.isHolding()) {
                shares.add(task.role(), task.resources());
            }
        }
        for (ExecutorUse executor : agent.executors().values()) {
            shares.add(executor.role(), executor.resources());
        }
        return shares.entries();
    }

    private static List<Protos.Resource> offered(Agent agent) {
        Shares shares = new Shares();
        agent.offers().forEach(offer -> shares.add(offer.role(), offer.resources()));
        return shares.entries();
    }

    Response.GetFrameworks frameworks() {
        Response.GetFrameworks.Builder frameworks = Response.GetFrameworks.newBuilder();
        cluster.frameworks().forEach(each -> frameworks.addFrameworks(framework(each)));
        cluster.completedFrameworks()
                .forEach(each -> frameworks.addCompletedFrameworks(framework(each)));
        return frameworks.build();
    }

    Response.GetFrameworks.Framework framework(Framework framework) {
        Response.GetFrameworks.Framework.Builder view =
                Response.GetFrameworks.Framework.newBuilder()
                        .setFrameworkInfo(framework.info())
                        .setActive(framework.isConnected())
                        .setConnected(framework.isConnected())
                        .setRecovered(framework.isRecovered())
                        .addAllAllocatedResources(held(framework).entries());
        if (!framework.isRecovered()) {
            view.setRegisteredTime(Wire.time(framework.registeredNs()));
        }
        framework.reregisteredNs().ifPresent(ns -> view.setReregisteredTime(Wire.time(ns)));
        framework.unregisteredNs().ifPresent(ns -> view.setUnregisteredTime(Wire.time(ns)));
        Shares offered = new Shares();
        for (OpenOffer offer : framework.offers()) {
            view.addOffers(offer.value());
            offered.add(offer.role(), offer.resources());
        }
        return view.addAllOfferedResources(offered.entries()).build();
    }

    /** What a framework's tasks and executors hold. */
    Shares held(Framework framework) {
        Shares shares = new Shares();
        for (Task task : framework.live().values()) {
            if (task.isHolding()) {
                shares.add(task.role(), task.resources());
            }
        }
        for (Agent agent : cluster.agentsOf(framework)) {
            for (ExecutorUse executor : agent.executors().values()) {
                if (executor.framework().equals(framework.id())) {
                    shares.add(executor.role(), executor.resources());
                }
            }
        }
        return shares;
    }

    Response.GetTasks tasks() {
        Response.GetTasks.Builder tasks = Response.GetTasks.newBuilder();
        for (Framework framework : cluster.frameworks()) {
            tasks(tasks, framework);
        }
        for (Framework framework : cluster.completedFrameworks()) {
            tasks(tasks, framework);
        }
        return tasks.build();
    }

    private static void tasks(Response.GetTasks.Builder tasks, Framework framework) {
        framework.live().values().forEach(task -> tasks.addTasks(task.value()));
        framework.unreachable().values().forEach(task -> tasks.addUnreachableTasks(task.value()));
        framework.completed().forEach(task -> tasks.addCompletedTasks(task.value()));
    }

    Response.GetExecutors executors() {
        Response.GetExecutors.Builder executors = Response.GetExecutors.newBuilder();
        for (Agent agent : cluster.agents()) {
            for (ExecutorUse executor : agent.executors().values()) {
                executors.addExecutors(
                        Response.GetExecutors.Executor.newBuilder()
                                .setExecutorInfo(executor.info())
                                .setAgentId(Wire.agentId(agent.id())));
            }
        }
        return executors.build();
    }

    public Map<String, Double> gauges() {
        Map<String, Double> gauges = new TreeMap<>();
        gauges.put("master/elected", 1.0);
        gauges.put("master/uptime_secs", (cluster.nowNs() - cluster.startedNs()) / 1e9);
        agentGauges(gauges);
        frameworkGauges(gauges);
        gauges.put("master/outstanding_offers", (double) cluster.offers().open().size());
        return gauges;
    }

    private void agentGauges(Map<String, Double> gauges) {
        Resources total = Resources.EMPTY;
        Resources used = Resources.EMPTY;
        int active = 0;
        int connected = 0;
        for (Agent agent : cluster.agents()) {
            total = total.plus(agent.total().scalars());
            used = used.plus(agent.used().scalars());
            active += agent.isActive() ? 1 : 0;
            connected += agent.link().isPresent() ? 1 : 0;
        }
        int all = cluster.agents().size();
        gauges.put("master/slaves_connected", (double) connected);
        gauges.put("master/slaves_disconnected", (double) all - connected);
        gauges.put("master/slaves_active", (double) active);
        gauges.put("master/slaves_inactive", (double) all - active);
        gauges.put("master/slaves_unreachable", (double) cluster.unreachable().size());
        for (String name : List.of("cpus", "mem", "disk", "gpus")) {
            double of = total.millis(name) / 1000.0;
            double in = used.millis(name) / 1000.0;
            gauges.put("master/" + name + "_total", of);
            gauges.put("master/" + name + "_used", in);
            gauges.put("master/" + name + "_percent", of == 0 ? 0 : in / of);
        }
    }

    private void frameworkGauges(Map<String, Double> gauges) {
        Map<TaskState, Integer> states = new EnumMap<>(TaskState.class);
        int connected = 0;
        for (Framework framework : cluster.frameworks()) {
            connected += framework.isConnected() ? 1 : 0;
            for (Task task : framework.live().values()) {
                states.merge(task.state(), 1, Integer::sum);
            }
            states.merge(TaskState.TASK_UNREACHABLE, framework.unreachable().size(), Integer::sum);
        }
        int all = cluster.frameworks().size();
        gauges.put("master/frameworks_connected", (double) connected);
        gauges.put("master/frameworks_disconnected", (double) all - connected);
        gauges.put("master/frameworks_active", (double) connected);
        gauges.put("master/frameworks_inactive", (double) all - connected);
        for (TaskState state :
                List.of(
                        TaskState.TASK_STAGING,
                        TaskState.TASK_STARTING,
                        TaskState.TASK_RUNNING,
                        TaskState.TASK_KILLING,
                        TaskState.TASK_UNREACHABLE)) {
            String name = state.name().toLowerCase(Locale.ROOT).replace("task_", "tasks_");
            gauges.put("master/" + name, (double) states.getOrDefault(state, 0));
        }
    }
}
