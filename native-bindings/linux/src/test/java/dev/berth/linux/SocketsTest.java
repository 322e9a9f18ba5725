package dev.berth.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;

@SuppressWarnings("try") // some tests close early, on purpose
class SocketsTest {
    private static final Files FILES = Linux.host().files();
    private static final SyscallSockets SOCKETS = SyscallSockets.INSTANCE;
    @TempDir Path temp;
    private Map<Integer, String> descriptors;
    private Arena arena;
    private OwnedFd left;
    private OwnedFd right;

    @BeforeEach
    void makePair() throws ErrnoException {
        descriptors = FILES.openDescriptors();
        OwnedFd[] pair = SOCKETS.seqpacketPair(true);
        left = pair[0];
        right = pair[1];
        arena = Arena.ofConfined();
    }

    @AfterEach
    void nothingLeaked() throws ErrnoException {
        arena.close();
        left.close();
        right.close();
        assertThat(FILES.openDescriptors()).isEqualTo(descriptors);
    }

    private MemorySegment packet(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        MemorySegment segment = arena.allocate(bytes.length);
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return segment;
    }

    @Test
    void packetsKeepTheirBoundaries() throws ErrnoException {
        MemorySegment target = arena.allocate(100);
        assertThat(SOCKETS.receive(right, target).length()).isEqualTo(-1);
        assertThat(SOCKETS.send(left, packet("one"), List.of())).isTrue();
        assertThat(SOCKETS.send(left, packet("three"), List.of())).isTrue();
        assertThat(SOCKETS.receive(right, target).length()).isEqualTo(3);
        assertThat(SOCKETS.receive(right, target).length()).isEqualTo(5);
        left.close();
        assertThat(SOCKETS.receive(right, target)).isEqualTo(new Sockets.Received(0, List.of()));
        assertThatThrownBy(() -> SOCKETS.send(right, packet("x"), List.of()))
                .isInstanceOf(ErrnoException.class)
                .hasMessageContaining("EPIPE");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 253})
    void descriptorsArriveOpenInOrderAndCloseOnExec(int count) throws ErrnoException {
        try (OwnedFd one = FILES.memfdCreate("one", 0);
                OwnedFd two = FILES.memfdCreate("two", 0)) {
            List<OwnedFd> sent = new java.util.ArrayList<>(Collections.nCopies(count, one));
            sent.set(count - 1, two);
            assertThat(SOCKETS.send(left, packet("fds"), sent)).isTrue();
            Sockets.Received received = SOCKETS.receive(right, arena.allocate(10));
            assertThat(received.descriptors()).hasSize(count);
            for (int i = 0; i < count; i++) {
                OwnedFd fd = received.descriptors().get(i);
                String name = i == count - 1 ? "two" : "one";
                assertThat(FILES.readlinkat(Fd.CWD, "/proc/self/fd/" + fd.number()))
                        .startsWith("/memfd:" + name);
                assertThat(Descriptors.fcntl(fd, Abi.F_GETFD, 0)).isEqualTo(1);
                fd.close();
            }
        }
    }

    @Test
    void moreDescriptorsThanThePacketMayCarryAreRefused() {
        List<Fd> many = Collections.nCopies(254, left);
        assertThatThrownBy(() -> SOCKETS.send(left, packet("x"), many))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void truncatedPacketClosesItsDescriptors() throws ErrnoException {
        SOCKETS.send(left, packet("too long"), List.of(left, right));
        ErrnoException e =
                catchThrowableOfType(
                        ErrnoException.class, () -> SOCKETS.receive(right, arena.allocate(3)));
        assertThat(e.errno()).isEqualTo(Errno.EMSGSIZE);
        assertThat(e).hasMessageContaining("packet was cut off at 3 bytes, 2 descriptors");
    }

    /** Room for one descriptor takes two, because of the padding, and then says MSG_CTRUNC: both must be closed. */
    @ParameterizedTest
    @ValueSource(ints = {16, 20, 24, 32})
    void truncatedDescriptorListClosesWhatCame(int controlBytes) throws ErrnoException {
        SOCKETS.send(left, packet("x"), Collections.nCopies(5, left));
        ErrnoException e =
                catchThrowableOfType(
                        ErrnoException.class,
                        () -> SOCKETS.receive(right, arena.allocate(10), controlBytes));
        assertThat(e.errno()).isEqualTo(Errno.EMSGSIZE);
        assertThat(e).hasMessageContaining("descriptor list");
        assertThat(FILES.openDescriptors()).hasSize(descriptors.size() + 2);
    }

    @Test
    void fullQueueWouldBlock() throws ErrnoException {
        MemorySegment packet = arena.allocate(1000);
        int sent = 0;
        while (sent < 100_000 && SOCKETS.send(left, packet, List.of())) {
            sent++;
        }
        assertThat(sent).isBetween(1, 99_999);
    }

    @Test
    void notASocketIsAFailure() throws ErrnoException {
        try (OwnedFd event = FILES.eventfd()) {
            ErrnoException e =
                    catchThrowableOfType(
                            ErrnoException.class,
                            () -> SOCKETS.send(event, packet("x"), List.of()));
            assertThat(e.errno()).isEqualTo(Errno.ENOTSOCK);
        }
    }

    @Test
    void connectsThroughADirectoryHoweverLongItsPathIs() throws Exception {
        Path deep = java.nio.file.Files.createDirectories(temp.resolve("d".repeat(200)));
        try (OwnedFd dir =
                FILES.openat(Fd.CWD, deep.toString(), Open.O_PATH | Open.O_DIRECTORY, 0)) {
            assertThat(SOCKETS.seqpacketConnect(dir, "sock")).as("nothing there").isEmpty();
            OwnedFd listener = listen(dir, "sock");
            try (OwnedFd connected = SOCKETS.seqpacketConnect(dir, "sock").orElseThrow();
                    OwnedFd accepted = accept(listener)) {
                SOCKETS.send(connected, packet("hello"), List.of(dir));
                Sockets.Received got = SOCKETS.receive(accepted, arena.allocate(10));
                assertThat(got.length()).isEqualTo(5);
                assertThat(got.descriptors()).hasSize(1);
                got.descriptors().getFirst().close();
            }
            listener.close();
            assertThat(SOCKETS.seqpacketConnect(dir, "sock")).as("nobody listens").isEmpty();
            assertThatThrownBy(() -> SOCKETS.seqpacketConnect(dir, "x".repeat(200)))
                    .hasMessageContaining("ENAMETOOLONG");
        }
    }

    /** Only monitors, which are C, listen; so the facet has no such calls. */
    private OwnedFd listen(Fd dir, String name) throws ErrnoException {
        int type = Abi.SOCK_SEQPACKET | Abi.SOCK_CLOEXEC;
        long fd = Syscall.call(SyscallNumber.socket, Abi.AF_UNIX, type, 0);
        MemorySegment address = arena.allocate(Abi.sockaddr_un.sizeof, 8);
        address.set(ValueLayout.JAVA_SHORT, 0, (short) Abi.AF_UNIX);
        address.setString(Abi.sockaddr_un.sun_path$offset, SyscallFiles.below(dir, name));
        SyscallNumber bind = SyscallNumber.bind;
        Syscall.check(
                bind, Syscall.call(bind, fd, address.address(), Abi.sockaddr_un.sizeof), name);
        Syscall.check(SyscallNumber.listen, Syscall.call(SyscallNumber.listen, fd, 8), name);
        return new OwnedFd((int) fd);
    }

    private static OwnedFd accept(Fd listener) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.accept4;
        long r = Syscall.call(nr, listener.number(), 0, 0, Abi.SOCK_CLOEXEC);
        return new OwnedFd((int) Syscall.check(nr, r, ""));
    }
}
