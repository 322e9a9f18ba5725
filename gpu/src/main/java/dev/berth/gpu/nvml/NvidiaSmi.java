package dev.berth.gpu.nvml;

import dev.berth.gpu.PciAddress;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.process.HelperCommand;
import dev.berth.linux.process.HelperProcess;
import dev.berth.linux.process.HelperResult;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Resets by the vendor's own tool: the public library has no call for it. Thread: the lane; blocks up to the deadline. */
final class NvidiaSmi implements WorkerSupervisor.ResetTool {
    private static final int OUTPUT_LIMIT = 64 * 1024;

    private final Linux linux;
    private final NvmlSettings settings;

    NvidiaSmi(Linux linux, NvmlSettings settings) {
        this.linux = linux;
        this.settings = settings;
    }

    @Override
    public Optional<String> reset(PciAddress address) {
        Path tool = settings.hostRoot().resolve("usr/bin/nvidia-smi");
        List<String> argv = List.of("nvidia-smi", "--gpu-reset", "-i", address.toString());
        HelperCommand command =
                HelperCommand.of(tool.toString(), argv, settings.worker().environment());
        try {
            HelperResult result =
                    HelperProcess.run(
                            linux,
                            command,
                            new byte[0],
                            settings.deadlines().reset(),
                            OUTPUT_LIMIT);
            return result.succeeded() ? Optional.empty() : Optional.of(words(argv, result));
        } catch (ErrnoException e) {
            return Optional.of(tool + " cannot be run: " + e.getMessage());
        }
    }

    /** It complains on its standard output. */
    private static String words(List<String> argv, HelperResult result) {
        String output = new String(result.output(), StandardCharsets.UTF_8).strip();
        String first = output.lines().map(String::strip).findFirst().orElse("");
        return String.join(" ", argv)
                + ": "
                + result.describe()
                + (first.isEmpty() ? "" : ": " + first);
    }
}
