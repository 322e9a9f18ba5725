package dev.berth.isolator.filesystem;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.MountAttr;
import dev.berth.isolator.Phase;
import dev.berth.isolator.Slot;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The root, and what is hidden in it. */
public final class RootIsolator implements Isolator {
    /** Names of paths that are directories on every kernel: only a guess which form of a mask to try first. */
    private static final Set<String> DIRECTORIES =
            Set.of("acpi", "asound", "scsi", "firmware", "powercap", "thermal_throttle");

    @Override
    public String name() {
        return "filesystem/root";
    }

    @Override
    public LaunchContribution plan(ContainerConfig config) throws IsolatorException {
        LaunchContribution.Builder b = LaunchContribution.builder().slot(Slot.ROOT);
        List<String> masked = config.security().maskedPaths();
        List<String> staged = new ArrayList<>();
        if (!masked.isEmpty()) {
            b.op(
                    new LaunchOp.MakeFilesystem(
                            Phase.FILESYSTEMS,
                            "one empty directory for all masked ones",
                            LaunchOp.EMPTY,
                            "tmpfs",
                            Map.of(),
                            EnumSet.of(
                                    MountAttr.READ_ONLY,
                                    MountAttr.NO_SUID,
                                    MountAttr.NO_DEV,
                                    MountAttr.NO_EXEC),
                            List.of()));
            staged.add(LaunchOp.EMPTY);
            if (!new MountTable(config).stands("/dev")) {
                // Masks take /dev/null from it all the same.
                staged.add(LaunchOp.DEV);
            }
        }
        b.op(new LaunchOp.EnterRoot("all else is attached on it", staged));
        for (String path : masked) {
            boolean directory = DIRECTORIES.contains(path.substring(path.lastIndexOf('/') + 1));
            b.op(
                    new LaunchOp.MaskPath(
                            "it tells or allows too much", MountTable.path(path), directory));
        }
        for (String path : config.security().readOnlyPaths()) {
            b.op(
                    new LaunchOp.ReadOnlyPath(
                            "the kernel is not the container's to set", MountTable.path(path)));
        }
        b.op(
                new LaunchOp.PivotRoot(
                        config.readOnlyRoot()
                                ? "nothing of the host is left in sight; the root is read-only"
                                : "nothing of the host is left in sight",
                        config.readOnlyRoot()));
        return b.build();
    }
}
