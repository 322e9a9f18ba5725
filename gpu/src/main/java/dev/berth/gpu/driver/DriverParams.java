package dev.berth.gpu.driver;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.file.SafeRoot;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** {@code /proc/driver/nvidia/params} with {@code ModifyDeviceFiles: 0}: else libraries in a container try to make device nodes, which is denied, and give up. Thread: any. */
public final class DriverParams {
    /** Where it is, on hosts and in containers. */
    public static final String PATH = "/proc/driver/nvidia/params";

    private static final String LINE = "ModifyDeviceFiles: 0";
    private static final Pattern MODIFY = Pattern.compile("(?m)^ModifyDeviceFiles:.*$");

    private DriverParams() {}

    static String withoutModifying(String params) {
        String patched = MODIFY.matcher(params).replaceAll(LINE);
        if (patched.contains(LINE)) {
            return patched;
        }
        return patched + (patched.isEmpty() || patched.endsWith("\n") ? "" : "\n") + LINE + "\n";
    }

    /**
     * A patched copy of this kernel's, made in {@code scratch} (which exists); empty where the kernel has none. File lane.
     *
     * @throws ErrnoException when it cannot be written
     */
    public static Optional<Path> patchedCopy(Linux linux, Path scratch) throws ErrnoException {
        try (SafeRoot host = SafeRoot.open(linux.files(), Fd.CWD, "/")) {
            Optional<String> params = ProcView.text(host, PATH);
            if (params.isEmpty()) {
                return Optional.empty();
            }
            String text = withoutModifying(params.get());
            Path directory =
                    new ScratchDirectory(linux.files(), scratch)
                            .make(
                                    ScratchDirectory.name("params", List.of(text)),
                                    made ->
                                            ScratchDirectory.file(
                                                    linux.files(), made, "params", text));
            return Optional.of(directory.resolve("params"));
        }
    }
}
