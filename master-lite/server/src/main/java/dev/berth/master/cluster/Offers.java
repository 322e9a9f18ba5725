package dev.berth.master.cluster;

import dev.berth.master.allocator.Allocator;
import dev.berth.master.allocator.Role;
import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.ExecutorId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.ids.OfferId;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.v1.Protos.Address;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.URL;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** The offers that frameworks have not answered yet. */
public final class Offers {
    /** Agents and filters that are looked at before anything else gets its turn. */
    private static final int POLL_LIMIT = 10_000;

    private final Cluster cluster;
    private final Allocator allocator;
    private final Map<OfferId, OpenOffer> open = new LinkedHashMap<>();
    private long next;

    Offers(Cluster cluster, Allocator allocator) {
        this.cluster = cluster;
        this.allocator = allocator;
    }

    public Collection<OpenOffer> open() {
        return Collections.unmodifiableCollection(open.values());
    }

    public Optional<OpenOffer> find(OfferId id) {
        return Optional.ofNullable(open.get(id));
    }

    /** Sends the offers that are due, those of one framework together. */
    public void send() {
        Map<FrameworkId, List<OpenOffer>> made = new LinkedHashMap<>();
        allocator.poll(
                (framework, role, agent, resources) ->
                        make(framework, role, agent, resources)
                                .ifPresent(offer ->
                                        made.computeIfAbsent(framework, _ -> new ArrayList<>())
                                                .add(offer)),
                POLL_LIMIT,
                cluster.nowNs());
        made.forEach((id, offers) -> {
            Event.Offers.Builder list = Event.Offers.newBuilder();
            offers.forEach(offer -> list.addOffers(offer.value()));
            Event event = Event.newBuilder().setType(Event.Type.OFFERS).setOffers(list).build();
            cluster.framework(id).ifPresent(framework -> cluster.send(framework, event));
            offers.forEach(_ -> cluster.counts().add(Count.OFFERS_SENT));
        });
    }

    /** When {@link #send} has something to do. */
    public long dueNs() {
        return allocator.dueNs();
    }

    private Optional<OpenOffer> make(FrameworkId to, Role role, AgentId from, Resources resources) {
        Optional<Framework> framework = cluster.framework(to);
        Optional<Agent> agent = cluster.agent(from);
        if (framework.isEmpty()
                || agent.isEmpty()
                || !framework.get().isConnected()
                || !agent.get().isActive()) {
            allocator.recover(to, role, from, resources, OptionalLong.empty(), cluster.nowNs());
            return Optional.empty();
        }
        OfferId id = new OfferId(cluster.settings().info().getId() + "-O" + next++);
        OpenOffer offer =
                new OpenOffer(
                        id,
                        to,
                        from,
                        role,
                        resources,
                        value(id, framework.get(), agent.get(), role, resources));
        open.put(id, offer);
        framework.get().add(offer);
        agent.get().add(offer);
        return Optional.of(offer);
    }

    private static Offer value(
            OfferId id, Framework framework, Agent agent, Role role, Resources resources) {
        Offer.Builder offer =
                Offer.newBuilder()
                        .setId(Wire.offerId(id))
                        .setFrameworkId(Wire.frameworkId(framework.id()))
                        .setAgentId(Wire.agentId(agent.id()))
                        .setHostname(agent.info().getHostname())
                        .addAllAttributes(agent.info().getAttributesList())
                        .setUrl(url(agent));
        // Frameworks of one role have never seen an allocation.
        if (framework.has(FrameworkInfo.Capability.Type.MULTI_ROLE)) {
            offer.addAllResources(ResourceWire.write(resources, role))
                    .setAllocationInfo(Resource.AllocationInfo.newBuilder().setRole(role.path()));
        } else {
            offer.addAllResources(ResourceWire.write(resources));
        }
        for (ExecutorId executor : framework.executors(agent.id())) {
            offer.addExecutorIds(Wire.executorId(executor));
        }
        if (agent.info().hasDomain()) {
            offer.setDomain(agent.info().getDomain());
        }
        return offer.build();
    }

    private static URL url(Agent agent) {
        return URL.newBuilder()
                .setScheme("http")
                .setAddress(
                        Address.newBuilder()
                                .setHostname(agent.info().getHostname())
                                .setIp(agent.address())
                                .setPort(agent.info().getPort()))
                .setPath("/slave(1)")
                .build();
    }

    /** Takes an offer from those that are open; its resources are the caller's. */
    public void take(OpenOffer offer) {
        open.remove(offer.id());
        cluster.framework(offer.framework()).ifPresent(framework -> framework.remove(offer));
        cluster.agent(offer.agent()).ifPresent(agent -> agent.remove(offer));
    }

    /** Takes an offer back; {@code refuseNs} is how long its framework does not want it. */
    public void discard(OpenOffer offer, OptionalLong refuseNs) {
        take(offer);
        allocator.recover(
                offer.framework(),
                offer.role(),
                offer.agent(),
                offer.resources(),
                refuseNs,
                cluster.nowNs());
    }

    /** Withdraws offers for roles that a framework does not have any more. */
    public void rescindForeign(Framework framework) {
        List<OpenOffer> foreign = new ArrayList<>();
        for (OpenOffer offer : framework.offers()) {
            if (!framework.roles().contains(offer.role().path())) {
                foreign.add(offer);
            }
        }
        rescind(foreign);
    }

    /** Takes offers back and tells their frameworks. */
    public void rescind(Collection<OpenOffer> offers) {
        for (OpenOffer offer : List.copyOf(offers)) {
            discard(offer, OptionalLong.empty());
            cluster.counts().add(Count.OFFERS_RESCINDED);
            Event event =
                    Event.newBuilder()
                            .setType(Event.Type.RESCIND)
                            .setRescind(
                                    Event.Rescind.newBuilder().setOfferId(Wire.offerId(offer.id())))
                            .build();
            cluster.framework(offer.framework()).ifPresent(to -> cluster.send(to, event));
        }
    }
}
