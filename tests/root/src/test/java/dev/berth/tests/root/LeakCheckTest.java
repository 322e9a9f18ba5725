package dev.berth.tests.root;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.ContainerizerKit;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.IsolatorException;
import dev.berth.linux.Fd;
import dev.berth.linux.OwnedFd;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The check itself: nothing is left by fifty containers, and each kind of thing is found when it is left on purpose. */
@Tag("root")
final class LeakCheckTest {
    @TempDir Path directory;

    private ContainerizerKit kit;

    @BeforeEach
    void open() throws Exception {
        kit = new ContainerizerKit(directory, "berth-leak-" + ProcessHandle.current().pid());
        kit.recover(List.of());
        // Classes, buffers and the pool settle with the first container.
        runOne("0");
        kit.until("a full pool", () -> kit.containerizer.readyNetworkNamespaces() == 4);
    }

    @AfterEach
    void close() throws Exception {
        kit.until("an empty cgroup tree", this::removeTree);
        kit.close();
    }

    private boolean removeTree() {
        try {
            return kit.cgroups.removeTree();
        } catch (IsolatorException e) {
            throw new AssertionError(e);
        }
    }

    private void runOne(String digits) throws Exception {
        ContainerId id = ContainerizerKit.id(digits);
        kit.start(ContainerizerKit.config(id, "/probe", "true"));
        kit.await(ContainerEvent.Exited.class, id);
        kit.containerizer.removeRoot(id);
    }

    private LeakCheck check(Set<Integer> programs) {
        return new LeakCheck(
                kit.linux,
                directory,
                Path.of(kit.cgroups.path()),
                Optional.of(kit.containerizer.spawnerPid()),
                programs);
    }

    private Set<String> leaked(Map<String, Integer> before) throws Exception {
        return LeakCheck.added(before, check(Set.of()).census());
    }

    @Test
    void fiftyContainersLeaveNothing() throws Exception {
        check(Set.of()).awaitNone(w -> w.startsWith("process") || w.startsWith("children"));
        Map<String, Integer> before = check(Set.of()).census();
        for (int i = 0; i < 50; i++) {
            runOne("5" + Integer.toHexString(i) + "5");
        }
        kit.until("a full pool", () -> kit.containerizer.readyNetworkNamespaces() == 4);
        check(Set.of()).awaitNoMoreThan(before);
    }

    @Test
    void aDescriptorAFileACgroupAndANamespaceAreFound() throws Exception {
        Map<String, Integer> before = check(Set.of()).census();
        Path group = Files.createDirectory(Path.of(kit.cgroups.path(), "c", "left"));
        Path file = Files.createFile(directory.resolve("exec/left"));
        try (OwnedFd _ = kit.linux.files().eventfd();
                OwnedFd _ = kit.linux.files().openat(Fd.CWD, "/proc/self/ns/net", 0, 0)) {
            assertThat(leaked(before))
                    .contains("cgroup c/left", "file exec/left")
                    .anyMatch(l -> l.contains("eventfd"))
                    .anyMatch(l -> l.contains("network namespace"));
        } finally {
            Files.delete(group);
            Files.delete(file);
        }
        assertThat(leaked(before)).isEmpty();
    }

    @Test
    void aProcessAndADeviceProgramAreFound() throws Exception {
        ContainerId id = ContainerizerKit.id("9");
        Map<String, Integer> before = check(Set.of()).census();
        kit.start(ContainerizerKit.config(id, "/probe", "sleep-until-signal"));
        kit.await(ContainerEvent.Started.class, id);
        Set<Integer> programs =
                Set.copyOf(
                        kit.linux.bpf().deviceProgramIds(kit.cgroups.directory(id).orElseThrow()));
        assertThat(programs).hasSize(1);
        Set<String> found = LeakCheck.added(before, check(programs).census());
        assertThat(found)
                .anyMatch(l -> l.startsWith("process ") && l.contains(id.value()))
                .anyMatch(l -> l.startsWith("process ") && l.contains("monitors"))
                .contains("program " + programs.iterator().next());
        kit.containerizer.kill(id);
        kit.await(ContainerEvent.Exited.class, id);
        kit.containerizer.removeRoot(id);
        kit.until("a full pool", () -> kit.containerizer.readyNetworkNamespaces() == 4);
        check(Set.of()).awaitNoMoreThan(before);
    }

    @Test
    void aMountOfTheHostIsFound() throws Exception {
        Path point = Files.createDirectory(directory.resolve("point"));
        Map<String, Integer> before = check(Set.of()).census();
        kit.linux.mounts().mount("tmpfs", point.toString(), "tmpfs", 0, "size=4k");
        try {
            assertThat(leaked(before)).contains("mount of the host " + point);
        } finally {
            kit.linux.mounts().umount2(point.toString(), 0);
        }
        assertThat(leaked(before)).isEmpty();
    }
}
