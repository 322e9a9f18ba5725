package dev.berth.linux;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** AF_UNIX sockets that keep packet boundaries (SOCK_SEQPACKET) and carry descriptors (SCM_RIGHTS): what Netty does not have. */
public interface Sockets {
    /** {@code socketpair(2)}, SOCK_SEQPACKET | SOCK_CLOEXEC; non-blocking when asked. */
    OwnedFd[] seqpacketPair(boolean nonBlocking) throws ErrnoException;

    /** Connects to a SOCK_SEQPACKET socket at {@code name} in {@code directory} (through {@code /proc/self/fd}, so long paths work); empty for ENOENT and ECONNREFUSED. */
    Optional<OwnedFd> seqpacketConnect(Fd directory, String name) throws ErrnoException;

    /** {@code sendmsg(2)} with MSG_NOSIGNAL: one packet with up to 253 descriptors; false when it would block. */
    boolean send(Fd socket, MemorySegment packet, List<? extends Fd> descriptors)
            throws ErrnoException;

    /** {@code recvmsg(2)} with MSG_CMSG_CLOEXEC. A truncated packet or descriptor list closes all received descriptors and fails with EMSGSIZE. */
    Received receive(Fd socket, MemorySegment target) throws ErrnoException;

    /** One received packet: {@code length} is -1 when it would block and 0 when the peer has closed. The caller owns the descriptors. */
    record Received(int length, List<OwnedFd> descriptors) {}
}
