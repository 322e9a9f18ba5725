package dev.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@link Bpf} by {@code bpf(2)}. */
final class SyscallBpf implements Bpf {
    static final SyscallBpf INSTANCE = new SyscallBpf();
    private static final int LOG_BYTES = 256 * 1024;
    private static final int LOG_TAIL = 2000;

    /** BPF_CGROUP_MAX_PROGS is 64 for one cgroup itself. */
    private static final int MAX_PROGRAMS = 64;

    private SyscallBpf() {}

    private static long bpf(int command, MemorySegment attr) {
        return Syscall.call(SyscallNumber.bpf, command, attr.address(), attr.byteSize());
    }

    @Override
    public OwnedFd loadDeviceProgram(String name, byte[] instructions) throws ErrnoException {
        if (instructions.length == 0 || instructions.length % 8 != 0) {
            throw new IllegalArgumentException(
                    instructions.length + " bytes are not a number of 8-byte instructions");
        }
        try (Scratch s = Scratch.open()) {
            MemorySegment attr = s.struct(Abi.bpf_attr.sizeof);
            attr.set(
                    ValueLayout.JAVA_INT,
                    Abi.bpf_attr.prog_type$offset,
                    Abi.BPF_PROG_TYPE_CGROUP_DEVICE);
            attr.set(ValueLayout.JAVA_INT, Abi.bpf_attr.insn_cnt$offset, instructions.length / 8);
            attr.set(ValueLayout.JAVA_LONG, Abi.bpf_attr.insns$offset, s.copy(instructions));
            long license = s.cString(SyscallNumber.bpf, "Apache-2.0");
            attr.set(ValueLayout.JAVA_LONG, Abi.bpf_attr.license$offset, license);
            attr.set(
                    ValueLayout.JAVA_INT,
                    Abi.bpf_attr.expected_attach_type$offset,
                    Abi.BPF_CGROUP_DEVICE);
            byte[] label = programName(name);
            MemorySegment.copy(
                    label,
                    0,
                    attr,
                    ValueLayout.JAVA_BYTE,
                    Abi.bpf_attr.prog_name$offset,
                    label.length);
            long r = bpf(Abi.BPF_PROG_LOAD, attr);
            return r >= 0 ? new OwnedFd((int) r) : loadWithLog(s, attr, name);
        }
    }

    /** The log costs time and memory, so it is asked for only when a load has failed without it. */
    private static OwnedFd loadWithLog(Scratch s, MemorySegment attr, String name)
            throws ErrnoException {
        MemorySegment log = s.bytes(LOG_BYTES);
        log.set(ValueLayout.JAVA_BYTE, 0, (byte) 0);
        attr.set(ValueLayout.JAVA_INT, Abi.bpf_attr.log_level$offset, 1);
        attr.set(ValueLayout.JAVA_INT, Abi.bpf_attr.log_size$offset, LOG_BYTES);
        attr.set(ValueLayout.JAVA_LONG, Abi.bpf_attr.log_buf$offset, log.address());
        long r = bpf(Abi.BPF_PROG_LOAD, attr);
        if (r >= 0) {
            return new OwnedFd((int) r);
        }
        log.set(ValueLayout.JAVA_BYTE, LOG_BYTES - 1L, (byte) 0);
        String text = log.getString(0, StandardCharsets.US_ASCII).strip();
        String tail = text.substring(Math.max(0, text.length() - LOG_TAIL));
        throw Syscall.failure(
                SyscallNumber.bpf,
                r,
                "PROG_LOAD " + name + (tail.isEmpty() ? "" : ", verifier: " + tail));
    }

    /** The kernel takes 15 characters of {@code [A-Za-z0-9_.]}. */
    private static byte[] programName(String name) {
        String allowed = name.replaceAll("[^A-Za-z0-9_.]", "_");
        return allowed.substring(0, Math.min(allowed.length(), Abi.BPF_OBJ_NAME_LEN - 1))
                .getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public void attachDeviceProgram(Fd cgroup, Fd program, Optional<Fd> replaced)
            throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            MemorySegment attr = attachment(s, cgroup, program);
            int flags = Abi.BPF_F_ALLOW_MULTI;
            if (replaced.isPresent()) {
                flags |= Abi.BPF_F_REPLACE;
                int fd = replaced.get().number();
                attr.set(ValueLayout.JAVA_INT, Abi.bpf_attr.replace_bpf_fd$offset, fd);
            }
            attr.set(ValueLayout.JAVA_INT, Abi.bpf_attr.attach_flags$offset, flags);
            Syscall.check(
                    SyscallNumber.bpf,
                    bpf(Abi.BPF_PROG_ATTACH, attr),
                    replaced.isPresent()
                            ? "PROG_ATTACH device program, replacing"
                            : "PROG_ATTACH device program");
        }
    }

    @Override
    public void detachDeviceProgram(Fd cgroup, Fd program) throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            long r = bpf(Abi.BPF_PROG_DETACH, attachment(s, cgroup, program));
            Syscall.check(SyscallNumber.bpf, r, "PROG_DETACH device program");
        }
    }

    private static MemorySegment attachment(Scratch s, Fd cgroup, Fd program) {
        MemorySegment attr = s.struct(Abi.bpf_attr.sizeof);
        attr.set(ValueLayout.JAVA_INT, Abi.bpf_attr.target_fd$offset, cgroup.number());
        attr.set(ValueLayout.JAVA_INT, Abi.bpf_attr.attach_bpf_fd$offset, program.number());
        attr.set(ValueLayout.JAVA_INT, Abi.bpf_attr.attach_type$offset, Abi.BPF_CGROUP_DEVICE);
        return attr;
    }

    @Override
    public List<Integer> deviceProgramIds(Fd cgroup) throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            MemorySegment ids = s.struct(4L * MAX_PROGRAMS);
            MemorySegment attr = s.struct(Abi.bpf_attr.sizeof);
            attr.set(ValueLayout.JAVA_INT, Abi.bpf_attr.query$target_fd$offset, cgroup.number());
            attr.set(
                    ValueLayout.JAVA_INT,
                    Abi.bpf_attr.query$attach_type$offset,
                    Abi.BPF_CGROUP_DEVICE);
            attr.set(ValueLayout.JAVA_LONG, Abi.bpf_attr.query$prog_ids$offset, ids.address());
            attr.set(ValueLayout.JAVA_INT, Abi.bpf_attr.query$prog_cnt$offset, MAX_PROGRAMS);
            long r = bpf(Abi.BPF_PROG_QUERY, attr);
            Syscall.check(SyscallNumber.bpf, r, "PROG_QUERY device programs");
            int count = attr.get(ValueLayout.JAVA_INT, Abi.bpf_attr.query$prog_cnt$offset);
            List<Integer> found = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                found.add(ids.get(ValueLayout.JAVA_INT, 4L * i));
            }
            return List.copyOf(found);
        }
    }

    @Override
    public Optional<OwnedFd> programById(int id) throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            MemorySegment attr = s.struct(Abi.bpf_attr.sizeof);
            attr.set(ValueLayout.JAVA_INT, Abi.bpf_attr.prog_id$offset, id);
            long r = bpf(Abi.BPF_PROG_GET_FD_BY_ID, attr);
            if (Syscall.is(r, Errno.ENOENT)) {
                return Optional.empty();
            }
            if (r < 0) {
                throw Syscall.failure(SyscallNumber.bpf, r, "PROG_GET_FD_BY_ID " + id);
            }
            return Optional.of(new OwnedFd((int) r));
        }
    }

    @Override
    public int programId(Fd program) throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            return info(s, program).get(ValueLayout.JAVA_INT, Abi.bpf_prog_info.id$offset);
        }
    }

    @Override
    public long programTag(Fd program) throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            return info(s, program).get(ValueLayout.JAVA_LONG, Abi.bpf_prog_info.tag$offset);
        }
    }

    private static MemorySegment info(Scratch s, Fd program) throws ErrnoException {
        MemorySegment info = s.struct(Abi.bpf_prog_info.sizeof);
        MemorySegment attr = s.struct(Abi.bpf_attr.sizeof);
        attr.set(ValueLayout.JAVA_INT, Abi.bpf_attr.info$bpf_fd$offset, program.number());
        attr.set(ValueLayout.JAVA_INT, Abi.bpf_attr.info$info_len$offset, Abi.bpf_prog_info.sizeof);
        attr.set(ValueLayout.JAVA_LONG, Abi.bpf_attr.info$info$offset, info.address());
        long r = bpf(Abi.BPF_OBJ_GET_INFO_BY_FD, attr);
        Syscall.check(SyscallNumber.bpf, r, "OBJ_GET_INFO_BY_FD");
        return info;
    }
}
