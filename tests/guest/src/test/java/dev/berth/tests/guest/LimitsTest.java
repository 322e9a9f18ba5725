package dev.berth.tests.guest;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.BusyboxRoot;
import dev.berth.tests.kit.Engine;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Each limit by what it does to a process, on a kernel with unified cgroups, and each with the same process without the limit beside it. */
@Tag("inside")
class LimitsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long MIB = 1 << 20;

    private static AgentProcess agent;
    private static Engine engine;
    private static Path root;

    @BeforeAll
    static void startAgent() throws Exception {
        Path directory = Files.createTempDirectory("limits");
        root = BusyboxRoot.make(directory.resolve("root"));
        agent = AgentProcess.start(directory.resolve("agent"));
        engine = agent.engine();
    }

    @AfterAll
    static void stopAgent() {
        agent.close();
    }

    private static ObjectNode limited(Map<String, Object> limits, String... argv) {
        ObjectNode request = Engine.command(root, argv);
        ObjectNode host = (ObjectNode) request.get("HostConfig");
        limits.forEach((name, value) -> host.set(name, JSON.valueToTree(value)));
        return request;
    }

    @Test
    void memoryOverTheLimitIsKilledAndReportedAsOom() throws Exception {
        String[] eats96MiB = {"dd", "if=/dev/zero", "of=/dev/null", "bs=96M", "count=1"};
        Engine.Result killed =
                engine.run(limited(Map.of("Memory", 32 * MIB, "MemorySwap", 32 * MIB), eats96MiB));
        assertThat(killed.code()).as(killed.stderr()).isEqualTo(137);
        assertThat(killed.inspect().at("/State/OOMKilled").booleanValue()).isTrue();

        Engine.Result free = engine.run(limited(Map.of(), eats96MiB));
        assertThat(free.code()).as(free.stderr()).isZero();
        assertThat(free.inspect().at("/State/OOMKilled").booleanValue()).isFalse();
    }

    @Test
    void forkBeyondThePidsLimitFailsWithEagain() throws Exception {
        String[] forks40 = {
            "sh", "-c", "i=0; while [ $i -lt 40 ]; do sleep 3 & i=$((i+1)); done; echo started $i"
        };
        Engine.Result limited = engine.run(limited(Map.of("PidsLimit", 20), forks40));
        assertThat(limited.stdout() + limited.stderr())
                .contains("Resource temporarily unavailable")
                .doesNotContain("started 40");

        Engine.Result free = engine.run(limited(Map.of(), forks40));
        assertThat(free.stdout()).contains("started 40");
    }

    @Test
    void cpuOverTheQuotaIsThrottled() throws Exception {
        String[] spins = {"timeout", "3", "sh", "-c", "while :; do :; done"};
        JsonNode limited = statsAfterASecond(limited(Map.of("NanoCpus", 200_000_000L), spins));
        assertThat(limited.at("/cpu_stats/throttling_data/throttled_periods").longValue())
                .isPositive();
        assertThat(limited.at("/cpu_stats/throttling_data/throttled_time").longValue())
                .isPositive();

        JsonNode free = statsAfterASecond(limited(Map.of(), spins));
        assertThat(free.at("/cpu_stats/throttling_data/throttled_periods").longValue()).isZero();
    }

    private static JsonNode statsAfterASecond(ObjectNode request) throws Exception {
        String id = engine.create(request);
        try {
            engine.start(id);
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            JsonNode stats;
            do {
                LockSupport.parkNanos(100_000_000);
                stats =
                        engine.call(
                                "GET",
                                "/containers/" + id + "/stats?stream=false&one-shot=true",
                                "");
            } while (stats.at("/cpu_stats/cpu_usage/total_usage").longValue() < 150_000_000L
                    && System.nanoTime() - deadline < 0);
            return stats;
        } finally {
            engine.remove(id);
        }
    }

    @Test
    void writesAreHeldToTheirBytesPerSecond() throws Exception {
        Path disk = Files.createTempDirectory("disk");
        assertThat(run("mkfs.ext4", "-q", "/dev/ubda")).isZero();
        assertThat(run("mount", "/dev/ubda", disk.toString())).isZero();
        try {
            // A file of its own for each: a file's writeback stays with the cgroup that dirtied it
            // first.
            Map<String, Object> bind = Map.of("Binds", new String[] {disk + ":/mnt"});
            long freeNs = elapsed(limited(bind, writes8MiB("/mnt/free")));
            Object throttle = new Object[] {Map.of("Path", "/dev/ubda", "Rate", 2 * MIB)};
            Map<String, Object> throttled =
                    Map.of("Binds", new String[] {disk + ":/mnt"}, "BlkioDeviceWriteBps", throttle);
            long limitedNs = elapsed(limited(throttled, writes8MiB("/mnt/throttled")));
            assertThat(limitedNs)
                    .as("8 MiB at 2 MiB/s; without limit %d ms", freeNs / 1_000_000)
                    .isGreaterThan(TimeUnit.MILLISECONDS.toNanos(2800));
            assertThat(freeNs).isLessThan(limitedNs / 2);
        } finally {
            run("umount", disk.toString());
        }
    }

    private static String[] writes8MiB(String path) {
        return new String[] {"dd", "if=/dev/zero", "of=" + path, "bs=1M", "count=8", "conv=fsync"};
    }

    private static long elapsed(ObjectNode request) throws Exception {
        long before = System.nanoTime();
        Engine.Result result = engine.run(request);
        assertThat(result.code()).as(result.stderr()).isZero();
        return System.nanoTime() - before;
    }

    @Test
    void aLiveUpdateTightensAndLoosensARunningContainer() throws Exception {
        String id =
                engine.create(
                        limited(
                                Map.of("Memory", 64 * MIB, "MemorySwap", 64 * MIB, "PidsLimit", 50),
                                "sleep",
                                "600"));
        try {
            engine.start(id);
            engine.call(
                    "POST",
                    "/containers/" + id + "/update",
                    "{\"PidsLimit\":7,\"Memory\":"
                            + 48 * MIB
                            + ",\"MemorySwap\":"
                            + 48 * MIB
                            + "}");
            assertThat(
                            engine.call(
                                            "GET",
                                            "/containers/"
                                                    + id
                                                    + "/stats?stream=false&one-shot=true",
                                            "")
                                    .at("/pids_stats/limit")
                                    .longValue())
                    .isEqualTo(7);
            engine.call(
                    "POST",
                    "/containers/" + id + "/update",
                    "{\"PidsLimit\":70,\"Memory\":"
                            + 96 * MIB
                            + ",\"MemorySwap\":"
                            + 96 * MIB
                            + "}");
            JsonNode stats =
                    engine.call(
                            "GET", "/containers/" + id + "/stats?stream=false&one-shot=true", "");
            assertThat(stats.at("/pids_stats/limit").longValue()).isEqualTo(70);
            assertThat(stats.at("/memory_stats/limit").longValue()).isEqualTo(96 * MIB);
        } finally {
            engine.remove(id);
        }
    }

    @Test
    void aContainerSeesItsOwnLimitAtTheRootOfItsCgroupNamespace() throws Exception {
        Engine.Result result =
                engine.run(limited(Map.of("Memory", 40 * MIB), "cat", "/sys/fs/cgroup/memory.max"));
        assertThat(result.stdout().strip()).as(result.stderr()).isEqualTo(String.valueOf(40 * MIB));
    }

    @Test
    void theHostEnforcesEverythingSoNothingIsWarnedAbout() throws Exception {
        JsonNode info = engine.call("GET", "/info", "");
        assertThat(info.at("/MemoryLimit").booleanValue()).isTrue();
        assertThat(info.at("/PidsLimit").booleanValue()).isTrue();
        assertThat(info.at("/CpuCfsQuota").booleanValue()).isTrue();
    }

    private static int run(String... command) throws Exception {
        return new ProcessBuilder(command).inheritIO().start().waitFor();
    }
}
