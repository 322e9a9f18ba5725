package dev.berth.agent.docker;

import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.conductor.Counters;
import dev.berth.agent.device.DeviceSnapshot;

import java.util.List;

/** The page of {@code /metrics}, for other listeners of the agent. Any thread. */
public final class MetricsPage {
    private MetricsPage() {}

    public static String of(
            Counters counters, List<ContainerView> containers, DeviceSnapshot devices) {
        return MetricsRoutes.text(counters, containers, devices, SystemRoutes.hostname());
    }
}
