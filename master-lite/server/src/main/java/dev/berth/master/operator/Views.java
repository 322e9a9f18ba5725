package dev.berth.master.operator;

import dev.berth.master.allocator.RoleQuantities;
import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.ExecutorUse;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.OpenOffer;
import dev.berth.master.cluster.ResourceWire;
import dev.berth.master.cluster.Task;
import dev.berth.master.cluster.Wire;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.AgentInfo;
import dev.berth.protocol.v1.master.Protos.Response;

import java.util.List;

/** The cluster in the messages of the operator API. */
final class Views {
    /** What our agents can do, in Mesos's words. */
    private static final List<AgentInfo.Capability.Type> AGENT_CAPABILITIES =
            List.of(
                    AgentInfo.Capability.Type.MULTI_ROLE,
                    AgentInfo.Capability.Type.HIERARCHICAL_ROLE,
                    AgentInfo.Capability.Type.TASK_RESOURCE_LIMITS);

    private final Cluster cluster;

    Views(Cluster cluster) {
        this.cluster = cluster;
    }

    static List<AgentInfo.Capability.Type> agentCapabilities() {
        return AGENT_CAPABILITIES;
    }

    Response.GetState state() {
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
                        .setRegisteredTime(Cluster.time(agent.registeredNs()))
                        .addAllTotalResources(ResourceWire.write(agent.total()))
                        .addAllAllocatedResources(used(agent))
                        .addAllOfferedResources(offered(agent))
                        .setDeactivated(false);
        agent.reregisteredNs().ifPresent(ns -> view.setReregisteredTime(Cluster.time(ns)));
        for (AgentInfo.Capability.Type type : AGENT_CAPABILITIES) {
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
            view.setRegisteredTime(Cluster.time(framework.registeredNs()));
        }
        framework.reregisteredNs().ifPresent(ns -> view.setReregisteredTime(Cluster.time(ns)));
        framework.unregisteredNs().ifPresent(ns -> view.setUnregisteredTime(Cluster.time(ns)));
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

    List<Protos.Role> roles() {
        return cluster.allocator().roles().stream().map(Views::role).toList();
    }

    private static Protos.Role role(RoleQuantities role) {
        Protos.Role.Builder view =
                Protos.Role.newBuilder()
                        .setName(role.role().path())
                        .setWeight(role.weight())
                        .addAllResources(ResourceWire.write(role.allocated()));
        role.frameworks().forEach(id -> view.addFrameworks(Wire.frameworkId(id)));
        return view.build();
    }
}
