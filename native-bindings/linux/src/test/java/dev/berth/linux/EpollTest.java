package dev.berth.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;

final class EpollTest {
    private final Linux linux = Linux.host();
    private final Epoll epoll = linux.epoll();

    @Test
    void readableDescriptorsComeBackByTokenAndRemovedOnesDoNot() throws ErrnoException {
        OwnedFd[] pipe = linux.files().pipe2(0);
        long[] tokens = new long[4];
        try (OwnedFd poll = epoll.create();
                OwnedFd read = pipe[0];
                OwnedFd write = pipe[1]) {
            epoll.add(poll, read, 0x1234_5678_9abc_def0L);
            assertThat(epoll.wait(poll, tokens, 0)).isZero();
            linux.files().writeAll(write, "x".getBytes(StandardCharsets.UTF_8));
            assertThat(epoll.wait(poll, tokens, 1000)).isEqualTo(1);
            assertThat(tokens[0]).isEqualTo(0x1234_5678_9abc_def0L);
            assertThat(epoll.remove(poll, read)).isTrue();
            assertThat(epoll.remove(poll, read)).isFalse();
            assertThat(epoll.wait(poll, tokens, 0)).isZero();
        }
    }

    @Test
    void anArmedTimerMakesAnEpollInsideAnEpollReadable() throws ErrnoException {
        long[] tokens = new long[4];
        try (OwnedFd outer = epoll.create();
                OwnedFd inner = epoll.create();
                OwnedFd timer = epoll.timer()) {
            epoll.add(outer, inner, 1);
            epoll.add(inner, timer, 2);
            assertThat(epoll.wait(outer, tokens, 0)).isZero();
            epoll.arm(timer, 1_000_000);
            assertThat(epoll.wait(outer, tokens, 2000)).isEqualTo(1);
            assertThat(epoll.wait(inner, tokens, 0)).isEqualTo(1);
            assertThat(tokens[0]).isEqualTo(2);
            epoll.arm(timer, 0);
            assertThat(epoll.wait(outer, tokens, 0)).isZero();
        }
    }
}
