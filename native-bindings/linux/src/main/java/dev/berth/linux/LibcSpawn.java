package dev.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code posix_spawn(3)}: the C library's clone(CLONE_VM | CLONE_VFORK) on a stack of its own with all signals blocked, which is safe in a process with many threads and costs the
 * same whatever the heap's size. Needs glibc 2.34 ({@code addclosefrom_np}).
 */
final class LibcSpawn {
    private static final MethodHandle posix_spawn$mh = Syscall.handle("posix_spawn");
    private static final MethodHandle attr_init$mh = Syscall.handle("posix_spawnattr_init");
    private static final MethodHandle attr_setflags$mh = Syscall.handle("posix_spawnattr_setflags");
    private static final MethodHandle attr_setsigmask$mh =
            Syscall.handle("posix_spawnattr_setsigmask");
    private static final MethodHandle attr_setsigdefault$mh =
            Syscall.handle("posix_spawnattr_setsigdefault");
    private static final MethodHandle attr_destroy$mh = Syscall.handle("posix_spawnattr_destroy");
    private static final MethodHandle actions_init$mh =
            Syscall.handle("posix_spawn_file_actions_init");
    private static final MethodHandle actions_adddup2$mh =
            Syscall.handle("posix_spawn_file_actions_adddup2");
    private static final MethodHandle actions_addclose$mh =
            Syscall.handle("posix_spawn_file_actions_addclose");
    private static final MethodHandle actions_addclosefrom$mh =
            Syscall.handle("posix_spawn_file_actions_addclosefrom_np");
    private static final MethodHandle actions_addchdir$mh =
            Syscall.handle("posix_spawn_file_actions_addchdir_np");
    private static final MethodHandle actions_destroy$mh =
            Syscall.handle("posix_spawn_file_actions_destroy");
    private static final int FLAGS =
            Abi.POSIX_SPAWN_SETSIGDEF | Abi.POSIX_SPAWN_SETSIGMASK | Abi.POSIX_SPAWN_SETSID;

    private LibcSpawn() {}

    static int spawn(String path, List<String> argv, List<String> env, List<Fd> descriptors)
            throws ErrnoException {
        if (!path.startsWith("/")) {
            throw new ErrnoException("posix_spawn", Errno.EINVAL, path + ": not an absolute path");
        }
        return spawn(path, -1, argv, env, descriptors);
    }

    static int spawn(Fd executable, List<String> argv, List<String> env, List<Fd> descriptors)
            throws ErrnoException {
        // Close-on-exec, and above the child's descriptors: it is open in the child until execve
        // has used it, and gone in the program.
        try (OwnedFd program = duplicateAbove(executable, descriptors.size())) {
            String path = "/proc/self/fd/" + program.number();
            return spawn(path, program.number(), argv, env, descriptors);
        }
    }

    private static OwnedFd duplicateAbove(Fd fd, int lowest) throws ErrnoException {
        return new OwnedFd((int) Descriptors.fcntl(fd, Abi.F_DUPFD_CLOEXEC, lowest));
    }

    private static int spawn(
            String path, int keep, List<String> argv, List<String> env, List<Fd> descriptors)
            throws ErrnoException {
        // Copies above the target numbers, so that no dup2 overwrites a descriptor that a later
        // one still needs.
        List<OwnedFd> sources = new ArrayList<>();
        try (Scratch s = Scratch.open()) {
            for (Fd fd : descriptors) {
                sources.add(duplicateAbove(fd, descriptors.size()));
            }
            MemorySegment attributes = s.struct(Abi.posix_spawnattr_t.sizeof);
            MemorySegment actions = s.struct(Abi.posix_spawn_file_actions_t.sizeof);
            libc(attr_init$mh, "posix_spawnattr_init", attributes.address(), 0, 0);
            libc(actions_init$mh, "posix_spawn_file_actions_init", actions.address(), 0, 0);
            try {
                setSignals(s, attributes.address());
                addActions(s, actions.address(), sources, keep);
                MemorySegment pid = s.struct(8);
                long argvAddress = strings(s, argv);
                long envAddress = strings(s, env);
                long error =
                        invoke(
                                posix_spawn$mh,
                                pid.address(),
                                s.cString(SyscallNumber.execve, path),
                                actions.address(),
                                attributes.address(),
                                argvAddress,
                                envAddress);
                if (error != 0) {
                    String name = keep < 0 || argv.isEmpty() ? path : argv.getFirst();
                    throw new ErrnoException("posix_spawn", Errno.of((int) error), name);
                }
                return pid.get(ValueLayout.JAVA_INT, 0);
            } finally {
                long _ = invoke(actions_destroy$mh, actions.address(), 0, 0, 0, 0, 0);
                long _ = invoke(attr_destroy$mh, attributes.address(), 0, 0, 0, 0, 0);
            }
        } finally {
            sources.forEach(OwnedFd::close);
        }
    }

    /** A JVM ignores or handles signals and its threads block some: a program must start with none of that. */
    private static void setSignals(Scratch s, long attributes) throws ErrnoException {
        MemorySegment none = s.struct(Abi.sigset_t.sizeof);
        MemorySegment all = s.bytes(Abi.sigset_t.sizeof).fill((byte) 0xff);
        libc(attr_setsigmask$mh, "posix_spawnattr_setsigmask", attributes, none.address(), 0);
        libc(attr_setsigdefault$mh, "posix_spawnattr_setsigdefault", attributes, all.address(), 0);
        libc(attr_setflags$mh, "posix_spawnattr_setflags", attributes, FLAGS, 0);
    }

    private static void addActions(Scratch s, long actions, List<OwnedFd> sources, int keep)
            throws ErrnoException {
        int count = sources.size();
        for (int i = 0; i < count; i++) {
            int from = sources.get(i).number();
            libc(actions_adddup2$mh, "posix_spawn_file_actions_adddup2", actions, from, i);
        }
        // The one descriptor that must survive until execve splits the range to close in two;
        // closing a number that is not open is no error here.
        for (int fd = count; fd < keep; fd++) {
            libc(actions_addclose$mh, "posix_spawn_file_actions_addclose", actions, fd, 0);
        }
        int from = Math.max(count, keep + 1);
        libc(actions_addclosefrom$mh, "posix_spawn_file_actions_addclosefrom_np", actions, from, 0);
        long root = s.cString(SyscallNumber.chdir, "/");
        libc(actions_addchdir$mh, "posix_spawn_file_actions_addchdir_np", actions, root, 0);
    }

    private static long strings(Scratch s, List<String> strings) throws ErrnoException {
        MemorySegment array = s.struct(8L * (strings.size() + 1));
        for (int i = 0; i < strings.size(); i++) {
            long text = s.cString(SyscallNumber.execve, strings.get(i));
            array.set(ValueLayout.JAVA_LONG, 8L * i, text);
        }
        return array.address();
    }

    private static void libc(MethodHandle function, String name, long a, long b, long c)
            throws ErrnoException {
        long error = invoke(function, a, b, c, 0, 0, 0);
        if (error != 0) {
            throw new ErrnoException(name, Errno.of((int) error), b + ", " + c);
        }
    }

    /** These return an int, an error number and not errno. */
    private static long invoke(
            MethodHandle function, long a, long b, long c, long d, long e, long f) {
        try {
            // SAFETY: all parameters are integers or pointers, passed in the integer registers of
            // both ABIs; the arguments beyond the function's own are not looked at. Pointers are
            // the caller's scratch memory, alive until the spawn is done.
            return (int) (long) function.invokeExact(Scratch.capture(), a, b, c, d, e, f, 0L);
        } catch (Throwable t) {
            throw new AssertionError("C library downcall", t);
        }
    }
}
