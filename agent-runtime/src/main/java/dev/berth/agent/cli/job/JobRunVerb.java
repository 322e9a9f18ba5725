package dev.berth.agent.cli.job;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
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

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/** {@code berth job run}. */
public final class JobRunVerb implements Verb {
    private static final long DEFAULT_MEMORY_MIB = 512;
    private static final int MOST_GPUS = 1_000_000;
    private static final int MOST_WORKERS = 100_000;

    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.JOBS,
                        "run IMAGE [COMMAND] [ARG...]",
                        "Run a job on a cluster: all its workers at once, or none; IMAGE - runs the host's programs",
                        1,
                        VerbSpec.ANY,
                        MasterFlags.with(
                                Flag.value("gpus", "N", "GPUs of each worker (default 0)"),
                                Flag.value("cpus", "N", "Processors of each worker (default 1)"),
                                Flag.value(
                                                "memory",
                                                "SIZE",
                                                "Memory of each worker: 512m, 4g (default 512m)")
                                        .letter('m'),
                                Flag.list("env", "K=V", "Set a variable; K alone takes ours")
                                        .letter('e'),
                                Flag.value("name", "NAME", "The job's name (default: job)"),
                                Flag.value(
                                        "role", "ROLE", "Whose share it is counted to (default *)"),
                                Flag.value("workers", "N", "So many, all or none (default 1)"),
                                Flag.toggle("timeline", "Show at the end when what happened")))
                .endingFlagsAtOperand()
                .in("job")
                .examples(
                        "A program on one GPU of some node",
                        "berth job run --gpus 1 pytorch/pytorch python train.py",
                        "Four workers that find each other by MASTER_ADDR, RANK and WORLD_SIZE",
                        "berth job run --gpus 2 --workers 4 pytorch/pytorch python train.py");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException {
        JobSpec job = job(cli, arguments);
        try (MasterClient client = MasterFlags.client(cli, arguments)) {
            JobRun run = new JobRun(client, job, cli.out(), cli.err());
            run.whenPlaced(unenforced(cli, arguments));
            Signals.handle("INT", _ -> run.cancel());
            Signals.handle("TERM", _ -> run.cancel());
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

    private static JobSpec job(Cli cli, Arguments arguments) throws UsageException {
        List<String> words = arguments.operands();
        String image = words.getFirst();
        List<String> command = words.subList(1, words.size());
        if (image.equals("-") && command.isEmpty()) {
            throw new UsageException("IMAGE - needs a command of the host");
        }
        String name = arguments.value("name").orElse("job");
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")) {
            throw new UsageException(
                    "--name: want letters, digits, '_', '.' and '-', got '" + name + "'");
        }
        return new JobSpec(
                name,
                image.equals("-") ? Optional.empty() : Optional.of(image),
                command,
                environment(cli, arguments),
                arguments.value("role").orElse("*"),
                cpus(arguments),
                memory(arguments),
                number(arguments, "gpus", 0, 0, MOST_GPUS),
                number(arguments, "workers", 1, 1, MOST_WORKERS));
    }

    private static int number(
            Arguments arguments, String flag, long otherwise, long least, int most)
            throws UsageException {
        long number = arguments.number(flag, otherwise, least);
        if (number > most) {
            throw new UsageException("--" + flag + ": at most " + most + ", got " + number);
        }
        return (int) number;
    }

    private static Map<String, String> environment(Cli cli, Arguments arguments)
            throws UsageException {
        Map<String, String> all = new TreeMap<>();
        for (String word : arguments.values("env")) {
            int equals = word.indexOf('=');
            String name = equals < 0 ? word : word.substring(0, equals);
            if (name.isEmpty()) {
                throw new UsageException("--env: want K=V, got '" + word + "'");
            }
            if (equals >= 0) {
                all.put(name, word.substring(equals + 1));
            } else if (cli.environment().containsKey(name)) {
                all.put(name, cli.environment(name));
            }
        }
        return all;
    }

    private static double cpus(Arguments arguments) throws UsageException {
        String text = arguments.value("cpus").orElse("1");
        if (!text.matches("\\d{1,5}(\\.\\d{1,3})?") || Double.parseDouble(text) < 0.01) {
            throw new UsageException("--cpus: want a number of at least 0.01, got '" + text + "'");
        }
        return Double.parseDouble(text);
    }

    private static long memory(Arguments arguments) throws UsageException {
        Optional<String> given = arguments.value("memory");
        if (given.isEmpty()) {
            return DEFAULT_MEMORY_MIB;
        }
        String text = given.get().toLowerCase(Locale.ROOT);
        if (!text.matches("\\d{1,15}(b|[kmgt]b?)?")) {
            throw new UsageException("--memory: want 512m or 4g, got '" + given.get() + "'");
        }
        String digits = text.replaceAll("[a-z]", "");
        int shift =
                switch (text.replaceAll("[0-9b]", "")) {
                    case "k" -> 10;
                    case "m" -> 20;
                    case "g" -> 30;
                    case "t" -> 40;
                    default -> 0;
                };
        long mib = (long) (Double.parseDouble(digits) * (1L << shift) / (1L << 20));
        if (mib < 1) {
            throw new UsageException("--memory: less than 1 MiB: '" + given.get() + "'");
        }
        return mib;
    }
}
