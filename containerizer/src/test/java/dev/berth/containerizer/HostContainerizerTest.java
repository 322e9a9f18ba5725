package dev.berth.containerizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.isolator.ContainerId;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;

@Tag("root")
final class HostContainerizerTest {
    @TempDir Path directory;

    private ContainerizerKit kit;

    @BeforeEach
    void open() throws Exception {
        kit = new ContainerizerKit(directory, "berth-test-" + ProcessHandle.current().pid());
        kit.recover(List.of());
    }

    @AfterEach
    void close() throws Exception {
        boolean removed = kit.cgroups.removeTree();
        kit.close();
        assertThat(removed).isTrue();
    }

    @Test
    void aProgramRunsItsOutputIsLoggedAndItsStatusComesWhenNothingIsLeft() throws Exception {
        ContainerId id = ContainerizerKit.id("1");
        kit.start(ContainerizerKit.config(id, "/probe", "echo", "hello", "--", "exit", "3"));
        kit.await(ContainerEvent.Started.class, id);
        ContainerEvent.Exited exited = kit.await(ContainerEvent.Exited.class, id);
        assertThat(exited.status().code()).isEqualTo(3);
        assertThat(kit.log(id)).isEqualTo("hello\n");
        assertThat(kit.cgroups.present()).isEmpty();
        assertThat(directory.resolve("exec/c")).isEmptyDirectory();
    }
}
