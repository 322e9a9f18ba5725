package dev.berth.isolator.process;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.ProcessSpec;
import dev.berth.isolator.ContainerConfig.Rlimit;
import dev.berth.isolator.ExecConfig;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;

import java.util.OptionalInt;

/** POSIX limits, CPU affinity, file mode mask, OOM score. */
public final class LimitIsolator implements Isolator {
    private static final int RLIMIT_NOFILE = 7;
    private static final int DEFAULT_UMASK = 022;
    private static final long NOFILE_SOFT = 1024;
    private static final long NOFILE_HARD = 524_288;

    private final long hardNofile;

    /**
     * @param hardNofile the agent's hard limit of open files: the JVM raises its soft one, which containers must not inherit
     */
    public LimitIsolator(long hardNofile) {
        this.hardNofile = hardNofile;
    }

    @Override
    public String name() {
        return "process/limits";
    }

    @Override
    public LaunchContribution plan(ContainerConfig config) {
        return limits(config.process(), config.oomScoreAdj());
    }

    @Override
    public LaunchContribution planExec(ContainerConfig container, ExecConfig exec) {
        return limits(exec.process(), container.oomScoreAdj());
    }

    private LaunchContribution limits(ProcessSpec process, OptionalInt oomScoreAdj) {
        LaunchContribution.Builder b = LaunchContribution.builder();
        oomScoreAdj.ifPresent(
                value -> b.op(new LaunchOp.SetOomScoreAdj("the score that was asked for", value)));
        boolean nofile = false;
        for (Rlimit limit : process.rlimits()) {
            nofile |= limit.resource() == RLIMIT_NOFILE;
            b.op(
                    new LaunchOp.SetRlimit(
                            "the limit that was asked for",
                            limit.resource(),
                            limit.name(),
                            limit.soft(),
                            limit.hard(),
                            limit.required()));
        }
        if (!nofile) {
            long hard = Math.min(NOFILE_HARD, hardNofile < 0 ? NOFILE_HARD : hardNofile);
            b.op(
                    new LaunchOp.SetRlimit(
                            "not the agent's own",
                            RLIMIT_NOFILE,
                            "RLIMIT_NOFILE",
                            Math.min(NOFILE_SOFT, hard),
                            hard,
                            false));
        }
        b.op(new LaunchOp.ResetAffinity("the cpuset decides, not where the agent runs"));
        b.op(
                new LaunchOp.SetUmask(
                        "the launch itself runs without one",
                        process.umask().orElse(DEFAULT_UMASK)));
        return b.build();
    }
}
