package dev.berth.tests.root.escape;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.MountSource;
import dev.berth.isolator.SafePath;
import dev.berth.isolator.Slot;
import dev.berth.isolator.Slots;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Launch steps as runtimes had them before their advisories: by the host's paths into the root. Where a defence is how a step is made, its off-position is the step made that way.
 */
final class NaiveHost {
    private static final int OPEN_TREE_CLONE = 1;

    /** Where {@link #execRootInside} shows it. */
    static final String EXEC_ROOT = "/exec-root";

    private NaiveHost() {}

    /** Sysctls are written below the root's own {@code /proc}. */
    static Defence sysctls() {
        return added(
                "a proc of its own for sysctls",
                LaunchOp.SetSysctl.class,
                new Naive() {
                    @Override
                    public LaunchContribution plan(ContainerConfig config) {
                        return LaunchContribution.NONE;
                    }

                    @Override
                    void act(ContainerConfig config, Path root, Slots slots) throws IOException {
                        for (Map.Entry<String, String> e : config.sysctls().entrySet()) {
                            Path file =
                                    root.resolve("proc/sys").resolve(e.getKey().replace('.', '/'));
                            Files.createDirectories(file.getParent());
                            Files.writeString(file, e.getValue());
                        }
                    }
                });
    }

    /** Masks are binds of the root's own {@code /dev/null} (CVE-2025-31133). */
    static Defence masks() {
        return added(
                "a /dev/null of its own for masks",
                LaunchOp.MaskPath.class,
                attached("/proc/interrupts", (root, _) -> root.resolve("dev/null")));
    }

    /** The console is a bind of the root's own {@code /dev/pts/0} (CVE-2025-52565). */
    static Defence console() {
        return Defence.steps(
                        "the terminal by its descriptor",
                        op ->
                                op instanceof LaunchOp.AttachMount a
                                                && a.source() instanceof MountSource.Terminal
                                        ? Optional.empty()
                                        : Optional.of(op))
                .and(
                        added(
                                "no path",
                                LaunchOp.SetSysctl.class,
                                attached("/dev/console", (root, _) -> root.resolve("dev/pts/0"))));
    }

    /** The exec-root is in sight of every container. */
    static Defence execRootInside() {
        return added(
                "sockets out of sight",
                LaunchOp.SetSysctl.class,
                attached(
                        EXEC_ROOT,
                        (_, slots) -> {
                            Path run =
                                    Path.of(
                                            "/proc/self/fd/"
                                                    + slots.require(Slot.RUN_DIR).number());
                            return Files.readSymbolicLink(run).getParent().getParent();
                        }));
    }

    private interface Source {
        Path of(Path root, Slots slots) throws IOException;
    }

    /** Attaches, last of all, what a path of the host names. */
    private static Naive attached(String target, Source source) {
        Slot slot = new Slot("NAIVE");
        return new Naive() {
            @Override
            public LaunchContribution plan(ContainerConfig config) {
                return LaunchContribution.builder()
                        .slot(slot)
                        .op(
                                new LaunchOp.AttachMount(
                                        "as others did",
                                        new MountSource.Given(slot),
                                        new SafePath(target),
                                        Set.of(),
                                        false,
                                        "rprivate"))
                        .build();
            }

            @Override
            void act(ContainerConfig config, Path root, Slots slots)
                    throws IOException, ErrnoException {
                Path path = source.of(root, slots);
                OwnedFd found =
                        Linux.host().mounts().openTree(Fd.CWD, path.toString(), OPEN_TREE_CLONE);
                if (Files.isDirectory(path)) {
                    slots.fill(slot, found);
                } else {
                    slots.fillFile(slot, found);
                }
            }
        };
    }

    /** In place of steps of a kind, which need not be there. */
    private static Defence added(String name, Class<? extends LaunchOp> instead, Naive naive) {
        Defence without = Defence.step(name, instead);
        return new Defence(
                name,
                all -> {
                    List<Isolator> changed = new ArrayList<>(without.isolators().apply(all));
                    changed.add(naive);
                    return changed;
                },
                Linux.host());
    }

    /** Knows the root by the name of a host directory, which it takes from the descriptor that the launch gets. */
    private abstract static class Naive implements Isolator {
        @Override
        public String name() {
            return "naive";
        }

        @Override
        public void acquire(ContainerConfig config, LaunchPlan plan, Slots slots)
                throws IsolatorException {
            if (plan.exec()) {
                return;
            }
            // The descriptor is a detached mount of the directory; what it shows beneath is the
            // same.
            Path root = Path.of("/proc/self/fd/" + slots.require(Slot.ROOT).number());
            try {
                act(config, root, slots);
            } catch (IOException | ErrnoException e) {
                throw new IsolatorException("naive", e);
            }
        }

        abstract void act(ContainerConfig config, Path root, Slots slots)
                throws IOException, ErrnoException;
    }
}
