package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;

import dev.berth.agent.Http.Response;
import dev.berth.agent.device.CdiSource;
import dev.berth.agent.device.DeviceSetup;
import dev.berth.agent.device.DeviceSupply;
import dev.berth.agent.device.EditsSource;
import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.health.HealthSettings;
import dev.berth.gpu.ledger.GrantSteps;
import dev.berth.gpu.ledger.LedgerSettings;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerId;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** Devices over the API, with containers and GPUs that are fakes: who gets what, when it comes back, what is shown. */
@Timeout(60)
class DeviceApiTest {
    private static final String GPU =
            "\"DeviceRequests\":[{\"Count\":%d,\"Capabilities\":[[\"gpu\"]]}]";

    @TempDir Path directory;
    private FakeDevices gpus = new FakeDevices(4);
    private FakeAgent agent;
    private Http http;

    @BeforeEach
    void start() throws Exception {
        open(HealthSettings.DEFAULT);
        await("4 free GPUs", () -> count("FREE") == 4);
    }

    private void open(HealthSettings health) throws Exception {
        DeviceSetup setup =
                new DeviceSetup(
                        List.of(new DeviceSupply(gpus, Optional.empty(), _ -> EditsSource.NODES)),
                        CdiSource.NONE,
                        directory.resolve("devices"),
                        LedgerSettings.DEFAULT,
                        health,
                        GrantSteps.UNWATCHED,
                        "boot",
                        _ -> Optional.empty());
        agent = new FakeAgent(directory, 0, setup);
        http = new Http(agent.socket);
    }

    @AfterEach
    void stop() throws Exception {
        http.close();
        agent.close();
    }

    private interface Check {
        boolean holds() throws Exception;
    }

    private static void await(String what, Check check) throws Exception {
        long end = System.nanoTime() + 20_000_000_000L;
        while (!check.holds()) {
            assertThat(System.nanoTime() - end).as(what).isNegative();
            LockSupport.parkNanos(2_000_000);
        }
    }

    private JsonNode gpus() throws Exception {
        return http.get("/berth/gpus").json();
    }

    private int count(String state) throws Exception {
        int count = 0;
        for (JsonNode device : gpus().path("Devices")) {
            count += device.path("State").asText().equals(state) ? 1 : 0;
        }
        return count;
    }

    private String create(String name, String host, String... argv) throws Exception {
        String words = "\"" + String.join("\",\"", argv) + "\"";
        Response made =
                http.post(
                        "/v1.47/containers/create?name=" + name,
                        "{\"Image\":\"tiny\",\"Cmd\":["
                                + words
                                + "],\"HostConfig\":{"
                                + host
                                + "}}");
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        return made.json().path("Id").asText();
    }

    private static String gpu(int count) {
        return GPU.formatted(count);
    }

    private Response startContainer(String id) throws Exception {
        return http.post("/containers/" + id + "/start");
    }

    private List<String> paths(String id) {
        ContainerConfig config = agent.containers.configs.get(new ContainerId(id));
        return config.devices().stream().map(DeviceNode::path).toList();
    }

    private List<String> devices(String id) throws Exception {
        List<String> ids = new java.util.ArrayList<>();
        http.get("/containers/" + id + "/json")
                .json()
                .path("Berth")
                .path("Devices")
                .forEach(device -> ids.add(device.asText()));
        return ids;
    }

    @Test
    void aContainerGetsItsGpuBeforeItStartsAndGivesItBackClean() throws Exception {
        String one = create("one", gpu(1), "sleep");
        String two = create("two", gpu(2), "sleep");
        int asked = gpus.commands.get();
        assertThat(startContainer(one).status()).isEqualTo(204);
        assertThat(gpus.commands.get())
                .as("commands to the source during a start")
                .isEqualTo(asked);
        assertThat(startContainer(two).status()).isEqualTo(204);
        assertThat(paths(one)).hasSize(2).contains("/dev/nvidiactl");
        assertThat(paths(two)).hasSize(3).doesNotContain(paths(one).getFirst().replace("ctl", "0"));
        assertThat(devices(one)).hasSize(1).doesNotContainAnyElementsOf(devices(two));
        assertThat(count("GRANTED")).isEqualTo(3);
        JsonNode held = gpus().path("Devices").get(0);
        assertThat(held.path("ContainerName").asText()).isIn("one", "two", "");
        http.post("/containers/" + one + "/kill");
        await("a free one", () -> count("FREE") == 2);
        assertThat(devices(one)).isEmpty();
        long now = System.currentTimeMillis() / 1000 + 1;
        String events = http.get("/events?since=1&until=" + now).text();
        for (String action : List.of("source", "clean", "grant", "release")) {
            assertThat(events).contains("\"Type\":\"gpu\",\"Action\":\"" + action + "\"");
        }
    }

    @Test
    void theStartThatWasPreparedIsTheOneThatIsMade() throws Exception {
        String id = create("prepared", gpu(1), "sleep");
        int preparations = agent.containers.preparations.size();
        assertThat(startContainer(id).status()).isEqualTo(204);
        assertThat(agent.containers.preparations).hasSize(preparations);
        assertThat(agent.containers.preparations.getLast())
                .isEqualTo(agent.containers.configs.get(new ContainerId(id)));
        String other = create("other", gpu(1), "sleep");
        String rival = create("rival", gpu(1), "sleep");
        assertThat(startContainer(rival).status()).isEqualTo(204);
        preparations = agent.containers.preparations.size();
        assertThat(startContainer(other).status()).isEqualTo(204);
        assertThat(agent.containers.preparations).as("planned again").hasSize(preparations + 1);
        assertThat(paths(other)).doesNotContainAnyElementsOf(paths(rival).subList(1, 2));
    }

    @Test
    void whatCannotBeHadIsRefusedAndNothingStays() throws Exception {
        String five = create("five", gpu(5), "sleep");
        Response never = startContainer(five);
        assertThat(never.status()).isEqualTo(400);
        assertThat(never.message()).contains("5").contains("4");
        String all = create("everything", gpu(-1), "sleep");
        assertThat(startContainer(all).status()).isEqualTo(204);
        String late = create("late", gpu(1), "sleep");
        Response busy = startContainer(late);
        assertThat(busy.status()).isEqualTo(409);
        assertThat(busy.message()).contains("granted to " + all.substring(0, 12));
        assertThat(http.get("/containers/" + late + "/json").json().at("/State/Status").asText())
                .isEqualTo("created");
        http.post("/containers/" + all + "/kill");
        await("free again", () -> count("FREE") == 4);
        assertThat(startContainer(late).status()).isEqualTo(204);
        Response tpu =
                http.post(
                        "/containers/create",
                        "{\"Image\":\"tiny\",\"HostConfig\":{\"DeviceRequests\":[{\"Driver\":\"a.com/tpu\",\"Count\":1}]}}");
        assertThat(tpu.status()).isEqualTo(400);
        assertThat(tpu.message()).contains("hands out no a.com/tpu");
        Response cdi =
                http.post(
                        "/containers/create",
                        "{\"Image\":\"tiny\",\"HostConfig\":{\"DeviceRequests\":[{\"Driver\":\"cdi\",\"DeviceIDs\":[\"a.com/net=x\"]}]}}");
        assertThat(cdi.message()).contains("unresolvable CDI devices a.com/net=x");
    }

    @Test
    void aStartWaitsForDevicesThatAreBeingVerified() throws Exception {
        String first = create("first", gpu(-1), "sleep");
        startContainer(first);
        for (int i = 0; i < 4; i++) {
            gpus.silent.add(FakeDevices.id(i));
        }
        http.post("/containers/" + first + "/kill");
        await("verifying", () -> count("VERIFYING") == 4);
        String next = create("next", gpu(1), "sleep");
        Thread answer =
                Thread.ofPlatform()
                        .start(() -> {
                            LockSupport.parkNanos(200_000_000);
                            gpus.answer(FakeDevices.id(2));
                        });
        assertThat(startContainer(next).status()).isEqualTo(204);
        answer.join();
        assertThat(devices(next)).containsExactly(FakeDevices.id(2).value());
    }

    @Test
    void aDeviceThatStaysDirtyIsResetAndThenKeptFromEverybody() throws Exception {
        gpus.dirty.add(FakeDevices.id(0));
        String id =
                create(
                        "messy",
                        "\"DeviceRequests\":[{\"DeviceIDs\":[\"0\"],\"Capabilities\":[[\"gpu\"]]}]",
                        "sleep");
        startContainer(id);
        http.post("/containers/" + id + "/kill");
        await("quarantine", () -> count("QUARANTINED") == 1);
        assertThat(gpus.resets).contains(FakeDevices.id(0));
        stop();
        gpus = new FakeDevices(4);
        gpus.dirty.add(FakeDevices.id(0));
        open(HealthSettings.DEFAULT);
        await("the others are free", () -> count("FREE") == 3);
        assertThat(count("QUARANTINED")).as("after a restart of the agent").isEqualTo(1);
        gpus.dirty.clear();
        assertThat(http.post("/berth/gpus/0/release").status()).isEqualTo(204);
        await("given back", () -> count("FREE") == 4);
        assertThat(http.post("/berth/gpus/77/release").status()).isEqualTo(404);
    }

    @Test
    void devicesComeToARunningContainerAndGo() throws Exception {
        String id = create("live", gpu(1), "sleep");
        assertThat(http.post("/containers/" + id + "/gpus/attach", "{\"Count\":1}").status())
                .as("it does not run")
                .isEqualTo(409);
        startContainer(id);
        JsonNode attached = http.post("/containers/" + id + "/gpus/attach", "{\"Count\":2}").json();
        assertThat(attached.path("Attached")).hasSize(2);
        assertThat(devices(id)).hasSize(3);
        assertThat(agent.containers.devices.get(new ContainerId(id))).hasSize(4);
        String gone = attached.path("Attached").get(0).asText();
        JsonNode detached =
                http.post(
                                "/containers/" + id + "/gpus/detach",
                                "{\"DeviceIDs\":[\"" + gone + "\"]}")
                        .json();
        assertThat(detached.path("Detached").get(0).asText()).isEqualTo(gone);
        assertThat(agent.containers.devices.get(new ContainerId(id))).hasSize(3);
        await("clean", () -> count("FREE") == 2);
        assertThat(
                        http.post(
                                        "/containers/" + id + "/gpus/detach",
                                        "{\"DeviceIDs\":[\"" + gone + "\"]}")
                                .message())
                .contains("does not hold device " + gone);
        assertThat(http.post("/containers/" + id + "/gpus/attach", "{\"Count\":9}").status())
                .isEqualTo(400);
        http.post("/containers/" + id + "/kill");
        await("all", () -> count("FREE") == 4);
    }

    @Test
    void grantsAndWhatTheyAddedOutliveTheAgent() throws Exception {
        String id = create("lasting", gpu(2), "sleep");
        startContainer(id);
        List<String> held = devices(id);
        List<String> nodes = paths(id);
        stop();
        gpus = new FakeDevices(4);
        open(HealthSettings.DEFAULT);
        assertThat(devices(id)).isEqualTo(held);
        assertThat(
                        agent.containers.recovered.stream()
                                .filter(known -> known.config().id().value().equals(id))
                                .findFirst()
                                .orElseThrow()
                                .config()
                                .devices()
                                .stream()
                                .map(DeviceNode::path)
                                .toList())
                .isEqualTo(nodes);
        await("the others", () -> count("FREE") == 2 && count("GRANTED") == 2);
        http.post("/containers/" + id + "/kill");
        await("all", () -> count("FREE") == 4);
    }

    @Test
    void aLostDeviceIsNotGivenOutAndItsHolderIsKilledWhereThePolicySaysSo() throws Exception {
        stop();
        gpus = new FakeDevices(4);
        open(HealthSettings.DEFAULT.killing(1_000_000_000L));
        await("free", () -> count("FREE") == 4);
        String id =
                create(
                        "victim",
                        "\"DeviceRequests\":[{\"DeviceIDs\":[\"1\"],\"Capabilities\":[[\"gpu\"]]}]",
                        "sleep");
        startContainer(id);
        gpus.signal(1, HealthSignal.Kind.XID, 79);
        await(
                "killed",
                () ->
                        http.get("/containers/" + id + "/json")
                                .json()
                                .at("/State/Status")
                                .asText()
                                .equals("exited"));
        await("failed", () -> health(1).path("Health").asText().equals("FAILED"));
        assertThat(health(1).path("Signals").get(0).path("Kind").asText()).isEqualTo("XID");
        assertThat(health(1).path("Signals").get(0).path("Container").asText()).isEqualTo(id);
        String all = create("whole", gpu(4), "sleep");
        assertThat(startContainer(all).status()).isEqualTo(409);
        String three = create("three", gpu(3), "sleep");
        assertThat(startContainer(three).status()).isEqualTo(204);
    }

    private JsonNode health(int index) throws Exception {
        return http.get("/berth/gpus/health").json().path("Devices").get(index);
    }

    @Test
    void whatThereIsIsShown() throws Exception {
        String id = create("shown", gpu(1), "sleep");
        startContainer(id);
        JsonNode all = gpus();
        assertThat(all.path("ResourceName").asText()).isEqualTo("nvidia.com/gpu");
        assertThat(all.at("/Source/Working").asBoolean()).isTrue();
        assertThat(all.at("/Driver/Version").asText()).isEqualTo("580.1");
        JsonNode first = all.path("Devices").get(0);
        assertThat(first.path("Metrics")).as(all.toPrettyString()).isNotEmpty();
        assertThat(first.path("Metrics").path("DCGM_FI_DEV_GPU_TEMP").asDouble()).isEqualTo(40.0);
        assertThat(first.path("Nodes").get(0).path("Major").asInt()).isEqualTo(195);
        assertThat(all.at("/Topology/Proximity/0/1").asText()).isEqualTo("SYS");
        assertThat(all.at("/WithheldNodes/0/Path").asText()).isEqualTo("/dev/nvidia-modeset");
        JsonNode why = http.post("/berth/gpus/explain", "{\"Count\":3}").json();
        assertThat(why.path("Chosen")).hasSize(3);
        assertThat(why.path("Unavailable").get(0).path("Reason").asText())
                .contains("granted to " + id.substring(0, 12));
        assertThat(
                        http.post("/berth/gpus/explain", "{\"Count\":4}")
                                .json()
                                .path("Refused")
                                .asText())
                .contains("3 of 4 free");
        String metrics = http.get("/metrics").text();
        assertThat(metrics)
                .contains("# TYPE DCGM_FI_DEV_GPU_TEMP gauge")
                .contains(
                        "# TYPE berth_devices_granted_total counter\nberth_devices_granted_total 1\n")
                .contains("container=\"shown\"")
                .contains(
                        "DCGM_FI_DEV_FB_USED{gpu=\"3\",UUID=\"GPU-30000000\",device=\"nvidia3\",modelName=\"NVIDIA Test\"")
                .contains("berth_container_device_processes");
        for (String line : metrics.split("\n")) {
            assertThat(line).matches("# (HELP|TYPE) .*|[A-Za-z_]+(\\{.*\\})? [-0-9.NaInf+]+");
        }
    }
}
