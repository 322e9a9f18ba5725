package dev.berth.agent.conductor;

import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.ContainerSpec;
import dev.berth.agent.config.DeviceDemand;
import dev.berth.agent.config.Fields;
import dev.berth.agent.device.DeviceDesk;
import dev.berth.agent.device.DeviceHost;
import dev.berth.agent.device.DevicePlan;
import dev.berth.containerizer.ContainerizerException;
import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.edits.EditsMerge;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Devices of containers: before a start, while they run, after their end. Conductor thread. */
final class Grants implements DeviceHost {
    private static final Map<String, Counter> COUNTED =
            Map.of(
                    "grant", Counter.DEVICES_GRANTED,
                    "release", Counter.DEVICES_RELEASED,
                    "clean", Counter.DEVICES_FOUND_CLEAN,
                    "quarantine", Counter.DEVICES_QUARANTINED,
                    "reset", Counter.DEVICE_RESETS,
                    "health", Counter.DEVICE_HEALTH_CHANGES);

    private final Conductor conductor;
    private final ConductorParts parts;
    private final Registry registry;
    private final DeviceDesk desk;

    Grants(Conductor conductor, ConductorParts parts, Registry registry) {
        this.conductor = conductor;
        this.parts = parts;
        this.registry = registry;
        this.desk = new DeviceDesk(parts.devices(), this);
    }

    DeviceDesk desk() {
        return desk;
    }

    private DeviceDemand demand(ContainerSpec spec) throws AgentException {
        return DeviceDemand.of(new Fields(spec.hostConfig(), "HostConfig"), desk.kinds());
    }

    private DeviceDemand demand(Container container) throws AgentException {
        return demand(container.spec).as(container.identity.uid(), container.identity.gid());
    }

    /** Does {@code step} once the CDI files that a demand needs are as they are now; at once when it needs none. False while that is to come. */
    private boolean afterFiles(DeviceDemand demand, Runnable step) {
        if (demand.cdiNames().isEmpty()) {
            step.run();
            return true;
        }
        onLane(() -> {
            try {
                parts.devices().cdi().refresh();
            } catch (DeviceException e) {
                AgentLog.error("CDI files", e);
            }
            offer(step);
        });
        return false;
    }

    /** The same for a request whose container does not exist yet. */
    void afterFiles(ObjectNode hostConfig, Runnable step) throws AgentException {
        Fields host = new Fields(hostConfig, "HostConfig");
        afterFiles(DeviceDemand.of(host, desk.kinds()), step);
    }

    /** What a start would get now, so that it can be prepared; what this agent can never give is refused. */
    Optional<DevicePlan> predict(ContainerId id, ContainerSpec spec) throws AgentException {
        DeviceDemand demand = demand(spec);
        if (demand.isNone()) {
            return Optional.of(DevicePlan.NONE);
        }
        desk.check(demand);
        return desk.predict(id, demand);
    }

    /** Who waits for a container's devices. */
    interface Starter {
        void onPlan(DevicePlan plan);

        void onRefused(AgentException why);
    }

    /** Gets everything that a container wants before a start; at once where it wants nothing. False while the answer is to come. */
    boolean acquire(Container container, Starter starter) {
        DeviceDemand demand;
        try {
            demand = demand(container);
        } catch (AgentException e) {
            starter.onRefused(e);
            return true;
        }
        if (demand.isNone()) {
            starter.onPlan(DevicePlan.NONE);
            return true;
        }
        return afterFiles(demand, () -> request(container, demand, starter))
                && !desk.isAsked(container.id);
    }

    private void request(Container container, DeviceDemand demand, Starter starter) {
        desk.request(
                container.id,
                demand,
                new DeviceDesk.Asker() {
                    @Override
                    public void onPlan(DevicePlan plan, List<DeviceId> added) {
                        container.held = plan;
                        starter.onPlan(plan);
                    }

                    @Override
                    public void onRefused(AgentException why) {
                        parts.counters().increment(Counter.DEVICE_REQUESTS_REFUSED);
                        starter.onRefused(why);
                    }
                });
    }

    /** The container has ended or did not start. */
    void release(Container container) {
        if (!container.held.equals(DevicePlan.NONE)) {
            container.held = DevicePlan.NONE;
            desk.release(container.id);
        }
    }

    /** Before the containerizer is asked what runs: grants of {@code running} stand. */
    void recover(Set<ContainerId> running) throws AgentException {
        desk.recover(running, parts.wake());
    }

    /** The configuration of a container that may run, with the devices that it has. */
    ContainerConfig recovered(Container container, ContainerConfig config) {
        ContainerEdits edits = desk.recovered(container.id);
        List<DeviceGrant> grants = desk.held(container.id);
        if (!grants.isEmpty() || !edits.equals(ContainerEdits.NONE)) {
            container.held = new DevicePlan(grants, edits);
            container.plan = container.held;
        }
        return EditsMerge.apply(config, edits);
    }

    /** Gives a running container more devices; the answer are their ids. */
    void attach(
            Container container, String kind, Selection selection, Answer<List<String>> answer) {
        if (!container.status.isAlive()) {
            answer.onFailure(Lifecycle.notRunning(container));
            return;
        }
        DeviceDemand demand;
        try {
            demand = demand(container);
        } catch (AgentException e) {
            answer.onFailure(e);
            return;
        }
        desk.attach(
                container.id,
                demand,
                kind,
                selection,
                new DeviceDesk.Asker() {
                    @Override
                    public void onPlan(DevicePlan plan, List<DeviceId> added) {
                        attached(container, plan, added, answer);
                    }

                    @Override
                    public void onRefused(AgentException why) {
                        parts.counters().increment(Counter.DEVICE_REQUESTS_REFUSED);
                        answer.onFailure(why);
                    }
                });
    }

    private void attached(
            Container container,
            DevicePlan plan,
            List<DeviceId> added,
            Answer<List<String>> answer) {
        try {
            open(container, plan);
            for (DeviceId id : added) {
                tell("attach", id.value(), of(container));
            }
            parts.counters().add(Counter.DEVICES_ATTACHED, added.size());
            answer.onResult(added.stream().map(DeviceId::value).toList());
        } catch (AgentException | ContainerizerException e) {
            AgentException failure =
                    AgentException.failed("attach " + added + " to " + container.name, e);
            undo(container, added);
            answer.onFailure(failure);
        }
    }

    /** Makes a plan that of a running container. */
    private void open(Container container, DevicePlan plan)
            throws AgentException, ContainerizerException {
        ContainerConfig config =
                EditsMerge.apply(
                        parts.translation()
                                .translate(container.id, container.spec, container.identity),
                        plan.edits());
        parts.containerizer().updateDevices(config);
        container.config = config;
        container.plan = plan;
        container.held = plan;
        registry.publish(container);
    }

    private void undo(Container container, List<DeviceId> added) {
        try {
            DeviceDesk.Less less = desk.without(container.id, demand(container), added);
            if (container.status.isAlive()) {
                open(container, less.plan());
            }
            desk.detach(container.id, added);
        } catch (AgentException | ContainerizerException e) {
            AgentLog.error("take devices back from " + container.name, e);
        }
    }

    /** Takes devices from a running container: first the kernel refuses them to it, then they are verified. What it has open stays open. */
    void detach(Container container, String kind, List<String> names, Answer<List<String>> answer) {
        if (!container.status.isAlive()) {
            answer.onFailure(Lifecycle.notRunning(container));
            return;
        }
        try {
            List<DeviceId> devices = desk.named(kind, names);
            DeviceDesk.Less less = desk.without(container.id, demand(container), devices);
            open(container, less.plan());
            desk.detach(container.id, less.devices());
            for (DeviceId id : less.devices()) {
                tell("detach", id.value(), of(container));
            }
            parts.counters().add(Counter.DEVICES_DETACHED, less.devices().size());
            answer.onResult(less.devices().stream().map(DeviceId::value).toList());
        } catch (ContainerizerException e) {
            answer.onFailure(AgentException.failed("detach devices of " + container.name, e));
        } catch (AgentException e) {
            answer.onFailure(e);
        }
    }

    private static Map<String, String> of(Container container) {
        return Map.of("container", container.id.value(), "name", container.name);
    }

    @Override
    public long monotonicNs() {
        return parts.clock().monotonicNs();
    }

    @Override
    public long realtimeNs() {
        return parts.clock().realtimeNs();
    }

    @Override
    public void onLane(Runnable job) {
        conductor.onLane(parts.roots(), job);
    }

    @Override
    public void offer(Runnable step) {
        conductor.offer(step);
    }

    @Override
    public void tell(String action, String actor, Map<String, String> attributes) {
        Counter counter = COUNTED.get(action);
        if (counter != null) {
            parts.counters().increment(counter);
        }
        conductor.tell("gpu", action, actor, attributes);
    }

    @Override
    public void tellHolder(
            ContainerId holder, String device, String reason, Optional<ContainerId> blamed) {
        Container container = registry.byId(holder);
        if (container == null) {
            return;
        }
        Map<String, String> more = new LinkedHashMap<>();
        more.put("device", device);
        more.put("reason", reason);
        blamed.ifPresent(id -> more.put("blamed", id.value()));
        conductor.tell(container, "device-fault", more);
    }

    @Override
    public void kill(ContainerId id, String reason) {
        Container container = registry.byId(id);
        if (container == null || !container.status.isAlive()) {
            return;
        }
        AgentLog.warn("container " + container.name + " is killed: " + reason);
        parts.counters().increment(Counter.DEVICE_HOLDERS_KILLED);
        conductor.tell(container, "kill", Map.of("signal", "9", "reason", reason));
        try {
            parts.containerizer().kill(id);
        } catch (ContainerizerException e) {
            AgentLog.error("kill " + id.shortForm(), e);
        }
    }

    @Override
    public void renumbered(ContainerId id) {
        Container container = registry.byId(id);
        if (container == null || !container.status.isAlive()) {
            return;
        }
        try {
            open(container, desk.current(id, demand(container)));
        } catch (AgentException | ContainerizerException e) {
            AgentLog.error("new device numbers of container " + container.name, e);
        }
    }

    @Override
    public Optional<ContainerId> containerOf(int pid) {
        return parts.devices().owner().apply(pid);
    }
}
