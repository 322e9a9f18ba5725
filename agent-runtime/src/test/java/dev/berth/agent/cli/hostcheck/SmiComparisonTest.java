package dev.berth.agent.cli.hostcheck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.agent.cli.hostcheck.Finding.Area;
import dev.berth.agent.cli.hostcheck.Finding.State;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.view.Paint;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceMetric;
import dev.berth.gpu.DeviceSample;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.DeviceTable.DriverFacts;
import dev.berth.gpu.PciAddress;
import dev.berth.gpu.Topology;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/** Each comparison can fail: a value that a wrong layout would give is seen. */
class SmiComparisonTest {
    private static final String ID = "GPU-11112222-aaaa-bbbb-cccc-000000000000";

    private static final List<String> FIELDS =
            List.of("uuid", "name", "pci.bus_id", "memory.total", "power.draw", "ecc.mode.current");

    private static final String LINE =
            ID + ", NVIDIA H100 80GB HBM3, 00000000:1B:00.0, 81559, 71.30, Enabled\n";

    private static DeviceTable table() {
        Device device =
                new Device(
                        new DeviceId(ID),
                        0,
                        "NVIDIA H100 80GB HBM3",
                        OptionalInt.of(0),
                        PciAddress.parse("0000:1b:00.0"),
                        OptionalInt.empty(),
                        "",
                        81559L << 20,
                        List.of(),
                        Map.of("ecc", "on"));
        return new DeviceTable(
                1,
                "nvidia.com/gpu",
                new DriverFacts("580.65.06", "13", "13.0", "nvml"),
                List.of(device),
                Topology.of(1),
                List.of(),
                List.of());
    }

    private static List<DeviceSample> samples(DeviceSample.ProcessUse... uses) {
        return List.of(
                new DeviceSample(
                        new DeviceId(ID),
                        0,
                        Map.of(DeviceMetric.POWER_USAGE, 70.2),
                        List.of(uses)));
    }

    private static List<Finding> compare(String lines) throws CliException {
        return SmiComparison.compare(table(), samples(), SmiTool.parse(FIELDS, lines));
    }

    private static List<String> named(List<Finding> findings, State state) {
        return findings.stream().filter(f -> f.state() == state).map(Finding::name).toList();
    }

    @Test
    void equalValuesPassAndAbsentOnesAreSkipped() throws CliException {
        List<Finding> findings = compare(LINE);
        assertThat(named(findings, State.FAILED)).isEmpty();
        assertThat(named(findings, State.PASSED)).containsExactlyInAnyOrderElementsOf(FIELDS);
        assertThat(named(findings, State.SKIPPED)).contains("serial", "clocks.sm");
    }

    @ParameterizedTest
    @CsvSource({
        "NVIDIA H100 80GB HBM3, NVIDIA H100 80GB HBM, name",
        "00000000:1B:00.0, 00000000:1C:00.0, pci.bus_id",
        "81559, 81079, memory.total",
        "71.30, 700.00, power.draw",
        "Enabled, Disabled, ecc.mode.current",
        "11112222, 11112223, uuid",
    })
    void anotherValueFailsItsFieldAlone(String is, String becomes, String field)
            throws CliException {
        List<Finding> findings = compare(LINE.replace(is, becomes));
        assertThat(named(findings, State.FAILED)).containsExactly(field);
    }

    @Test
    void aValueThatWeDoNotReadFailsWhereTheToolHasOne() throws CliException {
        List<Map<String, String>> rows =
                SmiTool.parse(List.of("uuid", "serial"), ID + ", 165010000001\n");
        assertThat(named(SmiComparison.compare(table(), samples(), rows), State.FAILED))
                .containsExactly("serial");
    }

    @Test
    void whatTheToolDoesNotHaveIsNotCompared() throws CliException {
        assertThat(named(compare(LINE.replace("71.30", "[N/A]")), State.SKIPPED))
                .contains("power.draw");
    }

    @Test
    void aMissingDeviceFails() throws CliException {
        assertThat(named(compare(""), State.FAILED)).containsExactly("uuid");
        assertThat(named(compare(LINE + LINE.replace("11112222", "99")), State.FAILED))
                .containsExactly("uuid");
    }

    @Test
    void aLineOfAnotherLengthIsRefused() {
        assertThatThrownBy(() -> compare("No devices were found\n"))
                .hasMessageContaining("No devices were found");
    }

    @Test
    void processesAreComparedByPidAndDevice() {
        DeviceSample.ProcessUse use = new DeviceSample.ProcessUse(77, "C+G", 1 << 20);
        List<Map<String, String>> rows = List.of(Map.of("pid", "77", "gpu_uuid", ID));
        assertThat(SmiComparison.processes(samples(use), rows).state()).isEqualTo(State.PASSED);
        assertThat(SmiComparison.processes(samples(), rows).state()).isEqualTo(State.FAILED);
        assertThat(SmiComparison.processes(samples(use), List.of()).state())
                .isEqualTo(State.FAILED);
    }

    @Test
    void aCudaProgramThatSeesAnotherDeviceOrComputesWrongFails() throws Exception {
        String good =
                """
                {"cuda":13000,"count":1}
                {"device":0,"uuid":"%s","name":"H100","memory":1,"elements":4,"wrong":0}
                """
                        .formatted(ID);
        assertThat(cuda(good, 0)).containsExactly(State.PASSED, State.PASSED);
        assertThat(cuda(good.replace("\"count\":1", "\"count\":2"), 0))
                .containsExactly(State.FAILED, State.PASSED);
        assertThat(cuda(good.replace("11112222", "11112223"), 0))
                .containsExactly(State.FAILED, State.PASSED);
        assertThat(cuda(good.replace("\"wrong\":0", "\"wrong\":3"), 1))
                .containsExactly(State.PASSED, State.FAILED);
        assertThat(
                        cuda(
                                "{\"failed\":\"cuInit\",\"code\":100,\"name\":\"CUDA_ERROR_NO_DEVICE\"}",
                                1))
                .containsExactly(State.FAILED, State.FAILED);
        assertThat(cuda("", 139)).containsExactly(State.FAILED, State.FAILED);
    }

    private static List<State> cuda(String output, long code) throws Exception {
        return CudaOutput.of(output).judge(Area.CUDA, Set.of(ID), code).stream()
                .map(Finding::state)
                .toList();
    }

    @Test
    void oneFailureFailsTheReport() {
        Report report = new Report();
        report.judge(Area.NVML, "a", true, "");
        report.skip(Area.CUDA, "b", "no libcuda.so.1");
        assertThat(report.passed()).isTrue();
        report.judge(Area.SMI, "c", false, "");
        assertThat(report.passed()).isFalse();
        assertThat(report.text(Paint.plain())).contains("FAILED: 1 passed, 1 failed, 1 skipped");
        assertThat(report.json().at("Passed").truth()).isFalse();
    }
}
