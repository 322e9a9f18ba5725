package dev.berth.agent.tasks;

import dev.berth.agent.config.AgentException;
import dev.berth.protocol.v1.Protos.CheckInfo;
import dev.berth.protocol.v1.Protos.CheckStatusInfo;
import dev.berth.protocol.v1.Protos.CommandInfo;
import dev.berth.protocol.v1.Protos.ContainerInfo;
import dev.berth.protocol.v1.Protos.HealthCheck;
import dev.berth.protocol.v1.Protos.NetworkInfo;
import dev.berth.protocol.v1.Protos.TaskInfo;

import java.util.Optional;

/** What a check looks at. Both kinds of checks, of health and general ones, look at the same things. */
sealed interface CheckTarget {
    /** A command in the task's container. */
    record Command(CommandInfo command) implements CheckTarget {}

    /** A page of the task. */
    record Http(String host, int port, String path) implements CheckTarget {}

    /** A port that takes connections. */
    record Tcp(String host, int port) implements CheckTarget {}

    /** What is known of a general check before its first answer, or when there is none. */
    default CheckStatusInfo unknown() {
        return switch (this) {
            case Command _ ->
                    CheckStatusInfo.newBuilder()
                            .setType(CheckInfo.Type.COMMAND)
                            .setCommand(CheckStatusInfo.Command.getDefaultInstance())
                            .build();
            case Http _ ->
                    CheckStatusInfo.newBuilder()
                            .setType(CheckInfo.Type.HTTP)
                            .setHttp(CheckStatusInfo.Http.getDefaultInstance())
                            .build();
            case Tcp _ ->
                    CheckStatusInfo.newBuilder()
                            .setType(CheckInfo.Type.TCP)
                            .setTcp(CheckStatusInfo.Tcp.getDefaultInstance())
                            .build();
        };
    }

    static CheckTarget of(HealthCheck check) throws AgentException {
        return switch (check.getType()) {
            case COMMAND -> command(check.hasCommand(), check.getCommand(), "health_check");
            case HTTP -> {
                if (!check.hasHttp()) {
                    throw AgentException.invalid("health_check of type HTTP without http");
                }
                if (check.getHttp().getScheme().equals("https")) {
                    throw AgentException.refused("health_check.http.scheme https", "use http");
                }
                yield new Http(
                        loopback(check.getHttp().getProtocol()),
                        port(check.getHttp().getPort(), "health_check.http"),
                        path(check.getHttp().getPath(), "health_check.http"));
            }
            case TCP -> {
                if (!check.hasTcp()) {
                    throw AgentException.invalid("health_check of type TCP without tcp");
                }
                yield new Tcp(
                        loopback(check.getTcp().getProtocol()),
                        port(check.getTcp().getPort(), "health_check.tcp"));
            }
            case UNKNOWN -> throw AgentException.invalid("health_check.type is missing or unknown");
        };
    }

    static CheckTarget of(CheckInfo check) throws AgentException {
        return switch (check.getType()) {
            case COMMAND -> command(check.hasCommand(), check.getCommand().getCommand(), "check");
            case HTTP -> {
                if (!check.hasHttp()) {
                    throw AgentException.invalid("check of type HTTP without http");
                }
                yield new Http(
                        loopback(NetworkInfo.Protocol.IPv4),
                        port(check.getHttp().getPort(), "check.http"),
                        path(check.getHttp().getPath(), "check.http"));
            }
            case TCP -> {
                if (!check.hasTcp()) {
                    throw AgentException.invalid("check of type TCP without tcp");
                }
                yield new Tcp(
                        loopback(NetworkInfo.Protocol.IPv4),
                        port(check.getTcp().getPort(), "check.tcp"));
            }
            case UNKNOWN -> throw AgentException.invalid("check.type is missing or unknown");
        };
    }

    /** What is known of a task's general check before its first answer; empty when it has none that can be made. */
    static Optional<CheckStatusInfo> unknown(TaskInfo task) {
        if (!task.hasCheck()) {
            return Optional.empty();
        }
        try {
            return Optional.of(of(task.getCheck()).unknown());
        } catch (AgentException _) {
            // Another update says what is wrong with it.
            return Optional.empty();
        }
    }

    /** Refuses a task with a check that could not be made, or that would look at something else. */
    static void validate(TaskInfo task) throws AgentException {
        if (task.hasHealthCheck()) {
            reachable(task, of(task.getHealthCheck()), "health_check");
        }
        if (task.hasCheck()) {
            reachable(task, of(task.getCheck()), "check");
        }
    }

    private static void reachable(TaskInfo task, CheckTarget target, String field)
            throws AgentException {
        boolean alone =
                task.getContainer().getType() == ContainerInfo.Type.DOCKER
                        && task.getContainer().getDocker().getNetwork()
                                == ContainerInfo.DockerInfo.Network.NONE;
        if (alone && !(target instanceof Command)) {
            throw AgentException.refused(
                    field + " of type HTTP or TCP with docker.network NONE",
                    "nobody outside could connect: use the type COMMAND");
        }
    }

    private static CheckTarget command(boolean there, CommandInfo command, String field)
            throws AgentException {
        if (!there || !command.hasValue()) {
            throw AgentException.invalid(field + " of type COMMAND without a command's value");
        }
        if (command.getUrisCount() > 0) {
            throw AgentException.refused(field + ".command.uris", "put the files into the image");
        }
        return new Command(command);
    }

    private static int port(int port, String field) throws AgentException {
        if (port < 1 || port > 65535) {
            throw AgentException.invalid(
                    field + ".port " + Integer.toUnsignedString(port) + ": want 1 to 65535");
        }
        return port;
    }

    private static String path(String path, String field) throws AgentException {
        for (int i = 0; i < path.length(); i++) {
            if (path.charAt(i) <= ' ' || path.charAt(i) >= 0x7f) {
                throw AgentException.invalid(
                        field + ".path \"" + path + "\": want printable ASCII without spaces");
            }
        }
        return path.startsWith("/") ? path : "/" + path;
    }

    private static String loopback(NetworkInfo.Protocol protocol) {
        return protocol == NetworkInfo.Protocol.IPv6 ? "::1" : "127.0.0.1";
    }
}
