package dev.berth.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.Test;

import java.util.List;

class ProcessesTest {
    private static final Processes PROCESSES = Linux.host().processes();

    @Test
    void agreesWithTheJvmAboutThisProcess() throws ErrnoException {
        int pid = PROCESSES.getpid();
        assertThat((long) pid).isEqualTo(ProcessHandle.current().pid());
        assertThat(PROCESSES.kernelRelease()).isEqualTo(System.getProperty("os.version"));
        try (OwnedFd pidfd = PROCESSES.pidfdOpen(pid).orElseThrow()) {
            assertThat(PROCESSES.pidfdSendSignal(pidfd, 0)).isTrue();
            assertThat(PROCESSES.poll(pidfd, Poll.POLLIN, 0)).as("it runs").isZero();
            assertThat(PROCESSES.pidfdExitStatus(pidfd)).isEmpty();
        }
    }

    @Test
    void startTimeIsThatOfProcStat() throws ErrnoException {
        long ticks = PROCESSES.startTime(PROCESSES.getpid()).orElseThrow();
        assertThat(ticks).isPositive();
        assertThat(PROCESSES.startTime(PROCESSES.getpid())).hasValue(ticks);
        assertThat(PROCESSES.startTime(Integer.MAX_VALUE)).isEmpty();
    }

    @Test
    void noSuchProcessIsAValue() throws ErrnoException {
        assertThat(PROCESSES.pidfdOpen(Integer.MAX_VALUE)).isEmpty();
    }

    @Test
    void misuseIsAnErrno() throws ErrnoException {
        ErrnoException e =
                catchThrowableOfType(ErrnoException.class, () -> PROCESSES.pidfdOpen(-1));
        assertThat(e).hasMessage("pidfd_open(pid -1): EINVAL (Invalid argument)");
        assertThatThrownBy(() -> PROCESSES.rlimit(99)).hasMessageContaining("EINVAL");
        assertThatThrownBy(() -> PROCESSES.waitChild(PROCESSES.getpid()))
                .hasMessageContaining("ECHILD");
        try (OwnedFd event = Linux.host().files().eventfd()) {
            assertThatThrownBy(() -> PROCESSES.pidfdSendSignal(event, 9))
                    .as("not a pidfd")
                    .hasMessageContaining("EBADF");
        }
    }

    @Test
    void limitsAreSoftAndHard() throws ErrnoException {
        long[] limit = PROCESSES.rlimit(Rlimit.RLIMIT_NOFILE);
        assertThat(limit[0]).isPositive();
        assertThat(limit[1])
                .satisfiesAnyOf(
                        hard -> assertThat(hard).isGreaterThanOrEqualTo(limit[0]),
                        hard -> assertThat(hard).isEqualTo(Rlimit.RLIM_INFINITY));
    }

    @Test
    void pollWaitsForAnyAndTimesOut() throws ErrnoException {
        Files files = Linux.host().files();
        OwnedFd[] pipe = files.pipe2(0);
        try (OwnedFd read = pipe[0];
                OwnedFd write = pipe[1]) {
            long before = System.nanoTime();
            assertThat(PROCESSES.poll(read, Poll.POLLIN, 20)).isZero();
            assertThat(System.nanoTime() - before).isGreaterThan(19_000_000);
            int[] events = {Poll.POLLIN, Poll.POLLOUT};
            assertThat(PROCESSES.poll(List.of(read, write), events, -1))
                    .containsExactly(0, Poll.POLLOUT);
            files.writeAll(write, new byte[1]);
            assertThat(PROCESSES.poll(List.of(read, write), events, -1))
                    .containsExactly(Poll.POLLIN, Poll.POLLOUT);
            assertThat(PROCESSES.poll(Fd.borrowed(999_999), Poll.POLLIN, -1))
                    .isEqualTo(Poll.POLLNVAL);
        }
    }
}
