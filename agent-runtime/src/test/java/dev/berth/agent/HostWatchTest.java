package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.master.NodeReport;
import dev.berth.agent.tasks.HandDrivenHost;

import org.junit.jupiter.api.Test;

import java.util.List;

class HostWatchTest {
    private final HandDrivenHost host = new HandDrivenHost();
    private long memoryBytes = 1L << 30;
    private int read;
    private int told;

    private NodeReport.Host look() {
        read++;
        return new NodeReport.Host(2, memoryBytes, 1L << 40, 1, List.of());
    }

    @Test
    void aChangeOfTheHostIsToldOnceAndWithinAMinute() {
        HostWatch watch = new HostWatch(host, this::look, () -> told++);
        watch.begin();
        host.pass(10 * HostWatch.EVERY_NS);
        assertThat(told).isZero();
        assertThat(read).isEqualTo(11);
        memoryBytes *= 2;
        host.pass(10 * HostWatch.EVERY_NS);
        assertThat(told).isEqualTo(1);
        assertThat(watch.now().memoryBytes()).isEqualTo(memoryBytes);
    }
}
