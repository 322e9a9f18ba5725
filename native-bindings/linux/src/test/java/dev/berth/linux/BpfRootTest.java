package dev.berth.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

@Tag("root")
class BpfRootTest {
    private static final Bpf BPF = Linux.host().bpf();
    private static final Files FILES = Linux.host().files();
    private static final long EXIT = 0x95;

    private static byte[] program(long... instructions) {
        ByteBuffer code = ByteBuffer.allocate(8 * instructions.length);
        code.order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().put(instructions);
        return code.array();
    }

    /** {@code r0 = answer; exit}. */
    private static byte[] answers(int answer) {
        return program(0xb7L | (long) answer << 32, EXIT);
    }

    private static String cgroup2() throws ErrnoException {
        String mounts =
                new String(
                        FILES.readFile(Fd.CWD, "/proc/self/mountinfo", 1 << 24),
                        StandardCharsets.UTF_8);
        Optional<String> found =
                mounts.lines()
                        .filter(line -> line.contains(" - cgroup2 "))
                        .map(line -> line.split(" ")[4])
                        .findFirst();
        assumeThat(found).as("a cgroup2 mount").isPresent();
        return found.get();
    }

    @Test
    void attachesReplacesAndDetachesADeviceProgram() throws ErrnoException {
        String name = "berth-bpf-test-" + ProcessHandle.current().pid();
        try (OwnedFd parent =
                FILES.openat(Fd.CWD, cgroup2(), Open.O_RDONLY | Open.O_DIRECTORY, 0)) {
            assertThat(FILES.mkdirat(parent, name, 0755)).isTrue();
            try (OwnedFd cgroup = FILES.openat(parent, name, Open.O_DIRECTORY, 0);
                    OwnedFd deny = BPF.loadDeviceProgram("berth/deny all", answers(0));
                    OwnedFd allow = BPF.loadDeviceProgram("berth_allow", answers(1))) {
                assertThat(BPF.deviceProgramIds(cgroup)).isEmpty();
                BPF.attachDeviceProgram(cgroup, deny, Optional.empty());
                assertThat(BPF.deviceProgramIds(cgroup)).containsExactly(BPF.programId(deny));
                BPF.attachDeviceProgram(cgroup, allow, Optional.of(deny));
                int id = BPF.programId(allow);
                assertThat(BPF.deviceProgramIds(cgroup)).containsExactly(id);
                try (OwnedFd same = BPF.programById(id).orElseThrow()) {
                    assertThat(BPF.programId(same)).isEqualTo(id);
                }
                assertThatThrownBy(() -> BPF.detachDeviceProgram(cgroup, deny))
                        .hasMessageContaining("ENOENT");
                BPF.detachDeviceProgram(cgroup, allow);
                assertThat(BPF.deviceProgramIds(cgroup)).isEmpty();
            } finally {
                assertThat(FILES.unlinkat(parent, name, At.AT_REMOVEDIR)).isTrue();
            }
        }
        assertThat(BPF.programById(Integer.MAX_VALUE)).isEmpty();
    }

    @Test
    void aRefusedProgramComesWithTheVerifiersWords() {
        assertThatThrownBy(() -> BPF.loadDeviceProgram("bad", program(EXIT)).close())
                .isInstanceOf(ErrnoException.class)
                .hasMessageContaining("PROG_LOAD bad, verifier: ")
                .hasMessageContaining("R0 !read_ok");
    }

    @Test
    void aCgroupIsNeeded() throws ErrnoException {
        try (OwnedFd allow = BPF.loadDeviceProgram("berth_allow", answers(1));
                OwnedFd proc = FILES.openat(Fd.CWD, "/proc", Open.O_DIRECTORY, 0)) {
            assertThatThrownBy(() -> BPF.attachDeviceProgram(proc, allow, Optional.empty()))
                    .hasMessageContaining("EBADF");
        }
    }
}
