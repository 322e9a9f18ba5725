package dev.berth.agent.config;

import dev.berth.agent.config.DeviceOptions.GpuSource;
import dev.berth.agent.config.DeviceOptions.OnFault;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32C;

/** Reads the options of {@code berth agent}. */
public final class AgentArguments {
    public static final String HELP =
            """
            Usage: berth agent [OPTIONS]

            Runs the node daemon in the foreground: images, containers and the local API (Docker Engine API on a unix
            socket). Ending it (SIGTERM, SIGINT, even kill -9) leaves containers running; the next agent with the same
            roots takes them over.

            Options:
              -H, --host unix://PATH      where the API listens            (default unix:///run/berth/berth.sock)
                  --data-root DIR         images and writable layers       (default /var/lib/berth)
                  --exec-root DIR         sockets and run state            (default /run/berth)
                  --cgroup-parent NAME    the agent's own cgroup           (default berth-HASH of the data root)
                  --group NAME            group that may use the socket    (default: root only)
                  --no-new-privileges     set no_new_privs on containers unless they ask otherwise
                  --exit-when-idle SECS   end after SECS without a running container or a request
                  --insecure-registry HOST[:PORT]
                                          allow plain HTTP or any certificate for this registry (may be repeated)
                  --gpus SOURCE               where GPUs come from         (default auto)
                                          auto            the host's NVIDIA driver where there is one, else none
                                          none            no GPUs
                                          sim:8xH100      simulated ones; also 8xA100, 4xL40S, 1xH200, 1xA30
                                          sim:/PATH       simulated ones, from a machine file
                  --gpu-fault keep|kill       containers whose GPU needs a reset run on, or are killed (default keep)
                  --driver-root DIR           where the driver's libraries and programs are (default: the host's /)
                  --devices FILE              character devices that are handed out, see gpu/README.md
                  --cdi-spec-dir DIR          directory of CDI files (may be repeated; default /etc/cdi and /var/run/cdi)
                  --master ADDRESS            report to a master: http://HOST:PORT, several with commas,
                                              or zk://HOST:PORT,HOST:PORT/PATH: whichever is elected there;
                                              file:///FILE: a zk:// address that stands in FILE
                  --master-token-file FILE    what is shown to the master (default: /var/lib/berth/master/token where that is readable); whoever shows it here may pass too
                  --listen HOST:PORT          where the operator API listens (default 127.0.0.1:5051 with --master)
                  --allow-anonymous           answer there without the token of DATA-ROOT/token
                  --attributes NAME:VALUE;…   told to the master, with what is found
                  --resources NAME:VALUE;…    told to the master, in the place of what is found
                  --gc-delay TIME             how long sandboxes of ended tasks are kept (default 1weeks)
                  --gc-disk-headroom PART     kept the shorter the fuller the disk is: TIME * (1 - PART - used part)
                                              (default 0.1)
                  --help                  this text

            Examples:
              berth agent
              berth agent -H unix:///tmp/a.sock --data-root /tmp/a/data --exec-root /tmp/a/run
              berth agent --group docker --insecure-registry localhost:5000
              berth agent --gpus sim:8xH100
              DOCKER_HOST=unix:///run/berth/berth.sock docker run --rm --network none debian echo hello
            """;

    /** Those that take a value. */
    private static final Set<String> OPTIONS =
            Set.of(
                    "-H",
                    "--host",
                    "--data-root",
                    "--exec-root",
                    "--cgroup-parent",
                    "--group",
                    "--exit-when-idle",
                    "--insecure-registry",
                    "--gpus",
                    "--gpu-fault",
                    "--driver-root",
                    "--devices",
                    "--cdi-spec-dir",
                    "--cdi-spec-dirs",
                    "--master",
                    "--master-token-file",
                    "--listen",
                    "--attributes",
                    "--resources",
                    "--gc-delay",
                    "--gc-disk-headroom");

    private AgentArguments() {}

    /** What was read so far. */
    private static final class Draft {
        private Path socket = Path.of("/run/berth/berth.sock");
        private Path dataRoot = Path.of("/var/lib/berth");
        private Path execRoot = Path.of("/run/berth");
        private String cgroupParent = "";
        private Optional<String> group = Optional.empty();
        private boolean noNewPrivileges;
        private int exitWhenIdle;
        private final List<String> insecure = new ArrayList<>();
        private GpuSource gpus = new GpuSource.Auto();
        private OnFault onFault = OnFault.KEEP;
        private Optional<Path> driverRoot = Optional.empty();
        private Optional<Path> characterDevices = Optional.empty();
        private final List<Path> cdi = new ArrayList<>();

        private final MasterOptions.Draft master = new MasterOptions.Draft();

        private AgentConfig config() throws AgentException {
            return new AgentConfig(
                    socket,
                    dataRoot,
                    execRoot,
                    cgroupParent.isEmpty() ? "berth-" + suffix(dataRoot) : cgroupParent,
                    group,
                    noNewPrivileges,
                    exitWhenIdle,
                    List.copyOf(insecure),
                    new DeviceOptions(
                            gpus,
                            driverRoot,
                            characterDevices,
                            cdi.isEmpty() ? DeviceOptions.CDI_DIRECTORIES : cdi,
                            onFault),
                    master.options());
        }

        /** False for an option that there is not. */
        private boolean set(String option, String value) throws AgentException {
            switch (option) {
                case "-H", "--host" -> socket = socketPath(value);
                case "--data-root" -> dataRoot = absolute(option, value);
                case "--exec-root" -> execRoot = absolute(option, value);
                case "--cgroup-parent" -> cgroupParent = cgroupName(value);
                case "--group" -> group = Optional.of(value);
                case "--exit-when-idle" -> exitWhenIdle = seconds(option, value);
                case "--insecure-registry" -> insecure.add(value);
                case "--gpus" -> gpus = gpuSource(value);
                case "--gpu-fault" -> onFault = onFault(value);
                case "--driver-root" -> driverRoot = Optional.of(absolute(option, value));
                case "--devices" -> characterDevices = Optional.of(absolute(option, value));
                case "--cdi-spec-dir", "--cdi-spec-dirs" -> {
                    for (String directory : value.split(",", -1)) {
                        cdi.add(absolute(option, directory));
                    }
                }
                default -> {
                    return master.set(option, value);
                }
            }
            return true;
        }
    }

    /** Parses; an unknown or incomplete option is an {@link AgentException} that names it. {@code --help} must be looked for by the caller. */
    public static AgentConfig parse(List<String> arguments) throws AgentException {
        Draft draft = new Draft();
        for (int i = 0; i < arguments.size(); i++) {
            String option = arguments.get(i);
            Optional<String> inline = Optional.empty();
            int equals = option.indexOf('=');
            if (option.startsWith("--") && equals > 0) {
                inline = Optional.of(option.substring(equals + 1));
                option = option.substring(0, equals);
            }
            if (option.equals("--no-new-privileges")) {
                draft.noNewPrivileges = inline.map(Boolean::parseBoolean).orElse(true);
                continue;
            }
            if (option.equals("--allow-anonymous")) {
                draft.master.allowAnonymous(inline.map(Boolean::parseBoolean).orElse(true));
                continue;
            }
            if (!OPTIONS.contains(option)) {
                throw AgentException.invalid(
                        "unknown option '" + option + "' (see berth agent --help)");
            }
            if (inline.isEmpty() && i + 1 >= arguments.size()) {
                throw AgentException.invalid("option " + option + " needs a value");
            }
            String value = inline.isPresent() ? inline.get() : arguments.get(++i);
            if (!draft.set(option, value)) {
                throw new IllegalStateException("option without a place: " + option);
            }
        }
        return draft.config();
    }

    private static GpuSource gpuSource(String value) throws AgentException {
        if (value.equals("auto")) {
            return new GpuSource.Auto();
        }
        if (value.equals("none")) {
            return new GpuSource.None();
        }
        if (value.startsWith("sim:") && value.length() > 4) {
            String machine = value.substring(4);
            return machine.contains("/")
                    ? new GpuSource.SimulatedFile(absolute("--gpus sim:", machine))
                    : new GpuSource.Simulated(machine);
        }
        throw AgentException.invalid(
                "option --gpus: want auto, none, sim:NAME or sim:/FILE, got \"" + value + "\"");
    }

    private static OnFault onFault(String value) throws AgentException {
        return switch (value) {
            case "keep" -> OnFault.KEEP;
            case "kill" -> OnFault.KILL;
            default ->
                    throw AgentException.invalid(
                            "option --gpu-fault: want keep or kill, got \"" + value + "\"");
        };
    }

    private static Path socketPath(String value) throws AgentException {
        if (!value.startsWith("unix://")) {
            throw AgentException.invalid(
                    "option -H: want unix:///PATH, got \""
                            + value
                            + "\" (TCP is not offered: it would be root for everyone who reaches it)");
        }
        return absolute("-H", value.substring("unix://".length()));
    }

    private static Path absolute(String option, String value) throws AgentException {
        Path path = Path.of(value);
        if (!path.isAbsolute()) {
            throw AgentException.invalid(
                    "option " + option + ": want an absolute path, got \"" + value + "\"");
        }
        return path.normalize();
    }

    private static String cgroupName(String value) throws AgentException {
        String name = value.startsWith("/") ? value.substring(1) : value;
        if (!name.matches("[A-Za-z0-9_][A-Za-z0-9_.@:-]*(/[A-Za-z0-9_][A-Za-z0-9_.@:-]*)*")) {
            throw AgentException.invalid(
                    "option --cgroup-parent: want a name below the cgroup2 mount, got \""
                            + value
                            + "\"");
        }
        return name;
    }

    private static int seconds(String option, String value) throws AgentException {
        try {
            int seconds = Integer.parseInt(value);
            if (seconds >= 0) {
                return seconds;
            }
        } catch (NumberFormatException _) {
            // the message below says what is wanted
        }
        throw AgentException.invalid(
                "option " + option + ": want a number of seconds, got \"" + value + "\"");
    }

    /** Eight hex digits that stand for a data root in names on the host. */
    public static String suffix(Path dataRoot) {
        CRC32C crc = new CRC32C();
        crc.update(dataRoot.toString().getBytes(StandardCharsets.UTF_8));
        return String.format(java.util.Locale.ROOT, "%08x", crc.getValue());
    }
}
