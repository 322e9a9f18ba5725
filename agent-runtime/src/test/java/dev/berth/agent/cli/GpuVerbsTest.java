package dev.berth.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.cli.http.FakeAgent;
import dev.berth.agent.cli.json.JsonReader;
import dev.berth.agent.cli.session.Cli;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

@Timeout(30)
class GpuVerbsTest {
    private static final String HOLDER = "fedcba9876543210".repeat(4);

    private static final String DEVICES =
            """
            {"Generation":3,"ResourceName":"nvidia.com/gpu",
             "Source":{"Name":"nvml","Working":true,"Reason":""},
             "Driver":{"Version":"580.65.06","Nvml":"13.580.65.06","Cuda":"13.0"},
             "Devices":[
              {"Id":"GPU-11112222-aaaa-bbbb-cccc-000000000000","Index":0,"Model":"NVIDIA H100 80GB HBM3","Minor":0,
               "Pci":"0000:1b:00.0","NumaNode":0,"CpuList":"0-55","MemoryBytes":85520809984,"Attributes":{},
               "State":"GRANTED","Health":"HEALTHY","Reason":"","Since":"2026-01-02T03:04:05Z",
               "Container":"HOLDER","ContainerName":"train",
               "Metrics":{"DCGM_FI_DEV_GPU_UTIL":50,"DCGM_FI_DEV_FB_USED":20480,"DCGM_FI_DEV_FB_FREE":61440,
                          "DCGM_FI_DEV_GPU_TEMP":45,"DCGM_FI_DEV_POWER_USAGE":350.4},
               "Processes":[{"Pid":1234,"Type":"C","MemoryBytes":21474836480,"Container":"HOLDER"}],
               "Nodes":[{"Path":"/dev/nvidia0","Type":"c","Major":195,"Minor":0}]},
              {"Id":"GPU-33334444-aaaa-bbbb-cccc-000000000001","Index":1,"Model":"NVIDIA H100 80GB HBM3","Minor":1,
               "Pci":"0000:43:00.0","NumaNode":null,"CpuList":"","MemoryBytes":85520809984,"Attributes":{},
               "State":"QUARANTINED","Health":"FAILED","Reason":"XID 79: fallen off the bus","Since":"2026-01-02T03:04:05Z",
               "Container":"","ContainerName":"","Metrics":{},"Processes":[],"Nodes":[]}],
             "Topology":{"NvLinks":[[0,18],[18,0]],"Proximity":[["X","SYS"],["SYS","X"]]},
             "ControlNodes":[],"WithheldNodes":[]}
            """
                    .replace("HOLDER", HOLDER);

    @TempDir Path directory;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final List<String> bodies = new CopyOnWriteArrayList<>();

    private int berth(String devices, String answer, String... words) throws IOException {
        out.reset();
        err.reset();
        try (FakeAgent agent =
                        new FakeAgent(
                                directory,
                                e -> {
                                    if (!e.body().isEmpty()) {
                                        bodies.add(e.body());
                                    }
                                    return e.target().equals("/berth/gpus")
                                            ? e.reply(200, devices)
                                            : e.reply(
                                                    e.target().endsWith("release") ? 204 : 200,
                                                    answer);
                                });
                PrintStream to = new PrintStream(out, false, StandardCharsets.UTF_8);
                PrintStream errors = new PrintStream(err, false, StandardCharsets.UTF_8)) {
            List<String> all = new ArrayList<>(List.of("-H", "unix://" + agent.socket()));
            all.addAll(List.of(words));
            Cli cli = new Cli(new ByteArrayInputStream(new byte[0]), to, errors, Map.of());
            return Berth.run(cli, all);
        }
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void lsShowsWhatAndWhoseAndHow() throws IOException {
        assertThat(berth(DEVICES, "", "gpu", "ls")).isZero();
        assertThat(out())
                .isEqualTo(
                        """
                        2 devices of nvidia.com/gpu, driver 580.65.06, CUDA 13.0, source nvml
                        GPU   UUID           MODEL                   MEMORY     BUS            NUMA   STATE         HEALTH    CONTAINER
                        0     GPU-11112222   NVIDIA H100 80GB HBM3   79.65GiB   0000:1b:00.0   0      granted       healthy   train
                        1     GPU-33334444   NVIDIA H100 80GB HBM3   79.65GiB   0000:43:00.0   --     quarantined   failed    ~
                        GPU1: XID 79: fallen off the bus
                        """
                                .replace("~", ""));
        assertThat(berth(DEVICES, "", "gpu", "ls", "-q")).isZero();
        assertThat(out()).startsWith("GPU-11112222-aaaa-bbbb-cccc-000000000000\n");
        assertThat(berth(DEVICES, "", "gpu", "ls", "--format", "json")).isZero();
        List<String> lines = out().lines().toList();
        assertThat(lines).hasSize(2);
        assertThat(JsonReader.read(lines.get(1)).at("Health").text()).isEqualTo("FAILED");
    }

    @Test
    void topoIsNvidiaSmisMatrix() throws IOException {
        assertThat(berth(DEVICES, "", "gpu", "topo")).isZero();
        assertThat(out())
                .startsWith(
                        """
                               GPU0   GPU1   CPUs   NUMA   BUS
                        GPU0    X     NV18   0-55   0      0000:1b:00.0
                        GPU1   NV18    X     --     --     0000:43:00.0
                        """)
                .contains("NV#  over # NVLinks");
        assertThat(berth(DEVICES, "", "gpu", "topo", "--format", "json")).isZero();
        assertThat(JsonReader.read(out()).at("NvLinks").items().get(0).items().get(1).number())
                .isEqualTo(18);
    }

    @Test
    void topDrawsBarsOnceWhereNobodyLooks() throws IOException {
        assertThat(berth(DEVICES, "", "gpu", "top")).isZero();
        assertThat(out())
                .contains("██████▌······")
                .contains(" 50 %")
                .contains("███▎·········  20.0 / 80.0 GiB")
                .contains("45 °C")
                .contains("350 W")
                .contains("0     1234   C      20GiB    train")
                .doesNotContain("\u001b");
        assertThat(out().lines().filter(line -> line.startsWith("1 ")).findFirst().orElse(""))
                .contains("--");
    }

    @Test
    void healthSaysWhatToDoAndFailsWhenOneIsNotGivenOut() throws IOException {
        String health =
                """
                {"Devices":[{"Id":"GPU-33334444-aaaa-bbbb-cccc-000000000001","Index":1,"Health":"FAILED",
                 "Reason":"XID 79: fallen off the bus","Since":"2026-01-02T03:04:05Z",
                 "Signals":[{"Time":"2026-01-02T03:04:05Z","Kind":"XID","Code":79,"Detail":"GPU has fallen off the bus",
                             "Source":"kmsg","Pid":0,"Container":"","Action":"drain"}]}]}
                """;
        assertThat(berth(DEVICES, health, "gpu", "health")).isEqualTo(1);
        assertThat(out())
                .startsWith("GPU1 (GPU-33334444)  failed since ")
                .contains(": XID 79: fallen off the bus\n  what to do: it was not clean")
                .contains("berth gpu release GPU-33334444")
                .contains(
                        "2026-01-02T03:04:05Z   XID 79   GPU has fallen off the bus   --    --          drain");
        assertThat(berth(DEVICES, health, "gpu", "health", "0")).isZero();
        assertThat(out()).isEmpty();
    }

    @Test
    void explainRanksCandidates() throws IOException {
        String answer =
                """
                {"Chosen":["GPU-11112222-aaaa-bbbb-cccc-000000000000"],"Refused":"",
                 "Candidates":[{"Devices":["GPU-11112222-aaaa-bbbb-cccc-000000000000"],"MinLink":0,"Sum":0,"NumaNodes":1,"Fragmentation":4,
                                "Why":"the only one"}],
                 "Unavailable":[{"Id":"GPU-33334444-aaaa-bbbb-cccc-000000000001","Reason":"failed: XID 79"}]}
                """;
        assertThat(berth(DEVICES, answer, "gpu", "explain", "1")).isZero();
        assertThat(out())
                .startsWith("chosen: GPU0\n\nRANK   GPUS   WEAKEST LINK")
                .contains(
                        "1      0      0              0     1            4           the only one")
                .contains("GPU1: failed: XID 79");
        assertThat(bodies).containsExactly("{\"Count\":1}");
        berth(DEVICES, answer, "gpu", "explain", "--device", "1");
        berth(DEVICES, answer, "gpu", "explain", "all");
        assertThat(bodies.subList(1, 3))
                .containsExactly(
                        "{\"DeviceIDs\":[\"GPU-33334444-aaaa-bbbb-cccc-000000000001\"]}",
                        "{\"Count\":-1}");
        assertThat(berth(DEVICES, "{\"Refused\":\"only 1 is free\"}", "gpu", "explain", "2"))
                .isEqualTo(1);
        assertThat(out()).isEqualTo("refused: only 1 is free\n");
    }

    @Test
    void attachAndDetachNameDevicesAsPeopleDo() throws IOException {
        String attached = "{\"Attached\":[\"GPU-1\"],\"Detached\":[\"GPU-2\"]}";
        assertThat(berth(DEVICES, attached, "gpu", "attach", "train")).isZero();
        assertThat(out()).isEqualTo("GPU-1\n");
        assertThat(berth(DEVICES, attached, "gpu", "attach", "train", "GPU-3333")).isZero();
        assertThat(berth(DEVICES, attached, "gpu", "detach", "train", "0000:1B:00.0")).isZero();
        assertThat(out()).isEqualTo("GPU-2\n");
        assertThat(berth(DEVICES, attached, "gpu", "detach", "--all", "train")).isZero();
        String first = "{\"DeviceIDs\":[\"GPU-11112222-aaaa-bbbb-cccc-000000000000\"]}";
        String second = "{\"DeviceIDs\":[\"GPU-33334444-aaaa-bbbb-cccc-000000000001\"]}";
        assertThat(bodies).containsExactly("{\"Count\":1}", second, first, first);
        assertThat(berth(DEVICES, attached, "gpu", "attach", "train", "7")).isEqualTo(1);
        assertThat(err())
                .isEqualTo("berth: no device '7' on this node; 'berth gpu ls' lists them\n");
        assertThat(berth(DEVICES, attached, "gpu", "detach", "train")).isEqualTo(125);
        assertThat(berth(DEVICES, attached, "gpu", "detach", "--all", "other")).isEqualTo(1);
        assertThat(err()).isEqualTo("berth: container other holds no GPU\n");
    }

    @Test
    void releasePrintsWhatItReleased() throws IOException {
        assertThat(berth(DEVICES, "", "gpu", "release", "1")).isZero();
        assertThat(out()).isEqualTo("GPU-33334444-aaaa-bbbb-cccc-000000000001\n");
    }

    @Test
    void withoutADeviceItSaysHowToGetSome() throws IOException {
        String none =
                "{\"Source\":{\"Name\":\"none\",\"Working\":false,\"Reason\":\"no driver\"},\"Devices\":[]}";
        for (String verb : List.of("ls", "topo", "top", "health")) {
            assertThat(berth(none, "{}", "gpu", verb)).as(verb).isEqualTo(1);
            assertThat(err())
                    .as(verb)
                    .isEqualTo(
                            "berth: this agent has no GPUs (source none: no driver); 'berth doctor' says what a real"
                                    + " one needs; to try without one: berth agent --gpus sim:8xH100\n");
            assertThat(berth(none, "{}", "gpu", verb, "--format", "json")).as(verb).isBetween(0, 1);
        }
    }

    @Test
    void aSourceThatDoesNotWorkIsSaid() throws IOException {
        String hung =
                DEVICES.replace(
                        "\"Working\":true,\"Reason\":\"\"",
                        "\"Working\":false,\"Reason\":\"nvmlDeviceGetCount did not return within 5 s\"");
        berth(hung, "", "gpu", "ls");
        assertThat(out())
                .contains(
                        "source nvml does not work: nvmlDeviceGetCount did not return within 5 s; figures are the last");
    }

    @Test
    void simulatedFaultsNeedASimulator() throws IOException {
        String info = "{\"DockerRootDir\":\"" + directory + "\"}";
        assertThat(berth(DEVICES, info, "gpu", "sim", "xid", "3", "79")).isEqualTo(1);
        assertThat(err()).contains("simulates no GPUs").contains("berth agent --gpus sim:8xH100");
    }

    @Test
    void aFamilyListsItsVerbsAndSuggests() throws IOException {
        assertThat(berth(DEVICES, "", "gpu", "--help")).isZero();
        assertThat(out()).contains("Usage: berth gpu VERB", "gpu topo", "gpu explain");
        assertThat(berth(DEVICES, "", "gpu")).isEqualTo(1);
        assertThat(berth(DEVICES, "", "gpu", "lss")).isEqualTo(1);
        assertThat(err()).contains("unknown verb 'gpu lss'; did you mean 'gpu ls'?");
        assertThat(berth(DEVICES, "", "gpu", "ls", "--help")).isZero();
        assertThat(out()).startsWith("Usage: berth gpu ls [FLAGS]").contains("Examples:");
    }
}
