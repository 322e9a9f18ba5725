package dev.berth.agent.cli.devicekit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.devicekit.Cell.Stage;
import dev.berth.agent.cli.devicekit.Cell.Subject;
import dev.berth.agent.cli.devicekit.Cell.Verdict;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.json.JsonReader;
import dev.berth.agent.cli.playground.NodeReport;
import dev.berth.agent.cli.playground.NodeReport.Way;
import dev.berth.agent.cli.view.Paint;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xml.sax.InputSource;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import javax.xml.parsers.DocumentBuilderFactory;

class DevicekitTest {
    private static final String TWO_DEVICES =
            """
            {"ResourceName":"nvidia.com/gpu","Source":{"Name":"nvml"},
             "Devices":[{"Id":"GPU-a","State":"FREE","Nodes":[{"Path":"/dev/nvidia0","Type":"c","Major":195,"Minor":0}]},
                        {"Id":"GPU-b","State":"GRANTED","Nodes":[{"Path":"/dev/nvidia1","Type":"c","Major":195,"Minor":1}]}],
             "ControlNodes":[{"Path":"/dev/nvidiactl","Type":"c","Major":195,"Minor":255}],
             "WithheldNodes":[{"Path":"/dev/nvidia-caps/nvidia-cap1","Type":"c","Major":235,"Minor":1}]}
            """;

    @TempDir Path directory;

    @ParameterizedTest
    @CsvSource({
        "GRANTED,BOTH,ENXIO,,GREEN",
        "GRANTED,BOTH,OK,,GREEN",
        "GRANTED,BOTH,EPERM,ENXIO,RED",
        "GRANTED,MAKE,EPERM,OK,GREEN",
        "GRANTED,MAKE,OK,OK,RED",
        "SIBLING,READ,EPERM,ENXIO,GREEN",
        "SIBLING,READ,ENXIO,ENXIO,RED",
        "SIBLING,READ,EPERM,EPERM,UNPROVEN",
        "SIBLING,READ,EPERM,EACCES,UNPROVEN",
        "SIBLING,READ,EACCES,ENXIO,RED",
        "SIBLING,PATH,OK,,GREEN",
        "SIBLING,REOPEN,ENXIO,ENXIO,RED",
        "WITHHELD,WRITE,EPERM,OK,GREEN",
        "FOREIGN,BOTH,EPERM,ENODEV,GREEN",
        "ABSENT,BOTH,ENOENT,,GREEN",
        "ABSENT,BOTH,EPERM,,RED",
    })
    void eachCellIsJudgedBesideItsControl(
            Subject subject, Way way, String got, String control, Verdict verdict) {
        String other = control == null ? "" : control;
        assertThat(new Cell(Stage.START, "c", subject, "/nodes/x", way, got, other).verdict())
                .isEqualTo(verdict);
    }

    private static NodeReport report(Map<String, String> results) {
        StringBuilder text = new StringBuilder("noise\n");
        results.forEach((path, result) ->
                text.append("node ")
                        .append(path)
                        .append(" read=")
                        .append(result)
                        .append(" write=")
                        .append(result)
                        .append(" both=")
                        .append(result)
                        .append(result.equals("ENOENT") ? " path=ENOENT" : " path=OK")
                        .append(" reopen=")
                        .append(result)
                        .append(
                                result.equals("ENXIO") || result.equals("EPERM")
                                        ? " make=EPERM\n"
                                        : " make=" + result + "\n"));
        return NodeReport.all(text + "end\nnode /half").get(0);
    }

    private static Outcome outcome(String sibling) throws IOException {
        Hardware hardware = Hardware.of(JsonReader.read(TWO_DEVICES));
        assertThat(hardware.freeIds()).containsExactly("GPU-a");
        Matrix matrix = new Matrix(hardware);
        Map<String, String> all = new java.util.LinkedHashMap<>();
        StringBuilder control = new StringBuilder();
        for (String path : matrix.paths()) {
            all.put(path, "EPERM");
            control.append("node ")
                    .append(path)
                    .append(" read=ENXIO write=ENXIO both=ENXIO path=OK reopen=ENXIO make=OK\n");
        }
        all.put("/nodes/nvidia0", "ENXIO");
        all.put("/nodes/nvidiactl", "ENXIO");
        all.put("/dev/nvidia0", "ENXIO");
        all.put("/dev/nvidiactl", "ENXIO");
        all.put("/dev/nvidia1", "ENOENT");
        all.put("/nodes/nvidia1", sibling);
        matrix.control(NodeReport.all(control + "end\n").get(0));
        matrix.add(Stage.START, "kit-first", List.of("GPU-a"), report(all));
        return new Outcome("nvidia-sim", hardware, matrix.cells(), List.of());
    }

    @Test
    void aFenceThatHoldsIsGreen() throws Exception {
        Outcome outcome = outcome("EPERM");
        assertThat(outcome.cells()).allMatch(cell -> cell.verdict() == Verdict.GREEN, "green");
        assertThat(outcome.passed()).isTrue();
        assertThat(TextReport.of(outcome, Paint.plain()))
                .contains("at start, container kit-first")
                .containsPattern(
                        "other devices +1 +EPERM +EPERM +EPERM +OK +EPERM +EPERM +ENXIO +ok")
                .contains("GREEN: 66 cells, 0 wrong, 0 unproven");
        Json json = MachineReports.json(outcome, Map.of("Kernel", "6.1"));
        assertThat(json.at("Passed").truth()).isTrue();
        assertThat(json.at("Cells").number()).isEqualTo(66);
        int paths = 0;
        for (Json group : json.at("Groups").items()) {
            paths += group.at("Paths").items().size();
        }
        assertThat(paths).isEqualTo(66);
        assertThat(JsonReader.read(json.toString()).at("Environment", "Kernel").text())
                .isEqualTo("6.1");
    }

    @Test
    void aFenceWithAGapIsRedAndSaysWhere() throws Exception {
        Outcome outcome = outcome("ENXIO");
        assertThat(outcome.passed()).isFalse();
        assertThat(TextReport.of(outcome, Paint.plain()))
                .contains(
                        "at start, kit-first: other devices, open to read: got ENXIO, want EPERM; /nodes/nvidia1")
                .contains("RED: 66 cells, 4 wrong, 0 unproven");
        String xml = MachineReports.junit(outcome, 1.25);
        var suite =
                DocumentBuilderFactory.newInstance()
                        .newDocumentBuilder()
                        .parse(new InputSource(new StringReader(xml)))
                        .getDocumentElement();
        assertThat(suite.getAttribute("tests")).isEqualTo("36");
        assertThat(suite.getAttribute("failures")).isEqualTo("4");
        assertThat(suite.getElementsByTagName("failure").getLength()).isEqualTo(4);
    }

    @Test
    void aRunWithoutACellHasNotPassed() throws IOException {
        Hardware hardware = Hardware.of(JsonReader.read(TWO_DEVICES));
        assertThat(new Outcome("x", hardware, List.of(), List.of()).passed()).isFalse();
    }

    @Test
    void providersAreAgentFlags() throws IOException, UsageException {
        assertThat(Provider.of("nvidia-sim").agentFlags()).containsExactly("--gpus", "sim:8xH100");
        assertThat(Provider.of("nvidia-sim:1xA30").agentFlags())
                .containsExactly("--gpus", "sim:1xA30");
        assertThat(Provider.of("nvidia").agentFlags()).containsExactly("--gpus", "auto");
        Path file = directory.resolve("devices.json");
        Files.writeString(file, "{}", StandardCharsets.UTF_8);
        assertThat(Provider.of("chardev:" + file).agentFlags())
                .containsExactly("--gpus", "none", "--devices", file.toString());
        for (String wrong : List.of("amd", "nvidia:x", "chardev:", "chardev:/nothere")) {
            assertThatThrownBy(() -> Provider.of(wrong)).isInstanceOf(UsageException.class);
        }
    }
}
