package dev.berth.agent.cli.job;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.run.Environment;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.jobs.Constraint;
import dev.berth.jobs.JobRules;
import dev.berth.jobs.JobSpec;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The flags of {@code berth job run}, and the job that they describe. */
final class JobFlags {
    private static final long DEFAULT_MEMORY_MIB = 512;
    private static final int MOST_GPUS = 1_000_000;
    private static final int MOST_WORKERS = 100_000;
    private static final BigDecimal LONGEST_SECONDS = BigDecimal.valueOf(3_650L * 86_400);

    /** In the order of the help; what others have and Berth has not comes last, with what to do instead. */
    static final Flag[] ALL = {
        Flag.value("gpus", "N", "GPUs of each worker (default 0)"),
        Flag.value("cpus", "N", "Processors of each worker (default 1)"),
        Flag.value("memory", "SIZE", "Memory of each worker: 512m, 4g (default 512m)").letter('m'),
        Flag.value("workers", "N", "So many, all or none (default 1)"),
        Flag.list("constraint", "NAME[=VALUE]", "Only on agents with that attribute; != for not"),
        Flag.list("env", "K=V", "Set a variable; K alone takes ours").letter('e'),
        Flag.list("env-file", "FILE", "Variables from a file of K=V lines"),
        Flag.value("user", "USER[:GROUP]", "User of its processes (default: the image's)")
                .letter('u'),
        Flag.list("volume", "/HOST:/PATH[:ro]", "A path of the node that it runs on").letter('v'),
        Flag.value("name", "NAME", "The job's name (default: job)"),
        Flag.value("role", "ROLE", "Whose share it is counted to (default *)"),
        Flag.value("timeout", "TIME", "End workers that run longer: 90s, 30m, 2h; exit code 124"),
        Flag.value("wait-timeout", "TIME", "Give up when it has no place by then (default: never)"),
        Flag.value("stop-timeout", "TIME", "From SIGTERM to SIGKILL when it is ended (default 3s)"),
        Flag.value(
                "unreachable-timeout",
                "TIME|never",
                "Fail when a worker is unreachable for so long (default 5m)"),
        Flag.toggle("no-stream", "Do not show the workers' output; berth job logs does"),
        Flag.toggle("timeline", "Show at the end when what happened"),
        Flag.refused(
                        "detach",
                        "this command is the job's scheduler; run it with nohup or systemd-run: berth job ls, logs and kill find it")
                .letter('d'),
        Flag.refused("interactive", "a job has no standard input; berth run -i on its node has")
                .letter('i'),
        Flag.refused("tty", "a job has no terminal; berth run -it on its node has").letter('t'),
        Flag.refused("workdir", "the Mesos API has no place for it; run sh -c 'cd DIR && exec …'")
                .letter('w'),
        Flag.refused("publish", "workers have the node's network: their ports are its ports")
                .letter('p'),
        Flag.refused("network", "workers have the node's network"),
        Flag.refused("rm", "nothing stays but the sandbox, which the agent removes in time"),
        Flag.refused("ntasks", "use --workers N").letter('n').also("np"),
        Flag.refused("nproc-per-node", "use --workers N: each worker is one process"),
        Flag.refused(
                        "nodes",
                        "workers go on as few nodes as hold them; --constraint says which may")
                .letter('N')
                .also("nnodes"),
        Flag.refused("time", "use --timeout TIME"),
        Flag.refused("partition", "use --role ROLE or --constraint NAME=VALUE"),
    };

    private JobFlags() {}

    static JobSpec job(Cli cli, Arguments arguments) throws UsageException, CliException {
        String image = arguments.operands().getFirst();
        List<String> command = arguments.operands().subList(1, arguments.operands().size());
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
                number(arguments, "workers", 1, 1, MOST_WORKERS),
                rules(arguments));
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

    private static JobRules rules(Arguments arguments) throws UsageException {
        List<JobRules.Volume> volumes = new ArrayList<>();
        for (String volume : arguments.values("volume")) {
            volumes.add(volume(volume));
        }
        List<Constraint> constraints = new ArrayList<>();
        for (String constraint : arguments.values("constraint")) {
            try {
                constraints.add(Constraint.parse(constraint));
            } catch (IllegalArgumentException e) {
                throw new UsageException("--constraint: " + e.getMessage());
            }
        }
        Optional<Duration> limit = duration(arguments, "timeout");
        if (limit.isPresent() && limit.get().isZero()) {
            throw new UsageException("--timeout: want more than nothing");
        }
        boolean never = arguments.value("unreachable-timeout").equals(Optional.of("never"));
        return new JobRules(
                arguments.value("user"),
                volumes,
                constraints,
                duration(arguments, "stop-timeout"),
                limit,
                never
                        ? Optional.empty()
                        : Optional.of(
                                duration(arguments, "unreachable-timeout")
                                        .orElse(JobRules.DEFAULT_UNREACHABLE)));
    }

    private static JobRules.Volume volume(String text) throws UsageException {
        String[] parts = text.split(":", -1);
        String mode = parts.length == 3 ? parts[2] : "rw";
        if (parts.length < 2
                || parts.length > 3
                || !parts[0].startsWith("/")
                || !parts[1].startsWith("/")
                || !(mode.equals("ro") || mode.equals("rw"))) {
            throw new UsageException(
                    "--volume: want /HOST:/PATH, /HOST:/PATH:ro or :rw, with the node's own path, got '"
                            + text
                            + "'");
        }
        return new JobRules.Volume(parts[0], parts[1], mode.equals("ro"));
    }

    /** {@code 90}, {@code 90s}, {@code 1.5h}: a number alone is seconds, as timeout(1) has it. */
    static Optional<Duration> duration(Arguments arguments, String flag) throws UsageException {
        Optional<String> given = arguments.value(flag);
        if (given.isEmpty()) {
            return Optional.empty();
        }
        String text = given.get();
        if (text.matches("\\d{1,12}(\\.\\d{1,9})?(ms|[smhd])?")) {
            String unit = text.replaceAll("[0-9.]", "");
            BigDecimal seconds =
                    new BigDecimal(text.substring(0, text.length() - unit.length()))
                            .multiply(
                                    switch (unit) {
                                        case "ms" -> new BigDecimal("0.001");
                                        case "m" -> BigDecimal.valueOf(60);
                                        case "h" -> BigDecimal.valueOf(3_600);
                                        case "d" -> BigDecimal.valueOf(86_400);
                                        default -> BigDecimal.ONE;
                                    });
            if (seconds.compareTo(LONGEST_SECONDS) <= 0) {
                return Optional.of(Duration.ofNanos(seconds.movePointRight(9).longValue()));
            }
        }
        throw new UsageException(
                "--"
                        + flag
                        + ": want a time such as 90s, 30m, 2h or 1d, up to ten years, got '"
                        + text
                        + "'");
    }

    private static Map<String, String> environment(Cli cli, Arguments arguments)
            throws UsageException, CliException {
        List<String> all = new ArrayList<>();
        for (String file : arguments.values("env-file")) {
            try {
                Environment.file(file, cli.environment(), all);
            } catch (NoSuchFileException e) {
                throw new CliException(
                        Verb.FAILED_BEFORE_CONTAINER, "--env-file: no file " + file, e);
            } catch (IOException e) {
                throw new CliException(
                        Verb.FAILED_BEFORE_CONTAINER, "--env-file: " + e.getMessage(), e);
            }
        }
        for (String variable : arguments.values("env")) {
            Environment.add(variable, cli.environment(), all);
        }
        Map<String, String> map = new TreeMap<>();
        for (String variable : all) {
            int equals = variable.indexOf('=');
            if (equals > 0) {
                map.put(variable.substring(0, equals), variable.substring(equals + 1));
            }
        }
        return map;
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
        if (!text.matches("\\d{1,15}(b|[kmgt](i?b)?)?")) {
            throw new UsageException("--memory: want 512m or 4g, got '" + given.get() + "'");
        }
        String digits = text.replaceAll("[a-z]", "");
        int shift =
                switch (text.replaceAll("[0-9bi]", "")) {
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
