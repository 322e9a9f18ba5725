package dev.berth.agent.cli.session;

import dev.berth.agent.cli.http.EngineClient;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** The caller's streams and environment, and the way to the agent. */
public final class Cli {
    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;
    private final Map<String, String> environment;
    private Optional<String> hostFlag = Optional.empty();
    private Optional<EngineClient> client = Optional.empty();

    public Cli(InputStream in, PrintStream out, PrintStream err, Map<String, String> environment) {
        this.in = in;
        this.out = out;
        this.err = err;
        this.environment = environment;
    }

    public InputStream in() {
        return in;
    }

    /** Buffered: {@link PrintStream#flush} before waiting for anything. */
    public PrintStream out() {
        return out;
    }

    public PrintStream err() {
        return err;
    }

    /** A variable, empty when it is not set. */
    public String environment(String name) {
        return environment.getOrDefault(name, "");
    }

    public Map<String, String> environment() {
        return environment;
    }

    /** {@code -H} of the command line. */
    public void host(Optional<String> flag) {
        hostFlag = flag;
    }

    public HostAddress address() throws CliException {
        return HostAddress.of(hostFlag, environment("BERTH_HOST"));
    }

    /**
     * The agent, checked to be Berth. Where nothing listens on the default socket one is started.
     *
     * @throws CliException when there is none, it cannot be reached, or it is something else
     */
    public EngineClient client() throws CliException {
        if (client.isPresent()) {
            return client.get();
        }
        HostAddress address = address();
        EngineClient made = new EngineClient(address.socket());
        try {
            greet(made, address);
        } catch (SocketException e) {
            if (!address.isDefault() || !nobodyListens(e)) {
                throw unreachable(address, e);
            }
            Daemon.startDefault(this, address);
            try {
                greet(made, address);
            } catch (IOException again) {
                throw unreachable(address, again);
            }
        } catch (IOException e) {
            throw unreachable(address, e);
        }
        client = Optional.of(made);
        return made;
    }

    /** Asks for a sign of life and refuses whatever is not Berth. */
    static void greet(EngineClient client, HostAddress address) throws IOException, CliException {
        try (Response pong = client.get(Query.of("/_ping"))) {
            String server = pong.header("server");
            pong.text();
            if (!server.startsWith("Berth/")) {
                throw new CliException(
                        Verb.FAILED_BEFORE_CONTAINER,
                        "the server at "
                                + address
                                + " is not Berth but '"
                                + (server.isEmpty() ? "unnamed" : server)
                                + "': berth drives its own agent only (-H, BERTH_HOST)");
            }
        }
    }

    private static boolean nobodyListens(IOException e) {
        String message = String.valueOf(e.getMessage());
        return message.contains("No such file") || message.contains("Connection refused");
    }

    private static CliException unreachable(HostAddress address, IOException e) {
        String hint = "";
        if (nobodyListens(e)) {
            hint = ": no agent listens there; start one with: berth agent -H " + address;
        } else if (String.valueOf(e.getMessage()).contains("Permission denied")) {
            hint = ": the socket is not yours; use sudo, or start the agent with --group";
        }
        return new CliException(
                Verb.FAILED_BEFORE_CONTAINER,
                "cannot reach the agent at " + address + " (" + e.getMessage() + ")" + hint,
                e);
    }

    /** Whether one of the three standard descriptors is a terminal. Reads a link: a first native call would cost tens of milliseconds. */
    public boolean isTerminal(int descriptor) {
        try {
            String target =
                    Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
            return target.startsWith("/dev/pts/")
                    || target.startsWith("/dev/tty")
                    || target.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }
}
