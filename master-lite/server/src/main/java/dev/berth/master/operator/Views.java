package dev.berth.master.operator;

import dev.berth.master.allocator.RoleQuantities;
import dev.berth.master.cluster.AgentFacts;
import dev.berth.master.cluster.ExecutorUse;
import dev.berth.master.cluster.FrameworkFacts;
import dev.berth.master.cluster.MasterSettings;
import dev.berth.master.cluster.Moment;
import dev.berth.master.cluster.OpenOffer;
import dev.berth.master.cluster.ResourceWire;
import dev.berth.master.cluster.TaskFacts;
import dev.berth.master.cluster.Wire;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.AgentInfo;
import dev.berth.protocol.v1.master.Protos.Response;

import java.util.List;

/** A moment in the messages of the operator API. */
final class Views {
    /** What our agents can do, in Mesos's words. */
    private static final List<AgentInfo.Capability.Type> AGENT_CAPABILITIES =
            List.of(
                    AgentInfo.Capability.Type.MULTI_ROLE,
                    AgentInfo.Capability.Type.HIERARCHICAL_ROLE,
                    AgentInfo.Capability.Type.TASK_RESOURCE_LIMITS);

    private final Moment moment;
    private final Picture picture;

    Views(Moment moment, Picture picture) {
        this.moment = moment;
        this.picture = picture;
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
        picture.agents().forEach(agent -> agents.addAgents(agent(moment.settings(), agent)));
        moment.recovered().forEach(record -> agents.addRecoveredAgents(Wire.info(record)));
        return agents.build();
    }

    static Response.GetAgents.Agent agent(MasterSettings settings, AgentPart agent) {
        AgentFacts facts = agent.facts();
        Response.GetAgents.Agent.Builder view =
                Response.GetAgents.Agent.newBuilder()
                        .setAgentInfo(facts.info())
                        .setActive(facts.active())
                        .setVersion(settings.version())
                        .setPid(pid(facts))
                        .setRegisteredTime(Wire.time(facts.registeredNs()))
                        .addAllTotalResources(ResourceWire.write(facts.total()))
                        .addAllAllocatedResources(used(agent))
                        .addAllOfferedResources(offered(agent.offers()).entries())
                        .setDeactivated(false);
        facts.reregisteredNs().ifPresent(ns -> view.setReregisteredTime(Wire.time(ns)));
        for (AgentInfo.Capability.Type type : AGENT_CAPABILITIES) {
            view.addCapabilities(AgentInfo.Capability.newBuilder().setType(type));
        }
        return view.build();
    }

    static String pid(AgentFacts agent) {
        return "slave(1)@" + agent.address() + ":" + agent.info().getPort();
    }

    private static List<Protos.Resource> used(AgentPart agent) {
        Shares shares = new Shares();
        for (TaskFacts task : agent.tasks()) {
            if (task.isHolding()) {
                shares.add(task.role(), task.resources());
            }
        }
        for (ExecutorUse executor : agent.executors()) {
            shares.add(executor.role(), executor.resources());
        }
        return shares.entries();
    }

    private static Shares offered(List<OpenOffer> offers) {
        Shares shares = new Shares();
        offers.forEach(offer -> shares.add(offer.role(), offer.resources()));
        return shares;
    }

    Response.GetFrameworks frameworks() {
        Response.GetFrameworks.Builder frameworks = Response.GetFrameworks.newBuilder();
        picture.frameworks().forEach(each -> frameworks.addFrameworks(framework(each)));
        picture.completed().forEach(each -> frameworks.addCompletedFrameworks(framework(each)));
        return frameworks.build();
    }

    static Response.GetFrameworks.Framework framework(FrameworkPart framework) {
        FrameworkFacts facts = framework.facts();
        Response.GetFrameworks.Framework.Builder view =
                Response.GetFrameworks.Framework.newBuilder()
                        .setFrameworkInfo(facts.info())
                        .setActive(facts.connected())
                        .setConnected(facts.connected())
                        .setRecovered(facts.recovered())
                        .addAllAllocatedResources(framework.held().entries());
        if (!facts.recovered()) {
            view.setRegisteredTime(Wire.time(facts.registeredNs()));
        }
        facts.reregisteredNs().ifPresent(ns -> view.setReregisteredTime(Wire.time(ns)));
        facts.unregisteredNs().ifPresent(ns -> view.setUnregisteredTime(Wire.time(ns)));
        framework.offers().forEach(offer -> view.addOffers(offer.value()));
        return view.addAllOfferedResources(offered(framework.offers()).entries()).build();
    }

    Response.GetTasks tasks() {
        Response.GetTasks.Builder tasks = Response.GetTasks.newBuilder();
        picture.frameworks().forEach(framework -> tasks(tasks, framework));
        picture.completed().forEach(framework -> tasks(tasks, framework));
        return tasks.build();
    }

    private static void tasks(Response.GetTasks.Builder tasks, FrameworkPart framework) {
        framework.live().forEach(task -> tasks.addTasks(task.value()));
        framework.unreachable().forEach(task -> tasks.addUnreachableTasks(task.value()));
        framework.completed().forEach(task -> tasks.addCompletedTasks(task.value()));
    }

    Response.GetExecutors executors() {
        Response.GetExecutors.Builder executors = Response.GetExecutors.newBuilder();
        for (AgentPart agent : picture.agents()) {
            for (ExecutorUse executor : agent.executors()) {
                executors.addExecutors(
                        Response.GetExecutors.Executor.newBuilder()
                                .setExecutorInfo(executor.info())
                                .setAgentId(Wire.agentId(agent.facts().id())));
            }
        }
        return executors.build();
    }

    static List<Protos.Role> roles(Moment moment) {
        return moment.roles().stream().map(Views::role).toList();
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
