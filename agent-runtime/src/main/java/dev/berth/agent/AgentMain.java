package dev.berth.agent;

import dev.berth.agent.config.AgentArguments;
import dev.berth.agent.config.AgentConfig;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.linux.Linux;

import java.io.IOException;
import java.io.PrintStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** {@code berth agent}. */
public final class AgentMain {
    private static final PrintStream OUT = System.out;
    private static final PrintStream ERR = System.err;
    private static final String PID_FILE = "agent.pid";

    private AgentMain() {}

    /** Runs an agent until a signal ends it. */
    public static void main(String[] arguments) {
        int code = run(List.of(arguments));
        Runtime.getRuntime().halt(code);
    }

    /** Runs an agent; returns its exit code: 0 after an ordinary end, 2 for wrong options, 1 when it could not start. */
    public static int run(List<String> arguments) {
        if (arguments.contains("--help") || arguments.contains("-h")) {
            OUT.print(AgentArguments.HELP);
            OUT.flush();
            return 0;
        }
        AgentConfig config;
        try {
            config = AgentArguments.parse(arguments);
        } catch (AgentException e) {
            ERR.println("berth agent: " + e.chain());
            return 2;
        }
        Linux linux = Linux.host();
        if (linux.processes().geteuid() != 0) {
            ERR.println(
                    "berth agent: must run as root: it makes namespaces, mounts and cgroups (try sudo berth agent)");
            return 1;
        }
        try {
            checkGroup(config);
            checkSocket(config);
            return serve(config, linux);
        } catch (AgentException e) {
            ERR.println("berth agent: " + e.chain() + holder(config, e));
            return 1;
        }
    }

    private static int serve(AgentConfig config, Linux linux) throws AgentException {
        NodeAgent agent = NodeAgent.open(config, linux, Machinery::onThisHost);
        notePid(config, linux.processes().getpid());
        Thread hook =
                Thread.ofPlatform()
                        .name("berth-end")
                        .unstarted(() -> {
                            AgentLog.info("ending; containers run on");
                            agent.close();
                            Runtime.getRuntime().halt(0);
                        });
        Runtime.getRuntime().addShutdownHook(hook);
        AgentLog.info(
                "Berth "
                        + AgentConfig.VERSION
                        + " listens on unix://"
                        + config.socket()
                        + ", data in "
                        + config.dataRoot()
                        + ", cgroup "
                        + config.cgroupParent());
        try {
            agent.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        agent.close();
        return 0;
    }

    private static void notePid(AgentConfig config, int pid) {
        try {
            Files.writeString(config.execRoot().resolve(PID_FILE), pid + "\n");
        } catch (IOException e) {
            AgentLog.warn("note the agent's pid: " + e.getMessage());
        }
    }

    /** Who holds the roots, where that is the failure. */
    private static String holder(AgentConfig config, AgentException failure) {
        if (!failure.chain().contains("another agent holds")) {
            return "";
        }
        try {
            String pid = Files.readString(config.execRoot().resolve(PID_FILE)).strip();
            return " (held by pid " + pid + ")";
        } catch (IOException _) {
            return "";
        }
    }

    private static void checkGroup(AgentConfig config) throws AgentException {
        if (config.group().isEmpty()) {
            return;
        }
        try {
            FileSystems.getDefault()
                    .getUserPrincipalLookupService()
                    .lookupPrincipalByGroupName(config.group().get());
        } catch (IOException _) {
            throw AgentException.invalid("option --group: no such group: " + config.group().get());
        }
    }

    /** A socket on which somebody answers is not taken over. */
    private static void checkSocket(AgentConfig config) throws AgentException {
        Path socket = config.socket();
        if (socket.toString().getBytes(StandardCharsets.UTF_8).length > 107) {
            throw AgentException.invalid(
                    "socket path is longer than the 107 bytes that Linux allows: " + socket);
        }
        if (!Files.exists(socket)) {
            return;
        }
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException _) {
            return;
        }
        throw AgentException.conflict(
                "something listens on "
                        + socket
                        + " already: stop it, or choose another socket with -H unix://PATH");
    }
}
