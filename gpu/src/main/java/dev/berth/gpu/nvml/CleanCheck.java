package dev.berth.gpu.nvml;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceSample.ProcessUse;
import dev.berth.gpu.nvml.WorkerMessage.Condition;
import dev.berth.gpu.nvml.WorkerMessage.Reading;
import dev.berth.nvml.NvmlReturn;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Judges whether a device is clean, and knows what an idle device of this node uses: the least that was seen on it while no process used it. */
final class CleanCheck {
    private static final double MIB = 1 << 20;

    private final long epsilonBytes;
    private final long mostBaselineBytes;
    private final Map<DeviceId, Long> baselines = new HashMap<>();

    CleanCheck(long epsilonBytes, long mostBaselineBytes) {
        this.epsilonBytes = epsilonBytes;
        this.mostBaselineBytes = mostBaselineBytes;
    }

    /** Nobody used the device, and so much of its memory was in use. What no idle device uses is not learned. */
    void idle(DeviceId id, long usedBytes) {
        if (usedBytes >= 0 && usedBytes <= mostBaselineBytes) {
            baselines.merge(id, usedBytes, Math::min);
        }
    }

    /** Another driver or a reset may change what an idle device uses. */
    void forget() {
        baselines.clear();
    }

    Cleanliness judge(DeviceId id, Reading reading) {
        if (!reading.answered()) {
            return unanswered(id, reading);
        }
        List<Integer> pids = reading.processes().stream().map(ProcessUse::pid).toList();
        List<String> problems = new ArrayList<>();
        boolean resetHelps = false;
        if (!pids.isEmpty()) {
            problems.add("still used by " + (pids.size() == 1 ? "process " : "processes ") + pids);
        } else if (reading.processesKnown()) {
            idle(id, reading.usedBytes());
        }
        long baseline = baselines.getOrDefault(id, 0L);
        // What a process holds goes with it: only memory without one is a leftover.
        if (pids.isEmpty() && reading.usedBytes() > baseline + epsilonBytes) {
            problems.add(
                    String.format(
                            Locale.ROOT,
                            "%.0f MiB of memory in use without a process, %.0f MiB when idle",
                            reading.usedBytes() / MIB,
                            baseline / MIB));
            resetHelps = true;
        }
        if (reading.computeMode() > 0) {
            problems.add("compute mode is " + computeMode(reading.computeMode()) + ", not default");
            resetHelps = true;
        }
        if (reading.recoveryAction() > 0) {
            problems.add("the driver asks for: " + RecoveryAction.words(reading.recoveryAction()));
            resetHelps |= RecoveryAction.resetHelps(reading.recoveryAction());
        }
        for (Condition condition : Condition.values()) {
            if (reading.conditions().contains(condition)) {
                problems.add(words(condition));
                resetHelps |= pending(condition);
            }
        }
        Optional<String> problem =
                problems.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", problems));
        return new Cleanliness(
                pids, reading.usedBytes(), baseline, problem, resetHelps && pids.isEmpty());
    }

    private Cleanliness unanswered(DeviceId id, Reading reading) {
        NvmlReturn returned = NvmlReturn.of(reading.code());
        return notAnswered(
                id,
                reading.function() + ": " + returned.words(),
                returned == NvmlReturn.RESET_REQUIRED);
    }

    /** Of a device that cannot be asked. */
    Cleanliness notAnswered(DeviceId id, String problem, boolean resetHelps) {
        long baseline = baselines.getOrDefault(id, 0L);
        return new Cleanliness(List.of(), -1, baseline, Optional.of(problem), resetHelps);
    }

    private static String computeMode(int mode) {
        return switch (mode) {
            case 1 -> "exclusive thread";
            case 2 -> "prohibited";
            case 3 -> "exclusive process";
            default -> Integer.toString(mode);
        };
    }

    static String words(Condition condition) {
        return switch (condition) {
            case REMAP_PENDING -> "a row of memory waits for a reset to be remapped";
            case REMAP_FAILED ->
                    "remapping a row of memory has failed: the board is to be replaced";
            case RETIREMENT_PENDING -> "a page of memory waits for a reset to be retired";
            case ECC_MODE_PENDING -> "a change of the ECC mode waits for a reset";
            case SRAM_THRESHOLD ->
                    "uncorrected SRAM errors are above their limit: the board is to be replaced";
        };
    }

    private static boolean pending(Condition condition) {
        return switch (condition) {
            case REMAP_PENDING, RETIREMENT_PENDING, ECC_MODE_PENDING -> true;
            case REMAP_FAILED, SRAM_THRESHOLD -> false;
        };
    }
}
