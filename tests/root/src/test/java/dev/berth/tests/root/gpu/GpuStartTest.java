package dev.berth.tests.root.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.linux.Bpf;
import dev.berth.linux.Fd;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** What a start with a GPU does not do, and what watches over the container afterwards. */
@Tag("root")
class GpuStartTest {
    private GpuHost host;

    @BeforeEach
    void open() throws Exception {
        host = new GpuHost("sim:8xH100", List.of());
        host.awaitFree(8);
    }

    @AfterEach
    void close() throws Exception {
        host.close();
    }

    /** A library in which every call would hang for ever makes no start slower: none is made. And the agent forks nothing: it has the children that it had. */
    @Test
    void aStartMakesNoNvmlCallAndNoFork() throws Exception {
        String warm = host.start(host.request(1, "true"));
        host.engine.await(warm);
        host.remove(warm);
        host.awaitFree(8);
        String children = children();
        long before = forks();
        host.control().arm(dev.berth.gpu.simulator.Fault.hangForEver().holdingTheLibrary());
        long begin = System.nanoTime();
        String id = host.start(host.request(2, "sleep", "1000"));
        assertThat(System.nanoTime() - begin).isLessThan(TimeUnit.SECONDS.toNanos(2));
        assertThat(host.held(id)).hasSize(2);
        assertThat(children()).isEqualTo(children);
        assertThat(forks()).as("threads and processes that the agent made").isEqualTo(before);
        host.control().clearFaults();
    }

    private String children() throws Exception {
        String pid = Long.toString(host.agent.pid());
        StringBuilder all = new StringBuilder();
        try (var tasks = Files.list(Path.of("/proc", pid, "task"))) {
            for (Path task : tasks.sorted().toList()) {
                all.append(Files.readString(task.resolve("children")));
            }
        }
        return all.toString().strip();
    }

    /** Descriptors of the agent that are pidfds or pipes of a helper would show here; helpers have cgroups of their own. */
    private long forks() throws Exception {
        Path helpers = host.cgroupDirectory().resolve("helpers").resolve("cgroup.procs");
        return Files.readAllLines(helpers).size();
    }

    @Test
    void aProgramThatIsTakenOffOrJoinedByAnotherIsPutRightAndTold() throws Exception {
        String id = host.start(host.request(1, "sleep", "1000"));
        Map<String, String> right = host.opens(id);
        Bpf bpf = host.linux.bpf();
        Path path = host.cgroupDirectory().resolve("c").resolve(id);
        try (OwnedFd cgroup =
                host.linux.files().openat(Fd.CWD, path.toString(), Open.O_DIRECTORY, 0)) {
            int ours = bpf.deviceProgramIds(cgroup).getFirst();
            try (OwnedFd program = bpf.programById(ours).orElseThrow()) {
                bpf.detachDeviceProgram(cgroup, program);
            }
            host.await("ours again", () -> counted() == 1);
            assertThat(host.opens(id)).isEqualTo(right);
            // r0 = 0; exit
            byte[] denyAll = {(byte) 0xb7, 0, 0, 0, 0, 0, 0, 0, (byte) 0x95, 0, 0, 0, 0, 0, 0, 0};
            try (OwnedFd foreign = bpf.loadDeviceProgram("foreign", denyAll)) {
                bpf.attachDeviceProgram(cgroup, foreign, Optional.empty());
            }
            host.await("ours alone", () -> counted() == 2);
            assertThat(host.opens(id)).isEqualTo(right);
            assertThat(bpf.deviceProgramIds(cgroup)).containsExactly(ours);
        }
        assertThat(host.agent.log()).contains("had been changed by somebody else");
    }

    private long counted() throws java.io.IOException {
        return host.engine
                .call("GET", "/berth/counters", "")
                .path("guards_restored")
                .path("value")
                .asLong();
    }
}
