package dev.berth.agent.cli.session;

import dev.berth.agent.cli.http.EngineClient;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Processes;
import dev.berth.linux.Signal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An agent or a master that this command line started, in a session of its own. */
public final class Daemon {
    private static final String COMMAND_LINE = "dev.berth.agent.cli.Berth";

    /** By name: the command line is built without the server, the start scripts put both on one class path. */
    private static final String MASTER = "dev.berth.master.MasterMain";

    private static final Pattern MASTER_LISTENS =
            Pattern.compile("master listens on (http://[^\\s,]+)");

    private static final Path DEFAULT_DATA_ROOT = Path.of("/var/lib/berth");
    private static final Duration START_DEADLINE = Duration.ofSeconds(30);
    private static final long LOG_LIMIT_BYTES = 4 << 20;
    private static final int LOG_LINES = 12;

    /** What makes a short-lived JVM start quickly and a long-lived one slow. */
    private static final Set<String> ONLY_FOR_COMMAND_LINE =
            Set.of("-XX:TieredStopAtLevel=1", "-XX:-UsePerfData");

    /** Linked classes, under exactly the flags that they were made with: the command line has its own, agents and masters have one beside it. */
    private static final String CACHE = "-XX:AOTCache=";

    private static final String CACHE_OF_DAEMONS = "daemon.aot";

    /** What .ci/env.sh gives an agent and not a command line. */
    private static final List<String> ONLY_FOR_AGENT =
            List.of(
                    "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
                    "-XX:CompileThresholdScaling=0.1");

    private final int pid;

    private Daemon(int pid) {
        this.pid = pid;
    }

    public int pid() {
        return pid;
    }

    /** Starts the agent of the default socket and roots; it ends by itself when idle. */
    static void startDefault(Cli cli, HostAddress address) throws CliException {
        if (!"0".equals(effectiveUser())) {
            throw new CliException(
                    Verb.FAILED_BEFORE_CONTAINER,
                    "no agent listens at "
                            + address
                            + ", and only root can start one: sudo berth agent");
        }
        Path log = DEFAULT_DATA_ROOT.resolve("agent.log");
        try {
            Files.createDirectories(DEFAULT_DATA_ROOT);
            if (Files.exists(log) && Files.size(log) > LOG_LIMIT_BYTES) {
                Files.move(
                        log,
                        DEFAULT_DATA_ROOT.resolve("agent.log.1"),
                        StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw new CliException(
                    Verb.FAILED_BEFORE_CONTAINER, "cannot use " + DEFAULT_DATA_ROOT + ": " + e, e);
        }
        spawn(cli, List.of("-H", address.toString(), "--exit-when-idle", "30"), log)
                .awaitAnswer(address, log);
    }

    /**
     * Starts an agent and returns at once, so that an interrupted caller knows what to stop.
     *
     * @param flags of {@code berth agent}
     * @param log receives its output, appended
     */
    public static Daemon spawn(Cli cli, List<String> flags, Path log) throws CliException {
        return spawn(cli, COMMAND_LINE, "agent", flags, log);
    }

    /**
     * As {@link #spawn}, a master.
     *
     * @param flags of {@code berth master}
     */
    public static Daemon spawnMaster(Cli cli, List<String> flags, Path log) throws CliException {
        return spawn(cli, MASTER, "master", flags, log);
    }

    private static Daemon spawn(Cli cli, String main, String role, List<String> flags, Path log)
            throws CliException {
        Processes processes = Linux.host().processes();
        List<String> argv = commandLine(main, role, flags);
        List<String> environment = new ArrayList<>();
        for (Map.Entry<String, String> variable : cli.environment().entrySet()) {
            environment.add(variable.getKey() + "=" + variable.getValue());
        }
        try (OwnedFd java = open(argv.get(0), Open.O_PATH);
                OwnedFd nothing = open("/dev/null", Open.O_RDONLY);
                OwnedFd output =
                        open(log.toString(), Open.O_WRONLY | Open.O_CREAT | Open.O_APPEND)) {
            List<Fd> streams = List.of(nothing, output, output);
            return new Daemon(processes.posixSpawn(java, argv, environment, streams));
        } catch (ErrnoException e) {
            throw new CliException(
                    Verb.FAILED_BEFORE_CONTAINER,
                    "cannot start the " + role + ": " + e.getMessage(),
                    e);
        }
    }

    private static OwnedFd open(String path, int flags) throws ErrnoException {
        return Linux.host().files().openat(Fd.CWD, path, flags, 0600);
    }

    /**
     * Waits until the agent answers.
     *
     * @throws CliException with the log's last lines when it does not within half a minute, or ends
     */
    public void awaitAnswer(HostAddress address, Path log) throws CliException {
        long deadline = System.nanoTime() + START_DEADLINE.toNanos();
        boolean dead = false;
        try (EngineClient probe = new EngineClient(address.socket())) {
            while (System.nanoTime() < deadline) {
                if (Files.exists(address.socket())) {
                    try {
                        Cli.greet(probe, address);
                        return;
                    } catch (IOException e) {
                        // Bound but not listening yet, or a dead agent's leftover: try again.
                    }
                }
                if (!dead && ended().isPresent()) {
                    // Another command line may have been quicker: its agent answers shortly.
                    dead = true;
                    deadline = Math.min(deadline, System.nanoTime() + 2_000_000_000L);
                }
                LockSupport.parkNanos(5_000_000);
            }
        } catch (IOException e) {
            throw new CliException(Verb.FAILED_BEFORE_CONTAINER, e.toString(), e);
        }
        throw failed("the agent that was started for " + address, dead, log);
    }

    /**
     * Waits until a master that was started listens.
     *
     * @return {@code http://HOST:PORT}
     * @throws CliException with the log's last lines when it does not within half a minute, or ends
     */
    public String awaitMaster(Path log) throws CliException {
        long deadline = System.nanoTime() + START_DEADLINE.toNanos();
        boolean dead = false;
        while (!dead && System.nanoTime() < deadline) {
            // Asked before the log is read: what it said last is then seen.
            dead = ended().isPresent();
            Matcher listens = MASTER_LISTENS.matcher(text(log));
            if (!dead && listens.find()) {
                return listens.group(1);
            }
            LockSupport.parkNanos(5_000_000);
        }
        throw failed("the master that was started", dead, log);
    }

    private static CliException failed(String who, boolean dead, Path log) {
        return new CliException(
                Verb.FAILED_BEFORE_CONTAINER,
                who
                        + (dead ? " has ended" : " does not answer")
                        + "; its log ("
                        + log
                        + ") ends with:\n"
                        + lastLines(log));
    }

    private static String text(Path log) {
        try {
            return Files.readString(log, StandardCharsets.UTF_8);
        } catch (IOException e) {
            // In the middle of a character, or not there yet: it is read again.
            return "";
        }
    }

    private Optional<Integer> ended() {
        try {
            return Linux.host().processes().waitChild(pid);
        } catch (ErrnoException e) {
            return Optional.of(0);
        }
    }

    /** Ends it: SIGTERM, after ten seconds SIGKILL; returns when it is gone. */
    public void stop() {
        signal(Signal.SIGTERM);
        if (!awaitEnd(Duration.ofSeconds(10))) {
            signal(Signal.SIGKILL);
            awaitEnd(Duration.ofSeconds(5));
        }
    }

    /** Ends it with SIGKILL; returns when it is gone. */
    public void kill() {
        signal(Signal.SIGKILL);
        awaitEnd(Duration.ofSeconds(5));
    }

    private void signal(int signal) {
        Processes processes = Linux.host().processes();
        try {
            Optional<OwnedFd> opened = processes.pidfdOpen(pid);
            if (opened.isPresent()) {
                try (OwnedFd pidfd = opened.get()) {
                    processes.pidfdSendSignal(pidfd, signal);
                }
            }
        } catch (ErrnoException e) {
            // It is our own child: nothing but its end can be in the way.
        }
    }

    private boolean awaitEnd(Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        while (ended().isEmpty()) {
            if (System.nanoTime() > deadline) {
                return false;
            }
            LockSupport.parkNanos(5_000_000);
        }
        return true;
    }

    /** This JVM's own command line up to the main class, then another main class with its verb and flags: all run from the same class path. */
    private static List<String> commandLine(String main, String role, List<String> flags)
            throws CliException {
        List<String> own;
        try {
            own =
                    List.of(
                            new String(
                                            Files.readAllBytes(Path.of("/proc/self/cmdline")),
                                            StandardCharsets.UTF_8)
                                    .split("\0"));
        } catch (IOException e) {
            throw new CliException(Verb.FAILED_BEFORE_CONTAINER, e.toString(), e);
        }
        int mainAt = own.indexOf(COMMAND_LINE);
        if (mainAt > 0) {
            List<String> command = new ArrayList<>();
            command.add(System.getProperty("java.home") + "/bin/java");
            command.addAll(ofDaemon(own.subList(1, mainAt)));
            command.add(main);
            command.add(role);
            command.addAll(flags);
            return command;
        }
        throw new CliException(
                Verb.FAILED_BEFORE_CONTAINER,
                "cannot start the "
                        + role
                        + " from this JVM: its command line does not name "
                        + COMMAND_LINE);
    }

    /** The JVM flags of an agent or a master, of those of a command line. */
    static List<String> ofDaemon(List<String> own) {
        List<String> flags = new ArrayList<>();
        if (!own.contains("--add-exports")) {
            flags.addAll(ONLY_FOR_AGENT);
        }
        for (String flag : own) {
            if (flag.startsWith(CACHE)) {
                Path cache =
                        Path.of(flag.substring(CACHE.length())).resolveSibling(CACHE_OF_DAEMONS);
                if (Files.exists(cache)) {
                    flags.add(CACHE + cache);
                }
            } else if (!ONLY_FOR_COMMAND_LINE.contains(flag)) {
                flags.add(flag);
            }
        }
        return flags;
    }

    private static String effectiveUser() {
        try {
            return String.valueOf(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        } catch (IOException e) {
            return "";
        }
    }

    private static String lastLines(Path log) {
        try {
            List<String> lines = Files.readAllLines(log, StandardCharsets.UTF_8);
            List<String> last = lines.subList(Math.max(0, lines.size() - LOG_LINES), lines.size());
            return last.isEmpty() ? "  (nothing)" : "  " + String.join("\n  ", last);
        } catch (IOException e) {
            return "  (unreadable: " + e.getMessage() + ")";
        }
    }
}
