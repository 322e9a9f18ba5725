package dev.berth.containerizer.launch;

import dev.berth.isolator.Capability;
import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.SafePath;
import dev.berth.linux.Errno;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What the process is: limits, user, capabilities, filter, working directory, program. Thread: one. */
final class ProcessLowering {
    private static final String DEFAULT_PATH =
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /** Two ops for each entry of PATH, and a jump over one of the two lists must fit in a byte. */
    private static final int MAX_CANDIDATES = 120;

    private static final int AFFINITY_WORDS = 128;

    private final ProgramBuilder builder;
    private final LaunchPlan plan;
    private final FilesystemLowering filesystems;

    /** What the user's own attempt to change the directory needs; empty when root's cannot fail that way. */
    private Optional<Retry> retry = Optional.empty();

    private Optional<LaunchOp.CapabilitySets> lateCapabilities = Optional.empty();

    private record Retry(SafePath path, int result) {}

    ProcessLowering(ProgramBuilder builder, LaunchPlan plan, FilesystemLowering filesystems) {
        this.builder = builder;
        this.plan = plan;
        this.filesystems = filesystems;
    }

    void oomScoreAdj(LaunchOp.SetOomScoreAdj op) {
        int file = builder.register();
        // The spawner's own /proc: the container's is not in sight yet.
        builder.call(Call.OPENAT, "/proc/self/oom_score_adj")
                .imm(Uapi.AT_FDCWD)
                .text("/proc/self/oom_score_adj")
                .imm(Uapi.O_WRONLY | Uapi.O_CLOEXEC)
                .out(file);
        PathLowering.write(
                builder, file, Integer.toString(op.value()), "oom_score_adj=" + op.value());
        builder.free(file);
    }

    void keyring(LaunchOp.JoinKeyring op) {
        builder.call(Call.KEYCTL, "join session keyring " + op.name())
                .imm(Uapi.KEYCTL_JOIN_SESSION_KEYRING)
                .text(op.name())
                .ignore(Errno.ENOSYS, Errno.EPERM, Errno.EDQUOT);
    }

    void name(Call call, String name) {
        builder.call(call, name).text(name).imm(name.getBytes(StandardCharsets.UTF_8).length);
    }

    void rlimit(LaunchOp.SetRlimit op) {
        ProgramBuilder.Step step =
                builder.call(Call.PRLIMIT64, op.name() + "=" + op.soft() + ":" + op.hard())
                        .imm(0)
                        .imm(op.resource())
                        .data(builder.data().words64(op.soft(), op.hard()))
                        .imm(0);
        if (!op.required()) {
            step.ignore(Errno.EPERM);
        }
    }

    void affinity() {
        long[] all = new long[AFFINITY_WORDS];
        Arrays.fill(all, -1L);
        // The kernel cuts the mask to what there is and to what the cpuset allows.
        builder.call(Call.SCHED_SETAFFINITY, "all")
                .imm(0)
                .imm(8L * AFFINITY_WORDS)
                .data(builder.data().words64(all));
    }

    void changeDirectory(LaunchOp.ChangeDirectory op) {
        PathLowering paths = filesystems.paths();
        ProgramBuilder.Mark opened = builder.mark();
        ProgramBuilder.Mark end = builder.mark();
        int directory = builder.register();
        int result = builder.freshRegister();
        paths.openOrMakeDirectory(op.path(), op.create(), directory, opened, end);
        builder.here(opened);
        builder.call(Call.FCHDIR, op.path().value())
                .register(directory)
                .out(result)
                .ignore(Errno.EACCES);
        builder.here(end);
        builder.free(directory);
        retry = Optional.of(new Retry(op.path(), result));
    }

    /** Root on a network or FUSE file system may be nobody: what it could not enter is tried again as the user, whose error then counts. */
    private void retryDirectory(Retry again) {
        ProgramBuilder.Mark end = builder.mark();
        int directory = builder.register();
        // Descriptor 0 is always open: the result of the first attempt, 0 or still -1, decides.
        builder.call(Call.FCNTL, "is the working directory set?")
                .register(again.result())
                .imm(Uapi.F_GETFD)
                .skipOnSuccess(end)
                .ignore(Errno.EBADF);
        filesystems.paths().openDirectoryAgain(again.path(), directory);
        builder.call(Call.FCHDIR, again.path().value()).register(directory);
        builder.here(end);
        builder.free(directory);
        builder.free(again.result());
    }

    void credentials(LaunchOp.SetCredentials op) {
        LaunchOp.CapabilitySets sets = op.capabilities();
        boolean filter =
                plan.ops().stream().anyMatch(o -> o.op() instanceof LaunchOp.InstallSeccomp);
        // Without no_new_privs a filter needs CAP_SYS_ADMIN, which therefore goes last.
        boolean late =
                filter && !op.noNewPrivileges() && !has(sets.effective(), Uapi.CAP_SYS_ADMIN);
        dropBounding(sets.bounding());
        long admin = late ? 1L << Uapi.CAP_SYS_ADMIN : 0;
        if (op.uid() != 0 && (sets.permitted() | admin) != 0) {
            builder.call(Call.PRCTL_, "keep capabilities").imm(Uapi.PR_SET_KEEPCAPS).imm(1);
        }
        int[] groups = op.groups().stream().mapToInt(Integer::intValue).toArray();
        builder.call(Call.SETGROUPS, op.groups().toString())
                .imm(groups.length)
                .data(builder.data().words32(groups.length == 0 ? new int[1] : groups));
        long gid = Integer.toUnsignedLong(op.gid());
        long uid = Integer.toUnsignedLong(op.uid());
        builder.call(Call.SETRESGID, Long.toString(gid)).imm(gid).imm(gid).imm(gid);
        builder.call(Call.SETRESUID, Long.toString(uid)).imm(uid).imm(uid).imm(uid);
        retry.ifPresent(this::retryDirectory);
        capset(
                new LaunchOp.CapabilitySets(
                        sets.bounding(),
                        sets.permitted() | admin,
                        sets.effective() | admin,
                        sets.inheritable(),
                        sets.ambient()));
        for (int cap = 0; cap <= Uapi.CAP_LAST_KNOWN; cap++) {
            if (has(sets.ambient(), cap)) {
                builder.call(Call.PRCTL_, "ambient " + Capability.nameOf(cap))
                        .imm(Uapi.PR_CAP_AMBIENT)
                        .imm(Uapi.PR_CAP_AMBIENT_RAISE)
                        .imm(cap);
            }
        }
        if (op.noNewPrivileges()) {
            builder.call(Call.PRCTL_, "no_new_privs").imm(Uapi.PR_SET_NO_NEW_PRIVS).imm(1);
        }
        lateCapabilities = late ? Optional.of(sets) : Optional.empty();
    }

    private static boolean has(long set, int capability) {
        return (set >>> capability & 1) != 0;
    }

    private void dropBounding(long bounding) {
        for (int cap = 0; cap <= Uapi.CAP_LAST_KNOWN; cap++) {
            if (!has(bounding, cap)) {
                builder.call(Call.PRCTL_, "drop " + Capability.nameOf(cap))
                        .imm(Uapi.PR_CAPBSET_DROP)
                        .imm(cap);
            }
        }
        // A newer kernel's: the first that does not exist ends the row.
        ProgramBuilder.Mark end = builder.mark();
        for (int cap = Uapi.CAP_LAST_KNOWN + 1; cap < Long.SIZE; cap++) {
            if (!has(bounding, cap)) {
                builder.call(Call.PRCTL_, "drop a newer kernel's capability")
                        .imm(Uapi.PR_CAPBSET_DROP)
                        .imm(cap)
                        .skip(Errno.EINVAL, end);
            }
        }
        builder.here(end);
    }

    private void capset(LaunchOp.CapabilitySets sets) {
        int header = builder.data().words32(Uapi.CAPABILITY_VERSION_3, 0);
        int content =
                builder.data()
                        .words32(
                                (int) sets.effective(),
                                (int) sets.permitted(),
                                (int) sets.inheritable(),
                                (int) (sets.effective() >>> 32),
                                (int) (sets.permitted() >>> 32),
                                (int) (sets.inheritable() >>> 32));
        builder.call(Call.CAPSET, "permitted " + Long.toHexString(sets.permitted()))
                .data(header)
                .data(content);
    }

    void seccomp(LaunchOp.InstallSeccomp op) {
        if (op.filter().length == 0 || op.filter().length % 8 != 0) {
            throw new IllegalArgumentException(
                    "seccomp filter of " + op.filter().length + " bytes");
        }
        builder.call(Call.SECCOMP, op.filter().length / 8 + " instructions")
                .imm(Uapi.SECCOMP_SET_MODE_FILTER)
                .imm(op.flags())
                .data(builder.data().filterProgram(op.filter()));
        lateCapabilities.ifPresent(this::capset);
    }

    void exec(LaunchOp.Exec op) {
        List<String> env = environment(op.env());
        int argv = builder.data().stringArray(op.argv());
        int envp = builder.data().stringArray(env);
        if (op.init()) {
            builder.special(ProgramOp.INIT, "init");
        }
        String program = op.argv().getFirst();
        if (program.contains("/")) {
            execve(program, argv, envp);
        } else {
            search(program, candidates(program, env), argv, envp);
        }
    }

    private ProgramBuilder.Step execve(String path, int argv, int envp) {
        return builder.call(Call.EXECVE, path).text(path).data(argv).data(envp);
    }

    /**
     * As {@code execvp(3)}: tries them in order; if none can be executed, the error is EACCES when one was there but not executable, else ENOENT. Two lists make that decision without a variable: the first runs while all
     * were missing, the second once one was denied.
     */
    private void search(String program, List<String> paths, int argv, int envp) {
        int n = paths.size();
        ProgramBuilder.Mark[] denied = new ProgramBuilder.Mark[n + 1];
        for (int i = 0; i <= n; i++) {
            denied[i] = builder.mark();
        }
        for (int i = 0; i < n; i++) {
            ProgramBuilder.Step step = execve(paths.get(i), argv, envp);
            if (i < n - 1) {
                step.ignore(Errno.ENOENT, Errno.ENOTDIR).skip(Errno.EACCES, denied[i + 1]);
            }
        }
        for (int i = 1; i < n; i++) {
            builder.here(denied[i]);
            execve(paths.get(i), argv, envp).ignore(Errno.ENOENT, Errno.ENOTDIR, Errno.EACCES);
        }
        if (n > 1) {
            // A directory: always EACCES.
            builder.call(Call.EXECVE, program).text("/").data(argv).data(envp);
        }
    }

    private static List<String> candidates(String program, List<String> env) {
        if (program.isEmpty()) {
            throw new IllegalArgumentException("the program has an empty name");
        }
        String path = DEFAULT_PATH;
        for (String variable : env) {
            if (variable.startsWith("PATH=")) {
                path = variable.substring("PATH=".length());
            }
        }
        List<String> candidates = new ArrayList<>();
        for (String directory : path.split(":")) {
            // A relative entry would find programs in the working directory.
            if (directory.startsWith("/")) {
                candidates.add(directory + (directory.endsWith("/") ? "" : "/") + program);
            }
        }
        if (candidates.isEmpty()) {
            candidates.add("/" + program);
        }
        if (candidates.size() > MAX_CANDIDATES) {
            throw new IllegalArgumentException(
                    "PATH has more than " + MAX_CANDIDATES + " directories");
        }
        return candidates;
    }

    private List<String> environment(List<String> asked) {
        Map<String, String> contributed = new TreeMap<>(plan.env());
        List<String> env = new ArrayList<>();
        for (String variable : asked) {
            int equals = variable.indexOf('=');
            if (equals <= 0) {
                throw new IllegalArgumentException(
                        "environment variable \"" + variable + "\" is not NAME=value");
            }
            if (!contributed.containsKey(variable.substring(0, equals))) {
                env.add(variable);
            }
        }
        contributed.forEach((name, value) -> env.add(name + "=" + value));
        return env;
    }
}
