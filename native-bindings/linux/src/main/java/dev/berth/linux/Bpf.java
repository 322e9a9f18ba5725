package dev.berth.linux;

import java.util.List;
import java.util.Optional;

/** {@code bpf(2)}, as far as cgroup device programs need it. */
public interface Bpf {
    /** BPF_PROG_LOAD of type BPF_PROG_TYPE_CGROUP_DEVICE; {@code instructions} are 8 bytes each. The failure's detail carries the verifier's log. */
    OwnedFd loadDeviceProgram(String name, byte[] instructions) throws ErrnoException;

    /** BPF_PROG_ATTACH, BPF_CGROUP_DEVICE with BPF_F_ALLOW_MULTI, or BPF_F_REPLACE of {@code replaced}. */
    void attachDeviceProgram(Fd cgroup, Fd program, Optional<Fd> replaced) throws ErrnoException;

    void detachDeviceProgram(Fd cgroup, Fd program) throws ErrnoException;

    /** BPF_PROG_QUERY: ids of the device programs attached to this cgroup itself. */
    List<Integer> deviceProgramIds(Fd cgroup) throws ErrnoException;

    /** BPF_PROG_GET_FD_BY_ID; empty when the program is gone. */
    Optional<OwnedFd> programById(int id) throws ErrnoException;

    /** Id of a loaded program (BPF_OBJ_GET_INFO_BY_FD). */
    int programId(Fd program) throws ErrnoException;

    /** The kernel's digest of a loaded program's instructions (BPF_OBJ_GET_INFO_BY_FD): equal instructions, equal tag. */
    long programTag(Fd program) throws ErrnoException;
}
