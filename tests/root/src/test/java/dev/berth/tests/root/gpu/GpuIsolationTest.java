package dev.berth.tests.root.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** A container opens the GPUs that it was granted and no other, at its start, after the agent's, and live. */
@Tag("root")
class GpuIsolationTest {
    private static final String[] SLEEP = {"sleep", "1000"};

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

    /** What the matrix must say for a holder of these devices: its nodes and the control nodes ENXIO, all else EPERM. */
    private Map<String, String> expected(List<String> held) throws Exception {
        Set<String> open = new TreeSet<>();
        JsonNode all = host.gpus();
        for (JsonNode device : all.path("Devices")) {
            if (held.contains(device.path("Id").asText())) {
                device.path("Nodes").forEach(node -> open.add(name(node)));
            }
        }
        if (!held.isEmpty()) {
            all.path("ControlNodes").forEach(node -> open.add(name(node)));
        }
        Map<String, String> words = new TreeMap<>();
        for (String node : host.nodes().keySet()) {
            words.put(node, open.contains(node) ? "ENXIO" : "EPERM");
        }
        return words;
    }

    private static String name(JsonNode node) {
        return node.path("Path").asText().substring("/dev/".length()).replace('/', '_');
    }

    @Test
    void oneOfEightIsOpenAndEveryOtherNodeIsDenied() throws Exception {
        String one = host.start(host.request(1, SLEEP));
        List<String> held = host.held(one);
        assertThat(held).hasSize(1);
        assertThat(host.opens(one)).isEqualTo(expected(held)).containsValue("EPERM");
        assertThat(host.opens(one).values().stream().filter("ENXIO"::equals)).hasSizeBetween(2, 6);
        // The control: the same nodes from outside of every program.
        for (String node : host.nodes().keySet()) {
            assertThat(Outside.open(host.linux, host.root.resolve("nodes").resolve(node)))
                    .as(node)
                    .isEqualTo("ENXIO");
        }
        assertThat(host.inside(one, "sh", "-c", "ls /dev | grep nvidia"))
                .contains("nvidiactl")
                .contains("nvidia" + host.gpu(index(held.getFirst())).path("Minor").asInt())
                .doesNotContain("nvidia-modeset");
        assertThat(host.inside(one, "/probe", "mknod", "/tmp/x", "c", "195", "0"))
                .contains("EPERM");
        String none = host.start(dev.berth.tests.kit.Engine.command(host.root, SLEEP));
        assertThat(host.opens(none)).isEqualTo(expected(List.of()));
    }

    private int index(String id) throws Exception {
        for (JsonNode device : host.gpus().path("Devices")) {
            if (device.path("Id").asText().equals(id)) {
                return device.path("Index").asInt();
            }
        }
        throw new AssertionError(id);
    }

    @Test
    void twoContainersNeverShareAndWhatOneReleasesIsLookedAtBeforeTheNextGetsIt() throws Exception {
        List<String> ids = new ArrayList<>();
        Set<String> seen = new TreeSet<>();
        for (int i = 0; i < 4; i++) {
            String id = host.start(host.request(2, SLEEP));
            ids.add(id);
            assertThat(host.held(id)).hasSize(2).allMatch(seen::add);
            assertThat(host.opens(id)).isEqualTo(expected(host.held(id)));
        }
        long looked = counter("devices_found_clean");
        List<String> first = host.held(ids.getFirst());
        host.remove(ids.getFirst());
        String next = host.start(host.request(2, SLEEP));
        assertThat(host.held(next)).containsExactlyElementsOf(first);
        assertThat(counter("devices_found_clean")).isEqualTo(looked + 2);
        assertThat(host.opens(next)).isEqualTo(expected(first));
    }

    private long counter(String name) throws Exception {
        return host.engine.call("GET", "/berth/counters", "").path(name).path("value").asLong();
    }

    @Test
    void whatIsAttachedOpensAndWhatIsDetachedDoesNotAlsoAfterTheAgentWasKilled() throws Exception {
        String id = host.start(host.request(1, SLEEP));
        String beside = host.start(host.request(1, SLEEP));
        List<String> first = host.held(id);
        JsonNode attached =
                host.engine.call("POST", "/containers/" + id + "/gpus/attach", "{\"Count\":2}");
        assertThat(attached.path("Attached")).hasSize(2);
        List<String> three = host.held(id);
        assertThat(three).hasSize(3).containsAll(first);
        assertThat(host.opens(id)).isEqualTo(expected(three));
        assertThat(host.inside(id, "sh", "-c", "ls /dev/nvidia[0-9]* | wc -l")).contains("3");
        host.agent.kill();
        host.agent.restart();
        assertThat(host.held(id)).isEqualTo(three);
        assertThat(host.opens(id)).isEqualTo(expected(three));
        host.awaitFree(4);
        host.engine.call(
                "POST",
                "/containers/" + id + "/gpus/detach",
                "{\"DeviceIDs\":[\"" + first.getFirst() + "\"]}");
        assertThat(host.held(id)).hasSize(2).doesNotContain(first.getFirst());
        assertThat(host.opens(id)).isEqualTo(expected(host.held(id)));
        assertThat(host.inside(id, "sh", "-c", "ls /dev/nvidia[0-9]* | wc -l")).contains("2");
        assertThat(host.opens(beside)).isEqualTo(expected(host.held(beside)));
        host.awaitFree(5);
    }
}
