package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;

import dev.berth.agent.Http.Response;
import dev.berth.agent.config.AgentException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** The API over its socket, with containers that are fakes. */
@Timeout(30)
class EngineApiTest {
    @TempDir Path directory;
    private FakeAgent agent;
    private Http http;

    @BeforeEach
    void start() throws AgentException, IOException {
        agent = new FakeAgent(directory);
        http = new Http(agent.socket);
    }

    @AfterEach
    void stop() throws IOException {
        http.close();
        agent.close();
    }

    private String create(String name, String... argv) throws IOException {
        StringBuilder words = new StringBuilder();
        for (String word : argv) {
            words.append(words.isEmpty() ? "" : ",").append('"').append(word).append('"');
        }
        Response made =
                http.post(
                        "/v1.47/containers/create?name=" + name,
                        "{\"Image\":\"tiny\",\"Cmd\":[" + words + "]}");
        assertThat(made.status()).as(made.text()).isEqualTo(201);
        return made.json().path("Id").asText();
    }

    private void startContainer(String id) throws IOException {
        Response started = http.post("/containers/" + id + "/start");
        assertThat(started.status()).as(started.text()).isEqualTo(204);
    }

    private JsonNode inspect(String id) throws IOException {
        return http.get("/v1.47/containers/" + id + "/json").json();
    }

    @Test
    void pingTellsWhoWeAre() throws IOException {
        for (String method : List.of("GET", "HEAD")) {
            Response pong = http.call(method, "/_ping", "");
            assertThat(pong.status()).isEqualTo(200);
            assertThat(pong.headers())
                    .containsEntry("api-version", "1.47")
                    .containsEntry("ostype", "linux")
                    .containsEntry("docker-experimental", "false");
            assertThat(pong.headers().get("server")).startsWith("Berth/");
            assertThat(pong.text()).isEqualTo(method.equals("GET") ? "OK" : "");
        }
        assertThat(http.get("/version").json().path("ApiVersion").asText()).isEqualTo("1.47");
        assertThat(http.get("/v1.24/info").json().path("ID").asText()).isNotEmpty();
    }

    @Test
    void theSocketIsForRootAndItsGroupOnly() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(agent.socket)))
                .isEqualTo("rw-rw----");
    }

    @Test
    void whatIsNotThereSaysSo() throws IOException {
        Response archive = http.get("/v1.47/containers/x/archive?path=/");
        assertThat(archive.status()).isEqualTo(501);
        assertThat(archive.message())
                .isEqualTo("GET /containers/x/archive is not supported by Berth yet");
        assertThat(http.post("/v1.47/build").status()).isEqualTo(501);
        assertThat(http.get("/v1.48/info").status()).isEqualTo(400);
        assertThat(http.get("/v1.48/info").message()).contains("too new");
        assertThat(http.get("/v1.12/info").message()).contains("too old");
        assertThat(http.get("/v1.47/containers/nosuch/json").status()).isEqualTo(404);
        assertThat(http.post("/containers/create", "{\"Image\":\"nope\"}").message())
                .isEqualTo("No such image: nope");
        assertThat(http.post("/containers/create", "{").status()).isEqualTo(400);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{\"NetworkMode\":\"default\"} | network \"default\" is not supported by Berth yet: use --network none",
                "{\"NetworkMode\":\"bridge\"} | --network host",
                "{\"NetworkMode\":\"mine\"} | network \"mine\"",
                "{\"NetworkMode\":\"container:x\"} | network \"container:x\"",
                "{\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"80\"}]}} | HostConfig.PortBindings",
                "{\"Binds\":[\"vol:/x\"]} | named volume \"vol\"",
                "{\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/x\"}]} | mount type \"volume\"",
                "{\"DeviceRequests\":[{\"Count\":-1}]} | HostConfig.DeviceRequests",
                "{\"VolumesFrom\":[\"a\"]} | HostConfig.VolumesFrom",
                "{\"UsernsMode\":\"private\"} | HostConfig.UsernsMode",
                "{\"Runtime\":\"runc\"} | HostConfig.Runtime",
                "{\"CgroupParent\":\"/x\"} | HostConfig.CgroupParent",
                "{\"OomKillDisable\":true} | HostConfig.OomKillDisable",
                "{\"MemorySwappiness\":10} | HostConfig.MemorySwappiness",
                "{\"LogConfig\":{\"Type\":\"syslog\"}} | log driver \"syslog\"",
                "{\"NewThing\":1} | HostConfig.NewThing",
                "{\"CapAdd\":[\"FLY\"]} | unknown capability",
                "{\"Sysctls\":{\"kernel.core_pattern\":\"x\"}} | is not namespaced",
                "{\"Tmpfs\":{\"/proc/x\":\"\"}} | mounting over /proc",
                "{\"Memory\":1024} | 6MB",
                "{\"SecurityOpt\":[\"apparmor=strict\"]} | apparmor=strict",
                "{\"SecurityOpt\":[\"mask=/x\"]} | invalid --security-opt",
                "{\"RestartPolicy\":{\"Name\":\"sometimes\"}} | unknown policy",
                "{\"AutoRemove\":true,\"RestartPolicy\":{\"Name\":\"always\"}} | AutoRemove",
                "{\"Privileged\":\"yes\"} | HostConfig.Privileged",
            })
    void whatIsNotSupportedIsRefusedByName(String hostConfig, String message) throws IOException {
        Response made =
                http.post(
                        "/v1.47/containers/create",
                        "{\"Image\":\"tiny\",\"HostConfig\":" + hostConfig + "}");
        assertThat(made.status()).as(made.text()).isEqualTo(400);
        assertThat(made.message()).contains(message.strip());
        assertThat(http.get("/containers/json?all=1").json()).isEmpty();
        assertThat(agent.containers.roots).isEmpty();
    }

    @Test
    void fieldsThatTheDockerCommandLineAlwaysSendsAreNoObstacle() throws IOException {
        Response made =
                http.post(
                        "/v1.47/containers/create",
                        """
                        {"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":true,"AttachStderr":true,"Tty":false,
                         "OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":["echo","hi"],"Image":"tiny","Volumes":{},"WorkingDir":"",
                         "Entrypoint":null,"OnBuild":null,"Labels":{},
                         "HostConfig":{"Binds":null,"ContainerIDFile":"","LogConfig":{"Type":"","Config":{}},"NetworkMode":"none","PortBindings":{},
                           "RestartPolicy":{"Name":"no","MaximumRetryCount":0},"AutoRemove":false,"VolumeDriver":"","VolumesFrom":null,"ConsoleSize":[24,80],
                           "CapAdd":null,"CapDrop":null,"CgroupnsMode":"","Dns":[],"DnsOptions":[],"DnsSearch":[],"ExtraHosts":null,"GroupAdd":null,
                           "IpcMode":"","Cgroup":"","Links":null,"OomScoreAdj":0,"PidMode":"","Privileged":false,"PublishAllPorts":false,
                           "ReadonlyRootfs":false,"SecurityOpt":null,"UTSMode":"","UsernsMode":"","ShmSize":0,"Isolation":"","CpuShares":0,"Memory":0,
                           "NanoCpus":0,"CgroupParent":"","BlkioWeight":0,"BlkioWeightDevice":[],"BlkioDeviceReadBps":[],"BlkioDeviceWriteBps":[],
                           "BlkioDeviceReadIOps":[],"BlkioDeviceWriteIOps":[],"CpuPeriod":0,"CpuQuota":0,"CpuRealtimePeriod":0,"CpuRealtimeRuntime":0,
                           "CpusetCpus":"","CpusetMems":"","Devices":[],"DeviceCgroupRules":null,"DeviceRequests":null,"MemoryReservation":0,"MemorySwap":0,
                           "MemorySwappiness":-1,"OomKillDisable":false,"PidsLimit":0,"Ulimits":[],"CpuCount":0,"CpuPercent":0,"IOMaximumIOps":0,
                           "IOMaximumBandwidth":0,"MaskedPaths":null,"ReadonlyPaths":null},
                         "NetworkingConfig":{"EndpointsConfig":{"none":{"IPAMConfig":null,"Links":null,"Aliases":null,"NetworkID":""}}}}
                        """);
        assertThat(made.status()).as(made.text()).isEqualTo(201);
    }

    @Test
    void inspectHasEveryMapThatClientsExpect() throws IOException {
        String id = create("one", "echo", "hi");
        JsonNode node = inspect("one");
        assertThat(node.path("Id").asText()).isEqualTo(id);
        assertThat(node.path("Name").asText()).isEqualTo("/one");
        assertThat(node.path("State").path("Status").asText()).isEqualTo("created");
        assertThat(node.path("State").path("StartedAt").asText()).isEqualTo("0001-01-01T00:00:00Z");
        assertThat(node.path("NetworkSettings").path("Networks").has("none")).isTrue();
        assertThat(node.path("NetworkSettings").path("Ports").isObject()).isTrue();
        assertThat(node.path("HostConfig").path("PortBindings").isObject()).isTrue();
        assertThat(node.path("HostConfig").path("ShmSize").asLong()).isEqualTo(64 << 20);
        assertThat(node.path("HostConfig").path("MaskedPaths")).isNotEmpty();
        assertThat(node.path("Config").path("Hostname").asText()).isEqualTo(id.substring(0, 12));
        assertThat(node.path("Config").path("Labels").path("from").asText()).isEqualTo("image");
        assertThat(node.path("Config").path("Env").toString()).contains("FOO=image");
        assertThat(node.path("Config").path("WorkingDir").asText()).isEqualTo("/work");
        assertThat(node.path("Mounts").isArray()).isTrue();
        assertThat(node.path("Berth").path("Exits").isArray()).isTrue();
    }

    @Test
    void aRunGoesFromCreateToItsExitCode() throws IOException {
        String id = create("run", "exit", "7");
        startContainer(id);
        assertThat(http.post("/containers/run/wait").json().path("StatusCode").asInt())
                .isEqualTo(7);
        JsonNode state = inspect(id).path("State");
        assertThat(state.path("Status").asText()).isEqualTo("exited");
        assertThat(state.path("ExitCode").asInt()).isEqualTo(7);
        assertThat(http.get("/containers/json").json()).isEmpty();
        assertThat(http.get("/containers/json?all=1").json().get(0).path("State").asText())
                .isEqualTo("exited");
        assertThat(http.call("DELETE", "/containers/run", "").status()).isEqualTo(204);
        assertThat(http.get("/containers/" + id + "/json").status()).isEqualTo(404);
        assertThat(agent.containers.roots).isEmpty();
        assertThat(agent.images.leases).isEmpty();
    }

    @Test
    void statesAnswerAsDockersDo() throws IOException {
        String id = create("ss", "sleep");
        assertThat(http.post("/containers/ss/stop").status()).isEqualTo(304);
        assertThat(http.post("/containers/ss/kill").status()).isEqualTo(409);
        startContainer(id);
        Response again = http.post("/containers/ss/start");
        assertThat(again.status()).isEqualTo(304);
        assertThat(again.text()).isEmpty();
        assertThat(http.call("DELETE", "/containers/ss", "").message())
                .contains("container is running");
        assertThat(http.post("/containers/ss/pause").status()).isEqualTo(204);
        assertThat(inspect(id).path("State").path("Paused").asBoolean()).isTrue();
        assertThat(http.post("/containers/ss/pause").status()).isEqualTo(409);
        assertThat(http.post("/containers/ss/exec", "{\"Cmd\":[\"echo\"]}").message())
                .contains("is paused");
        assertThat(http.post("/containers/ss/unpause").status()).isEqualTo(204);
        assertThat(http.post("/containers/ss/rename?name=tt").status()).isEqualTo(204);
        assertThat(http.get("/containers/ss/json").status()).isEqualTo(404);
        assertThat(http.post("/containers/tt/kill?signal=BOGUS").status()).isEqualTo(400);
        assertThat(http.post("/containers/tt/restart?t=1").status()).isEqualTo(204);
        assertThat(inspect("tt").path("Berth").path("Run").asInt()).isEqualTo(2);
        assertThat(http.post("/containers/tt/stop").status()).isEqualTo(204);
        assertThat(inspect("tt").path("State").path("ExitCode").asInt()).isEqualTo(143);
        assertThat(http.call("DELETE", "/containers/" + id.substring(0, 6), "").status())
                .isEqualTo(204);
    }

    @Test
    void aNameBelongsToOneContainer() throws IOException {
        create("same", "echo");
        Response second = http.post("/containers/create?name=same", "{\"Image\":\"tiny\"}");
        assertThat(second.status()).isEqualTo(409);
        assertThat(second.message()).contains("\"/same\" is already in use");
        assertThat(http.post("/containers/create?name=-bad", "{\"Image\":\"tiny\"}").status())
                .isEqualTo(400);
        http.call("DELETE", "/containers/same", "");
        create("same", "echo");
    }

    @Test
    void aFailedCreationLeavesNothing() throws IOException {
        Response made =
                http.post(
                        "/containers/create?name=ff",
                        "{\"Image\":\"tiny\",\"User\":\"nobody-here\"}");
        assertThat(made.status()).isEqualTo(500);
        assertThat(made.message()).contains("unable to find user nobody-here");
        assertThat(agent.containers.roots).isEmpty();
        assertThat(agent.images.leases).isEmpty();
        create("ff", "echo");
    }

    @Test
    void aStartThatFailsSaysWhyAndWithWhatCode() throws IOException {
        create("nn", "nosuch");
        Response started = http.post("/containers/nn/start");
        assertThat(started.status()).isEqualTo(400);
        assertThat(started.message()).contains("executable file not found");
        assertThat(started.json().path("Berth").path("ExitCode").asInt()).isEqualTo(127);
        JsonNode state = inspect("nn").path("State");
        assertThat(state.path("Status").asText()).isEqualTo("created");
        assertThat(state.path("ExitCode").asInt()).isEqualTo(127);
    }

    @Test
    void attachBeforeStartGetsEveryByteInFrames() throws IOException {
        create("aa", "both");
        try (Http attached = new Http(agent.socket)) {
            attached.send(
                    "POST",
                    "/v1.47/containers/aa/attach?stream=1&stdout=1&stderr=1",
                    "",
                    "Connection: Upgrade",
                    "Upgrade: tcp");
            Http.Head head = attached.head();
            assertThat(head.status()).isEqualTo(101);
            assertThat(head.headers())
                    .containsEntry("content-type", "application/vnd.docker.multiplexed-stream");
            attached.halfClose();
            startContainer("aa");
            assertThat(attached.rest())
                    .isEqualTo(
                            new byte[] {
                                1, 0, 0, 0, 0, 0, 0, 4, 'o', 'u', 't', '\n', 2, 0, 0, 0, 0, 0, 0, 4,
                                'e', 'r', 'r', '\n'
                            });
        }
    }

    @Test
    void waitSendsItsHeadersBeforeTheStart() throws IOException {
        create("ww", "exit", "3");
        for (String condition : List.of("next-exit", "removed")) {
            try (Http waiting = new Http(agent.socket)) {
                waiting.send("POST", "/containers/ww/wait?condition=" + condition, "");
                assertThat(waiting.head().status()).isEqualTo(200);
                startContainer("ww");
                if (condition.equals("removed")) {
                    http.post("/containers/ww/wait");
                    assertThat(http.call("DELETE", "/containers/ww", "").status()).isEqualTo(204);
                }
                assertThat(new String(waiting.chunk(), StandardCharsets.UTF_8))
                        .isEqualTo("{\"StatusCode\":3}\n");
            }
        }
    }

    @Test
    void autoRemoveTakesTheContainerAway() throws IOException {
        Response made =
                http.post(
                        "/containers/create?name=gone",
                        "{\"Image\":\"tiny\",\"HostConfig\":{\"AutoRemove\":true}}");
        assertThat(made.status()).isEqualTo(201);
        try (Http waiting = new Http(agent.socket)) {
            waiting.send("POST", "/containers/gone/wait?condition=removed", "");
            waiting.head();
            startContainer("gone");
            waiting.chunk();
        }
        assertThat(http.get("/containers/gone/json").status()).isEqualTo(404);
        assertThat(agent.containers.roots).isEmpty();
    }

    @Test
    void logsAreFramedFilteredAndStamped() throws IOException {
        create("ll", "both");
        startContainer("ll");
        http.post("/containers/ll/wait");
        assertThat(http.get("/containers/ll/logs?stdout=1").text()).endsWith("out\n");
        assertThat(http.get("/containers/ll/logs?stdout=1&stderr=1").body()).hasSize(24);
        assertThat(http.get("/containers/ll/logs?stderr=1&timestamps=1&tail=1").text().substring(8))
                .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z err\n");
        assertThat(http.get("/containers/ll/logs?stdout=1&follow=1").text()).endsWith("out\n");
        assertThat(http.get("/containers/ll/logs").status()).isEqualTo(400);
        assertThat(http.get("/containers/ll/logs?stdout=1&tail=x").status()).isEqualTo(400);
        assertThat(http.get("/containers/ll/logs?stdout=1&since=9999999999").body()).isEmpty();
    }

    @Test
    void execStreamsOutputAndKeepsItsCode() throws IOException {
        create("ee", "sleep");
        startContainer("ee");
        assertThat(exec("{\"Cmd\":[\"echo\",\"hi\"],\"AttachStdout\":true}", 0)).isEqualTo("hi\n");
        assertThat(exec("{\"Cmd\":[\"exit\",\"9\"],\"AttachStdout\":true}", 9)).isEmpty();
        assertThat(exec("{\"Cmd\":[\"nosuch\"],\"AttachStdout\":true}", 127))
                .contains("cannot exec");
        assertThat(http.post("/containers/ee/exec", "{\"Cmd\":[]}").status()).isEqualTo(400);
        assertThat(http.post("/exec/abcdef/start", "{}").status()).isEqualTo(404);
        assertThat(inspect("ee").path("ExecIDs")).hasSize(3);
    }

    private String exec(String request, int code) throws IOException {
        String id = http.post("/v1.47/containers/ee/exec", request).json().path("Id").asText();
        String output;
        try (Http stream = new Http(agent.socket)) {
            stream.send(
                    "POST",
                    "/v1.47/exec/" + id + "/start",
                    "{\"Detach\":false,\"Tty\":false}",
                    "Connection: Upgrade",
                    "Upgrade: tcp");
            assertThat(stream.head().status()).isEqualTo(101);
            byte[] bytes = stream.rest();
            output =
                    bytes.length < 8
                            ? ""
                            : new String(bytes, 8, bytes.length - 8, StandardCharsets.UTF_8);
        }
        JsonNode after = http.get("/v1.47/exec/" + id + "/json").json();
        assertThat(after.path("Running").asBoolean()).isFalse();
        assertThat(after.path("ExitCode").asInt()).isEqualTo(code);
        assertThat(http.post("/exec/" + id + "/start", "{}").status()).isEqualTo(409);
        return output;
    }

    @Test
    void listsCanBeFiltered() throws IOException {
        create("f1", "sleep");
        create("f2", "echo");
        startContainer("f1");
        assertThat(names("{\"status\":[\"running\"]}")).containsExactly("/f1");
        assertThat(names("{\"status\":{\"created\":true}}")).containsExactly("/f2");
        assertThat(names("{\"name\":[\"^/?f2$\"]}")).containsExactly("/f2");
        assertThat(names("{\"label\":[\"from=image\"]}")).hasSize(2);
        assertThat(names("{\"label\":[\"from=x\"]}")).isEmpty();
        assertThat(names("{\"ancestor\":[\"tiny:latest\"]}")).hasSize(2);
        assertThat(http.get("/containers/json?filters=" + encode("{\"magic\":[\"x\"]}")).message())
                .contains("invalid filter 'magic'");
        assertThat(http.get("/containers/json?limit=1").json()).hasSize(1);
    }

    private List<String> names(String filters) throws IOException {
        List<String> names = new ArrayList<>();
        for (JsonNode entry :
                http.get("/containers/json?all=1&filters=" + encode(filters)).json()) {
            names.add(entry.path("Names").get(0).asText());
        }
        return names;
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    @Test
    void eventsTellWhatHappenedSinceThen() throws IOException {
        create("ev", "echo", "x");
        startContainer("ev");
        http.post("/containers/ev/wait");
        Response events =
                http.get("/events?since=1&until=1.5&filters=" + encode("{\"container\":[\"ev\"]}"));
        assertThat(events.text()).isEmpty();
        long now = System.currentTimeMillis() / 1000 + 1;
        List<String> actions = new ArrayList<>();
        for (String line : http.get("/events?since=1&until=" + now).text().split("\n")) {
            JsonNode event = Http.JSON.readTree(line);
            actions.add(event.path("Action").asText());
            assertThat(event.path("Actor").path("Attributes").path("name").asText())
                    .isEqualTo("ev");
        }
        assertThat(actions).containsExactly("create", "start", "die");
    }

    @Test
    void updateChangesLimitsAtOnceAndForGood() throws IOException {
        String id = create("uu", "sleep");
        startContainer(id);
        assertThat(http.post("/containers/uu/update", "{\"PidsLimit\":50}").status())
                .isEqualTo(200);
        assertThat(agent.containers.updates.values().iterator().next().pids()).hasValue(50);
        assertThat(inspect(id).path("HostConfig").path("PidsLimit").asInt()).isEqualTo(50);
        assertThat(http.post("/containers/uu/update", "{\"Memory\":5}").status()).isEqualTo(400);
        assertThat(http.post("/containers/uu/update", "{\"KernelMemory\":5}").message())
                .contains("update of KernelMemory");
    }

    @Test
    void statsAndTopAnswer() throws IOException {
        create("st", "sleep");
        startContainer("st");
        JsonNode stats = http.get("/containers/st/stats?stream=false&one-shot=true").json();
        assertThat(stats.path("memory_stats").path("usage").asLong()).isEqualTo(4096);
        assertThat(stats.path("cpu_stats").path("cpu_usage").path("total_usage").asLong())
                .isEqualTo(5_000_000);
        JsonNode top = http.get("/containers/st/top").json();
        assertThat(top.path("Titles")).hasSize(8);
        assertThat(top.path("Processes").get(0).get(1).asLong())
                .isEqualTo(ProcessHandle.current().pid());
    }

    @Test
    void theAgentOffersThePlanOfALaunchAndItsCounters() throws IOException {
        assertThat(http.post("/berth/plan", "{\"Image\":\"tiny\"}").text())
                .isEqualTo("plan of [echo, default]\n");
        assertThat(http.get("/berth/counters").json().path("http_requests").path("value").asInt())
                .isPositive();
    }

    @Test
    void aBodyThatIsTooLargeIsRefused() throws IOException {
        Response made =
                http.post("/containers/create", "{\"Image\":\"" + "x".repeat(9 << 20) + "\"}");
        assertThat(made.status()).isEqualTo(400);
        assertThat(made.message()).contains("8 MiB");
    }

    @Test
    void requestsThatComeTogetherAreAnsweredInOrder() throws IOException {
        String ping = "GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n";
        String version = "GET /version HTTP/1.1\r\nHost: d\r\n\r\n";
        http.raw((ping + version + ping).getBytes(StandardCharsets.US_ASCII));
        assertThat(http.receive("GET").text()).isEqualTo("OK");
        assertThat(http.receive("GET").json().path("ApiVersion").asText()).isEqualTo("1.47");
        assertThat(http.receive("GET").text()).isEqualTo("OK");
    }

    @Test
    void aMalformedRequestHurtsNobodyElse() throws IOException {
        try (Http bad = new Http(agent.socket)) {
            bad.raw("\0\1\2 nonsense\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(bad.head().status()).isEqualTo(400);
        }
        assertThat(http.get("/_ping").text()).isEqualTo("OK");
    }
}
