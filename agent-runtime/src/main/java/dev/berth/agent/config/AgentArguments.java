package dev.berth.agent.config;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
                  --help                  this text

            Examples:
              berth agent
              berth agent -H unix:///tmp/a.sock --data-root /tmp/a/data --exec-root /tmp/a/run
              berth agent --group docker --insecure-registry localhost:5000
              DOCKER_HOST=unix:///run/berth/berth.sock docker run --rm --network none debian echo hello
            """;

    private AgentArguments() {}

    /** Parses; an unknown or incomplete option is an {@link AgentException} that names it. {@code --help} must be looked for by the caller. */
    public static AgentConfig parse(List<String> arguments) throws AgentException {
        Path socket = Path.of("/run/berth/berth.sock");
        Path dataRoot = Path.of("/var/lib/berth");
        Path execRoot = Path.of("/run/berth");
        String cgroupParent = "";
        Optional<String> group = Optional.empty();
        boolean noNewPrivileges = false;
        int exitWhenIdle = 0;
        List<String> insecure = new ArrayList<>();
        for (int i = 0; i < arguments.size(); i++) {
            String option = arguments.get(i);
            Optional<String> inline = Optional.empty();
            int equals = option.indexOf('=');
            if (option.startsWith("--") && equals > 0) {
                inline = Optional.of(option.substring(equals + 1));
                option = option.substring(0, equals);
            }
            if (option.equals("--no-new-privileges")) {
                noNewPrivileges = inline.map(Boolean::parseBoolean).orElse(true);
                continue;
            }
            if (!isValued(option)) {
                throw AgentException.invalid(
                        "unknown option " + option + " of berth agent (see berth agent --help)");
            }
            if (inline.isEmpty() && i + 1 >= arguments.size()) {
                throw AgentException.invalid("option " + option + " needs a value");
            }
            String value = inline.isPresent() ? inline.get() : arguments.get(++i);
            switch (option) {
                case "-H", "--host" -> socket = socketPath(value);
                case "--data-root" -> dataRoot = absolute(option, value);
                case "--exec-root" -> execRoot = absolute(option, value);
                case "--cgroup-parent" -> cgroupParent = cgroupName(value);
                case "--group" -> group = Optional.of(value);
                case "--exit-when-idle" -> exitWhenIdle = seconds(option, value);
                default -> insecure.add(value);
            }
        }
        return new AgentConfig(
                socket,
                dataRoot,
                execRoot,
                cgroupParent.isEmpty() ? "berth-" + suffix(dataRoot) : cgroupParent,
                group,
                noNewPrivileges,
                exitWhenIdle,
                List.copyOf(insecure));
    }

    private static boolean isValued(String option) {
        return switch (option) {
            case "-H",
                    "--host",
                    "--data-root",
                    "--exec-root",
                    "--cgroup-parent",
                    "--group",
                    "--exit-when-idle",
                    "--insecure-registry" ->
                    true;
            default -> false;
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
