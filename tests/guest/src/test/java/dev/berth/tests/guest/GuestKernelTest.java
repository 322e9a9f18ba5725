package dev.berth.tests.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;

/** The guest is what the other tests count on. */
@Tag("inside")
class GuestKernelTest {
    @Test
    void cgroupsAreUnifiedWithTheControllersThatLimitsNeed() throws Exception {
        assertThat(Files.readString(Path.of("/sys/fs/cgroup/cgroup.controllers")).split("\\s+"))
                .contains("cpu", "io", "memory", "pids");
    }
}
