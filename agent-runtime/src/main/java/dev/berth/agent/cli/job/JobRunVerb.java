package dev.berth.agent.cli.job;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.terminal.Signals;
import dev.berth.jobs.JobException;
import dev.berth.jobs.JobRun;
import dev.berth.jobs.JobSpec;
import dev.berth.jobs.MasterClient;
import dev.berth.jobs.Worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** {@code berth job run}. */
public final class JobRunVerb implements Verb {
    private static final int HUNG_UP = 129;
    private static final int INTERRUPTED = 130;
    private static final int TERMINATED = 143;

    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.JOBS,
                        "run IMAGE [COMMAND] [ARG...]",
                        "Run a job on a cluster: all its workers at once, or none; IMAGE - runs the host's programs",
                        1,
                        VerbSpec.ANY,
                        MasterFlags.with(JobFlags.ALL))
                .endingFlagsAtOperand()
                .in("job")
                .examples(
                        "A program on one GPU of some node",
                        "berth job run --gpus 1 pytorch/pytorch python train.py",
                        "Four workers that find each other by MASTER_ADDR, RANK and WORLD_SIZE",
                        "berth job run --gpus 2 --workers 4 pytorch/pytorch python train.py",
                        "With data of the nodes, on those of zone a, for two hours at most",
                        "berth job run -v /data:/data:ro --constraint zone=a --timeout 2h IMAGE train");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException {
        JobSpec job = JobFlags.job(cli, arguments);
        Optional<Duration> longest = JobFlags.duration(arguments, "wait-timeout");
        try (MasterClient client = MasterFlags.client(cli, arguments)) {
            JobRun run = new JobRun(client, job, cli.out(), cli.err());
            run.whenPlaced(unenforced(cli, arguments));
            longest.ifPresent(run::waitAtMost);
            if (arguments.has("no-stream")) {
                run.withoutOutput();
            }
            AtomicInteger interrupts = new AtomicInteger();
            Signals.handle(
                    "INT",
                    _ -> {
                        if (interrupts.getAndIncrement() == 0) {
                            run.cancel();
                        } else {
                            run.leave(INTERRUPTED);
                        }
                    });
            Signals.handle("TERM", _ -> run.leave(TERMINATED));
            Signals.handle("HUP", _ -> run.leave(HUNG_UP));
            int code = run.run();
            cli.out().flush();
            if (arguments.has("timeline")) {
                cli.err().print(run.timeline());
            }
            return code;
        } catch (JobException e) {
            throw MasterFlags.failed(e);
        } catch (InterruptedException e) {
            throw MasterFlags.interrupted(e);
        }
    }

    /** Says once for each node which of the limits that were asked for do not hold there. */
    private static Consumer<Worker> unenforced(Cli cli, Arguments arguments) {
        Set<String> told = new HashSet<>();
        return worker -> {
            List<String> missing = new ArrayList<>();
            if (arguments.given("memory") && !Wire.enforces(worker.offer(), "mem")) {
                missing.add("memory");
            }
            if (arguments.given("cpus") && !Wire.enforces(worker.offer(), "cpus")) {
                missing.add("CPU");
            }
            String node = worker.offer().getHostname();
            if (!missing.isEmpty() && told.add(node)) {
                cli.err()
                        .println(
                                "berth: "
                                        + node
                                        + " does not enforce "
                                        + String.join(" and ", missing)
                                        + " limits (berth doctor there says why)");
                cli.err().flush();
            }
        };
    }
}
