package dev.berth.isolator.cgroup2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.cgroup2.Controller.Setting;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

class ControllerTest {
    private static OptionalLong optional(String text) {
        return text == null || text.isEmpty()
                ? OptionalLong.empty()
                : OptionalLong.of(Long.parseLong(text));
    }

    private static ResourceLimits memory(String limit, String swap, String reservation) {
        return new ResourceLimits(
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                Optional.empty(),
                Optional.empty(),
                optional(limit),
                optional(swap),
                optional(reservation),
                OptionalLong.empty(),
                OptionalLong.empty(),
                List.of(),
                Set.of());
    }

    private static ResourceLimits cpu(String quota, String period, String shares) {
        return new ResourceLimits(
                optional(quota),
                optional(period),
                optional(shares),
                Optional.empty(),
                Optional.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                List.of(),
                Set.of());
    }

    private static String written(List<Setting> settings) {
        return String.join(
                "; ",
                settings.stream()
                        .map(s ->
                                s.choices().getFirst().file()
                                        + "="
                                        + s.choices().getFirst().value())
                        .toList());
    }

    @ParameterizedTest
    @CsvSource({
        "2,1",
        "10,4",
        "128,21",
        "256,35",
        "512,59",
        "1000,99",
        "1024,100",
        "2048,174",
        "4096,303",
        "65536,3023",
        "262144,10000",
        "1,1",
        "300000,10000"
    })
    void sharesBecomeWeight(long shares, long weight) {
        assertThat(CpuController.weight(shares)).isEqualTo(weight);
    }

    @ParameterizedTest
    @CsvSource({"10,1", "100,910", "500,4950", "1000,10000"})
    void blkioWeightBecomesIoWeight(long blkio, long weight) {
        assertThat(IoController.fromBlkio(blkio)).isEqualTo(weight);
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "-,-,-,''",
                "0,0,0,''",
                "1000,-,-,memory.max=1000",
                "-1,-,-,memory.swap.max=max; memory.max=max",
                "1000,1500,-,memory.swap.max=500; memory.max=1000",
                "1000,1000,-,memory.swap.max=0; memory.max=1000",
                "1000,-1,-,memory.swap.max=max; memory.max=1000",
                "-1,777,-,memory.swap.max=777; memory.max=max",
                "-,-1,-,memory.swap.max=max",
                "1000,0,500,memory.max=1000; memory.low=500",
                "-,-,500,memory.low=500",
            })
    void memoryAsInTheTable(String limit, String swap, String reservation, String expected)
            throws IsolatorException {
        assertThat(written(new MemoryController().settings(memory(limit, swap, reservation))))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {"-,5000", "0,5000", "1000,999"})
    void swapThatMakesNoSenseIsRefused(String limit, String swap) {
        assertThatThrownBy(() -> new MemoryController().settings(memory(limit, swap, null)))
                .isInstanceOf(IsolatorException.class)
                .hasMessageContaining("memory+swap limit " + swap);
    }

    @Test
    void absentSwapFileMattersOnlyForARealSwapLimit() throws IsolatorException {
        MemoryController memory = new MemoryController();
        assertThat(memory.settings(memory("1000", "1000", null)).getFirst().optional()).isTrue();
        assertThat(memory.settings(memory("1000", "-1", null)).getFirst().optional()).isTrue();
        assertThat(memory.settings(memory("1000", "1500", null)).getFirst().optional()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "-,-,-,''",
                "50000,-,-,cpu.max=50000 100000",
                "50000,20000,-,cpu.max=50000 20000",
                "-1,-,-,cpu.max=max 100000",
                "-,20000,-,cpu.max=max 20000",
                "-,-,1024,cpu.weight=100",
                "-,-,0,''",
                "25000,50000,512,cpu.weight=59; cpu.max=25000 50000",
            })
    void cpuAsInTheTable(String quota, String period, String shares, String expected)
            throws IsolatorException {
        assertThat(written(new CpuController().settings(cpu(quota, period, shares))))
                .isEqualTo(expected);
    }

    @Test
    void pidsIoAndCpuset() throws IsolatorException {
        ResourceLimits limits =
                new ResourceLimits(
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        Optional.of("0-1"),
                        Optional.of(""),
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        OptionalLong.of(0),
                        OptionalLong.of(500),
                        List.of(
                                new ResourceLimits.IoDevice(
                                        8,
                                        16,
                                        OptionalLong.of(1000),
                                        OptionalLong.of(0),
                                        OptionalLong.empty(),
                                        OptionalLong.of(7))),
                        Set.of());
        assertThat(written(new PidsController().settings(limits))).isEqualTo("pids.max=0");
        assertThat(written(new CpusetController().settings(limits))).isEqualTo("cpuset.cpus=0-1");
        List<Setting> io = new IoController().settings(limits);
        assertThat(written(io))
                .isEqualTo(
                        "io.bfq.weight=500; io.max=8:16 rbps=1000; io.max=8:16 wbps=max; io.max=8:16 wiops=7");
        assertThat(io.getFirst().choices().getLast())
                .isEqualTo(new Controller.Choice("io.weight", "4950"));
        assertThat(Controllers.ALL.stream().filter(c -> c.asked(limits)).map(Controller::name))
                .containsExactly("pids", "io", "cpuset");
        assertThat(Controllers.ALL.stream().anyMatch(c -> c.asked(ResourceLimits.NONE))).isFalse();
    }

    @Test
    void unlimitedPidsAreMax() throws IsolatorException {
        ResourceLimits limits =
                new ResourceLimits(
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        OptionalLong.of(-1),
                        OptionalLong.empty(),
                        List.of(),
                        Set.of());
        assertThat(written(new PidsController().settings(limits))).isEqualTo("pids.max=max");
    }
}
