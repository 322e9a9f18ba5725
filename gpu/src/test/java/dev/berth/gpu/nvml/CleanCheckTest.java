package dev.berth.gpu.nvml;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceSample.ProcessUse;
import dev.berth.gpu.nvml.WorkerMessage.Condition;
import dev.berth.gpu.nvml.WorkerMessage.Reading;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;
import java.util.Map;
import java.util.Set;

class CleanCheckTest {
    private static final long MIB = 1 << 20;
    private static final DeviceId GPU = new DeviceId("GPU-0");

    private final CleanCheck check = new CleanCheck(16 * MIB, 1024 * MIB);

    private static Reading reading(
            long used, List<ProcessUse> processes, int mode, int action, Condition... conditions) {
        return new Reading(
                0, 0, "", used, Map.of(), true, processes, mode, action, 0, Set.of(conditions));
    }

    @Test
    void theBaselineIsTheLeastThatWasSeenWhileNobodyUsedIt() {
        assertThat(check.judge(GPU, reading(600 * MIB, List.of(), 0, 0)).clean()).isTrue();
        assertThat(check.judge(GPU, reading(500 * MIB, List.of(), 0, 0)).baselineBytes())
                .isEqualTo(500 * MIB);
        assertThat(check.judge(GPU, reading(516 * MIB, List.of(), 0, 0)).clean()).isTrue();
        Cleanliness above = check.judge(GPU, reading(517 * MIB, List.of(), 0, 0));
        assertThat(above.problem())
                .contains("517 MiB of memory in use without a process, 500 MiB when idle");
        assertThat(above.resetHelps()).isTrue();
    }

    @Test
    void whatNoIdleDeviceUsesIsNotLearned() {
        Cleanliness first = check.judge(GPU, reading(40_000 * MIB, List.of(), 0, 0));
        assertThat(first.clean()).isFalse();
        assertThat(first.baselineBytes()).isZero();
    }

    @Test
    void processesAreNamedAndAResetIsNotTheCure() {
        Cleanliness used =
                check.judge(GPU, reading(9000 * MIB, List.of(new ProcessUse(42, "C", 1)), 0, 0));
        assertThat(used.problem()).contains("still used by process [42]");
        assertThat(used.pids()).containsExactly(42);
        assertThat(used.resetHelps()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    1 | 0 | exclusive thread            | true
                    2 | 0 | compute mode is prohibited  | true
                    3 | 0 | exclusive process           | true
                    0 | 1 | a GPU reset                 | true
                    0 | 2 | a reboot of the node        | false
                    0 | 3 | draining peer-to-peer       | false
                    0 | 4 | draining and a GPU reset    | true
                    """)
    void aModeThatWasLeftAndWhatTheDriverAsksForStandAgainstIt(
            int mode, int action, String words, boolean resetHelps) {
        Cleanliness found = check.judge(GPU, reading(0, List.of(), mode, action));
        assertThat(found.problem().orElseThrow()).contains(words);
        assertThat(found.resetHelps()).isEqualTo(resetHelps);
    }

    @Test
    void whatCannotBeReadIsNotHeldAgainstADevice() {
        assertThat(check.judge(GPU, reading(0, List.of(), -1, -1)).clean()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "REMAP_PENDING, true",
        "RETIREMENT_PENDING, true",
        "ECC_MODE_PENDING, true",
        "REMAP_FAILED, false",
        "SRAM_THRESHOLD, false"
    })
    void memoryThatWaitsForAResetOrForReplacement(Condition condition, boolean resetHelps) {
        Cleanliness found = check.judge(GPU, reading(0, List.of(), 0, 0, condition));
        assertThat(found.clean()).isFalse();
        assertThat(found.resetHelps()).isEqualTo(resetHelps);
    }

    @Test
    void aDeviceThatDoesNotAnswerIsNotClean() {
        Cleanliness lost = check.judge(GPU, Reading.failed(0, 15, "nvmlDeviceGetMemoryInfo_v2"));
        assertThat(lost.problem().orElseThrow()).contains("fallen off the bus");
        assertThat(lost.resetHelps()).isFalse();
        assertThat(check.judge(GPU, Reading.failed(0, 16, "x")).resetHelps()).isTrue();
    }
}
