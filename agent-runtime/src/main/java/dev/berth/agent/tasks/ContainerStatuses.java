package dev.berth.agent.tasks;

import dev.berth.agent.conductor.ContainerView;
import dev.berth.protocol.v1.Protos.ContainerStatus;

/** A task's container in the words of updates and of the agent's API. Any thread. */
public final class ContainerStatuses {
    private ContainerStatuses() {}

    /**
     * Which container, its first process, and its addresses: a container with the host's network has the host's.
     *
     * @param address of this agent
     */
    public static ContainerStatus of(ContainerView view, String address) {
        ContainerStatus.Builder status = ContainerStatus.newBuilder();
        status.getContainerIdBuilder().setValue(view.id().value());
        if (view.pid() > 0) {
            status.setExecutorPid(view.pid());
        }
        if (view.spec().networkMode().equals("host")) {
            status.addNetworkInfosBuilder().addIpAddressesBuilder().setIpAddress(address);
        }
        return status.build();
    }
}
