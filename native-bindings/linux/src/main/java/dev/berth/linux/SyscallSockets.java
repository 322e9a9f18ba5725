package dev.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@link Sockets} by system calls. */
final class SyscallSockets implements Sockets {
    static final SyscallSockets INSTANCE = new SyscallSockets();

    /** SCM_MAX_FD: what the kernel lets one packet carry. */
    static final int MAX_DESCRIPTORS = 253;

    private static final int CONTROL_BYTES = space(MAX_DESCRIPTORS);
    private static final int TYPE = Abi.SOCK_SEQPACKET | Abi.SOCK_CLOEXEC;

    private SyscallSockets() {}

    /** CMSG_SPACE of a number of descriptors. */
    private static int space(int descriptors) {
        return Abi.cmsghdr.sizeof + ((4 * descriptors + 7) & ~7);
    }

    @Override
    public OwnedFd[] seqpacketPair(boolean nonBlocking) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.socketpair;
        try (Scratch s = Scratch.open()) {
            MemorySegment pair = s.struct(8);
            int type = nonBlocking ? TYPE | Abi.SOCK_NONBLOCK : TYPE;
            long r = Syscall.call(nr, Abi.AF_UNIX, type, 0, pair.address());
            Syscall.check(nr, r, "AF_UNIX, SOCK_SEQPACKET");
            return Descriptors.pair(pair);
        }
    }

    @Override
    public Optional<OwnedFd> seqpacketConnect(Fd directory, String name) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.connect;
        byte[] path = PathBytes.encode(SyscallFiles.below(directory, name));
        int room = Abi.sockaddr_un.sizeof - Abi.sockaddr_un.sun_path$offset - 1;
        if (path.length > room) {
            throw new ErrnoException(nr.name(), Errno.ENAMETOOLONG, name);
        }
        SyscallNumber socket = SyscallNumber.socket;
        long fd = Syscall.call(socket, Abi.AF_UNIX, TYPE, 0);
        OwnedFd connecting = new OwnedFd((int) Syscall.check(socket, fd, "AF_UNIX"));
        boolean connected = false;
        try (Scratch s = Scratch.open()) {
            MemorySegment address = s.struct(Abi.sockaddr_un.sizeof);
            address.set(
                    ValueLayout.JAVA_SHORT, Abi.sockaddr_un.sun_family$offset, (short) Abi.AF_UNIX);
            MemorySegment.copy(
                    path,
                    0,
                    address,
                    ValueLayout.JAVA_BYTE,
                    Abi.sockaddr_un.sun_path$offset,
                    path.length);
            long r = Syscall.call(nr, fd, address.address(), Abi.sockaddr_un.sizeof);
            if (Syscall.is(r, Errno.ENOENT) || Syscall.is(r, Errno.ECONNREFUSED)) {
                return Optional.empty();
            }
            Syscall.check(nr, r, name);
            connected = true;
            return Optional.of(connecting);
        } finally {
            if (!connected) {
                connecting.close();
            }
        }
    }

    @Override
    public boolean send(Fd socket, MemorySegment packet, List<? extends Fd> descriptors)
            throws ErrnoException {
        SyscallNumber nr = SyscallNumber.sendmsg;
        int count = descriptors.size();
        if (count > MAX_DESCRIPTORS) {
            throw new IllegalArgumentException(
                    count + " descriptors in one packet, at most " + MAX_DESCRIPTORS);
        }
        try (Scratch s = Scratch.open()) {
            MemorySegment message = message(s, packet);
            if (count > 0) {
                int space = space(count);
                MemorySegment control = s.struct(space);
                control.set(
                        ValueLayout.JAVA_LONG,
                        Abi.cmsghdr.cmsg_len$offset,
                        Abi.cmsghdr.sizeof + 4L * count);
                control.set(ValueLayout.JAVA_INT, Abi.cmsghdr.cmsg_level$offset, Abi.SOL_SOCKET);
                control.set(ValueLayout.JAVA_INT, Abi.cmsghdr.cmsg_type$offset, Abi.SCM_RIGHTS);
                for (int i = 0; i < count; i++) {
                    int fd = descriptors.get(i).number();
                    control.set(ValueLayout.JAVA_INT, Abi.cmsghdr.sizeof + 4L * i, fd);
                }
                setControl(message, control.address(), space);
            }
            long r = Syscall.call(nr, socket.number(), message.address(), Abi.MSG_NOSIGNAL);
            if (Syscall.is(r, Errno.EAGAIN)) {
                return false;
            }
            if (r < 0) {
                throw Syscall.failure(
                        nr, r, packet.byteSize() + " bytes, " + count + " descriptors");
            }
            return true;
        } finally {
            // SAFETY: keep the caller's memory and descriptors until the kernel has taken them.
            Reference.reachabilityFence(packet);
            Reference.reachabilityFence(descriptors);
        }
    }

    @Override
    public Received receive(Fd socket, MemorySegment target) throws ErrnoException {
        return receive(socket, target, CONTROL_BYTES);
    }

    /** With less room than a full list needs, which only a test asks for. */
    Received receive(Fd socket, MemorySegment target, int controlBytes) throws ErrnoException {
        if (target.isReadOnly()) {
            throw new IllegalArgumentException("cannot read into a read-only segment: " + target);
        }
        SyscallNumber nr = SyscallNumber.recvmsg;
        try (Scratch s = Scratch.open()) {
            MemorySegment message = message(s, target);
            MemorySegment control = s.struct(controlBytes);
            setControl(message, control.address(), controlBytes);
            long r = Syscall.call(nr, socket.number(), message.address(), Abi.MSG_CMSG_CLOEXEC);
            if (Syscall.is(r, Errno.EAGAIN)) {
                return new Received(-1, List.of());
            }
            Syscall.check(nr, r, "");
            long length = message.get(ValueLayout.JAVA_LONG, Abi.msghdr.msg_controllen$offset);
            List<OwnedFd> descriptors = rights(control.asSlice(0, length));
            int flags = message.get(ValueLayout.JAVA_INT, Abi.msghdr.msg_flags$offset);
            if ((flags & (Abi.MSG_CTRUNC | Abi.MSG_TRUNC)) != 0) {
                descriptors.forEach(OwnedFd::close);
                String what = (flags & Abi.MSG_TRUNC) != 0 ? "packet" : "descriptor list";
                throw new ErrnoException(
                        nr.name(),
                        Errno.EMSGSIZE,
                        what
                                + " was cut off at "
                                + target.byteSize()
                                + " bytes, "
                                + descriptors.size()
                                + " descriptors");
            }
            return new Received((int) r, descriptors);
        } finally {
            // SAFETY: as in send.
            Reference.reachabilityFence(target);
        }
    }

    private static MemorySegment message(Scratch s, MemorySegment data) {
        MemorySegment iovec = s.struct(Abi.iovec.sizeof);
        iovec.set(ValueLayout.JAVA_LONG, Abi.iovec.iov_base$offset, Scratch.address(data));
        iovec.set(ValueLayout.JAVA_LONG, Abi.iovec.iov_len$offset, data.byteSize());
        MemorySegment message = s.struct(Abi.msghdr.sizeof);
        message.set(ValueLayout.JAVA_LONG, Abi.msghdr.msg_iov$offset, iovec.address());
        message.set(ValueLayout.JAVA_LONG, Abi.msghdr.msg_iovlen$offset, 1);
        return message;
    }

    private static void setControl(MemorySegment message, long address, long size) {
        message.set(ValueLayout.JAVA_LONG, Abi.msghdr.msg_control$offset, address);
        message.set(ValueLayout.JAVA_LONG, Abi.msghdr.msg_controllen$offset, size);
    }

    /** Every descriptor in the control messages; the list is complete even when the packet was not, so that all can be closed. */
    private static List<OwnedFd> rights(MemorySegment control) {
        if (control.byteSize() == 0) {
            return List.of();
        }
        List<OwnedFd> found = new ArrayList<>();
        long at = 0;
        while (at + Abi.cmsghdr.sizeof <= control.byteSize()) {
            long length = control.get(ValueLayout.JAVA_LONG, at + Abi.cmsghdr.cmsg_len$offset);
            if (length < Abi.cmsghdr.sizeof) {
                break;
            }
            int level = control.get(ValueLayout.JAVA_INT, at + Abi.cmsghdr.cmsg_level$offset);
            int type = control.get(ValueLayout.JAVA_INT, at + Abi.cmsghdr.cmsg_type$offset);
            long end = Math.min(at + length, control.byteSize());
            if (level == Abi.SOL_SOCKET && type == Abi.SCM_RIGHTS) {
                for (long fd = at + Abi.cmsghdr.sizeof; fd + 4 <= end; fd += 4) {
                    found.add(new OwnedFd(control.get(ValueLayout.JAVA_INT, fd)));
                }
            }
            at += (length + 7) & ~7L;
        }
        return List.copyOf(found);
    }
}
