package dev.berth.gpu.simulator;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What may be done to a simulated machine from outside. Every change is seen at once by every client, in whatever process or container. The words of {@link #apply} are those of
 * {@code src/native/control.c}; a time-line is the same words with {@code at MS} between them.
 *
 * <p>Thread: any; each call runs {@code simctl} and blocks for it.
 */
public final class SimulatorControl {
    private final Simctl simctl;

    SimulatorControl(Simctl simctl) {
        this.simctl = simctl;
    }

    /**
     * Does what the lines say, in order, until their end.
     *
     * @param longest how long the lines wait in sum, at most
     * @return what they print: the numbers of the faults that they arm
     * @throws SimulatorException if a line is not understood, naming it; the lines before it are done
     */
    public List<String> apply(String commands, Duration longest) throws SimulatorException {
        return simctl.run("apply", commands, longest).lines().toList();
    }

    /** The same for lines that do not wait. */
    public List<String> apply(String commands) throws SimulatorException {
        return apply(commands, Duration.ZERO);
    }

    /** Plays a time-line from a file. */
    public List<String> play(Path timeline, Duration longest) throws SimulatorException {
        try {
            return apply(Files.readString(timeline), longest);
        } catch (IOException e) {
            throw new SimulatorException("read time-line " + timeline, e);
        }
    }

    /** An XID without a process: NVML event and kernel log line. */
    public void xid(int gpu, int code) throws SimulatorException {
        apply("xid " + gpu + " " + code);
    }

    /** An XID of a process, whose pid in the host's namespace the kernel log names. */
    public void xid(int gpu, int code, int pid) throws SimulatorException {
        apply("xid " + gpu + " " + code + " pid=" + pid);
    }

    /** So many XIDs a second, for so long; returns at their end. */
    public void storm(int gpu, int code, int perSecond, Duration length) throws SimulatorException {
        apply(
                "storm " + gpu + " " + code + " rate=" + perSecond + " seconds=" + seconds(length),
                length.multipliedBy(3));
    }

    private static String seconds(Duration length) {
        return Double.toString(length.toMillis() / 1000.0);
    }

    /** Adds to the ECC counters, with the event, and XID 48 for uncorrected errors. */
    public void ecc(int gpu, boolean uncorrected, int count) throws SimulatorException {
        apply("ecc " + gpu + (uncorrected ? " uncorrected " : " corrected ") + count);
    }

    /** A row that waits for a reset to be remapped (XID 63), or one that could not be (XID 64). */
    public void remap(int gpu, boolean failed) throws SimulatorException {
        apply("remap " + gpu + (failed ? " failure=1" : " pending=1"));
    }

    public void sramThreshold(int gpu, boolean exceeded) throws SimulatorException {
        apply("sram " + gpu + " parity=" + (exceeded ? 1 : 0) + " threshold=" + (exceeded ? 1 : 0));
    }

    /** What the driver asks for: field 230, event, and XID 154 with its words; {@code action} is nvmlDeviceGpuRecoveryAction_t. */
    public void recoveryAction(int gpu, int action) throws SimulatorException {
        apply("recovery " + gpu + " " + action);
    }

    /** Every call about the GPU fails with GPU_IS_LOST, or no longer. */
    public void lost(int gpu, boolean lost) throws SimulatorException {
        apply("lost " + gpu + (lost ? " on" : " off"));
    }

    /** Every call about the GPU but those for what it is fails with RESET_REQUIRED, or no longer. */
    public void resetRequired(int gpu, boolean required) throws SimulatorException {
        apply("required " + gpu + (required ? " on" : " off"));
    }

    /** The board is not there for clients that initialize from now on. */
    public void removed(int gpu, boolean removed) throws SimulatorException {
        apply("removed " + gpu + (removed ? " on" : " off"));
    }

    /** Library and driver are of different versions, or no longer: code 18 of every call. */
    public void versionMismatch(boolean mismatch) throws SimulatorException {
        apply("mismatch " + (mismatch ? "on" : "off"));
    }

    /** Memory in use that no process holds; a reset frees it. */
    public void stuckMemory(int gpu, long bytes) throws SimulatorException {
        apply("stuck-memory " + gpu + " " + bytes);
    }

    /** A process that NVML goes on to show; it stands against a reset and goes only with {@link #clearAll} or {@code clear ghosts}. */
    public void stuckProcess(int gpu, int pid, long bytes) throws SimulatorException {
        apply("stuck-process " + gpu + " " + pid + " " + bytes);
    }

    /**
     * Arms a fault.
     *
     * @return its number, for {@link #clear(int)}
     */
    public int arm(Fault fault) throws SimulatorException {
        List<String> printed = apply(fault.command());
        if (printed.size() != 1 || !printed.get(0).startsWith("fault ")) {
            throw new SimulatorException("simctl did not name the fault: " + printed);
        }
        return Integer.parseInt(printed.get(0).substring("fault ".length()));
    }

    /** Takes one fault away; a call that hangs in it goes on. */
    public void clear(int fault) throws SimulatorException {
        apply("clear fault " + fault);
    }

    /** Takes away every armed fault; conditions of GPUs stay. */
    public void clearFaults() throws SimulatorException {
        apply("clear faults");
    }

    /** Takes away faults, conditions, stuck memory and processes. Aggregate counters stay. */
    public void clearAll() throws SimulatorException {
        apply("clear all");
    }

    /** The state as {@code simctl show} prints it: key to value; lines about processes and faults are left out. */
    public Map<String, String> state() throws SimulatorException {
        Map<String, String> values = new LinkedHashMap<>();
        for (String line : show()) {
            String[] words = line.split(" ", 2);
            if (words.length == 2 && !words[0].equals("process") && !words[0].equals("fault")) {
                values.put(words[0], words[1]);
            }
        }
        return values;
    }

    /** Processes that use GPUs now. */
    public List<Use> processes() throws SimulatorException {
        List<Use> found = new ArrayList<>();
        for (String line : show()) {
            String[] words = line.split(" ", 5);
            if (words.length == 5 && words[0].equals("process")) {
                found.add(
                        new Use(
                                Integer.parseInt(words[1]),
                                Integer.parseInt(words[2]),
                                Long.parseLong(words[3]),
                                words[4]));
            }
        }
        return found;
    }

    /** All that {@code simctl show} prints. */
    public List<String> show() throws SimulatorException {
        return simctl.run("show", "", Duration.ZERO).lines().toList();
    }

    /** A process and a GPU that it uses; its pid is 0 where it has none in this namespace. */
    public record Use(int pid, int gpu, long memoryBytes, String name) {}
}
