package dev.berth.isolator.cgroup2;

import dev.berth.linux.Bpf;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Programs and attachments in memory; a program's descriptor is an eventfd. Cgroups are told apart by the inode behind their descriptor. */
public final class FakeBpf implements Bpf {
    private final Map<Integer, Integer> idByDescriptor = new HashMap<>();
    private final Map<Integer, byte[]> programs = new HashMap<>();
    private final Map<Long, List<Integer>> attached = new HashMap<>();
    private int lastId = 100;
    public boolean refuse;

    private static long cgroup(Fd fd) throws ErrnoException {
        return Linux.host().files().statx(fd, "", 0x1000).orElseThrow().inode();
    }

    private List<Integer> at(Fd cgroup) throws ErrnoException {
        return attached.computeIfAbsent(cgroup(cgroup), _ -> new ArrayList<>());
    }

    private int id(Fd program) throws ErrnoException {
        Integer id = idByDescriptor.get(program.number());
        if (id == null) {
            throw new ErrnoException("bpf", Errno.EBADF, "program");
        }
        return id;
    }

    public byte[] program(int id) {
        return programs.getOrDefault(id, new byte[0]);
    }

    @Override
    public OwnedFd loadDeviceProgram(String name, byte[] instructions) throws ErrnoException {
        if (refuse) {
            throw new ErrnoException("bpf", Errno.EPERM, "BPF_PROG_LOAD " + name);
        }
        OwnedFd fd = Linux.host().files().eventfd();
        programs.put(++lastId, instructions);
        idByDescriptor.put(fd.number(), lastId);
        return fd;
    }

    @Override
    public void attachDeviceProgram(Fd cgroup, Fd program, Optional<Fd> replaced)
            throws ErrnoException {
        List<Integer> here = at(cgroup);
        if (replaced.isPresent()) {
            int index = here.indexOf(id(replaced.get()));
            if (index < 0) {
                throw new ErrnoException("bpf", Errno.ENOENT, "BPF_F_REPLACE");
            }
            here.set(index, id(program));
        } else {
            here.add(id(program));
        }
    }

    @Override
    public void detachDeviceProgram(Fd cgroup, Fd program) throws ErrnoException {
        at(cgroup).remove((Integer) id(program));
    }

    @Override
    public List<Integer> deviceProgramIds(Fd cgroup) throws ErrnoException {
        return List.copyOf(at(cgroup));
    }

    @Override
    public Optional<OwnedFd> programById(int id) throws ErrnoException {
        if (!programs.containsKey(id)) {
            return Optional.empty();
        }
        OwnedFd fd = Linux.host().files().eventfd();
        idByDescriptor.put(fd.number(), id);
        return Optional.of(fd);
    }

    @Override
    public int programId(Fd program) throws ErrnoException {
        return id(program);
    }

    @Override
    public long programTag(Fd program) throws ErrnoException {
        return Arrays.hashCode(program(id(program)));
    }
}
