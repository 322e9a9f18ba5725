package dev.berth.agent.cli.playground;

import dev.berth.agent.cli.http.Hijack;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.terminal.OutputPump;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Signal;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** A container whose first process tries device nodes when it starts and at each signal, until it is removed. */
public final class ProbeContainer {
    private static final long DEADLINE_NS = 20_000_000_000L;
    private static final long POLL_NS = 2_000_000;

    private final Cli cli;
    private final String name;
    private final String id;
    private int seen;
    private int pid;

    private ProbeContainer(Cli cli, String name, String id) {
        this.cli = cli;
        this.name = name;
        this.id = id;
    }

    /**
     * Creates and starts it.
     *
     * @param host further members of its {@code HostConfig}
     * @param paths nodes to try
     */
    public static ProbeContainer start(
            Cli cli, String name, NodeFolder nodes, Map<String, Json> host, List<String> paths)
            throws CliException, IOException {
        Map<String, Json> body = new LinkedHashMap<>();
        body.put("Image", Json.of(ProbeImage.NAME));
        return start(cli, name, nodes, host, paths, body);
    }

    /**
     * The same in a root file system of the caller's, which has the probe at its top.
     *
     * @param root on the host
     */
    public static ProbeContainer startIn(
            Cli cli,
            Path root,
            String name,
            NodeFolder nodes,
            Map<String, Json> host,
            List<String> paths)
            throws CliException, IOException {
        Map<String, Json> body = new LinkedHashMap<>();
        body.put("Berth", Json.of(Map.of("Rootfs", Json.of(root.toString()))));
        body.put("Entrypoint", Json.texts(List.of("/probe")));
        return start(cli, name, nodes, host, paths, body);
    }

    private static ProbeContainer start(
            Cli cli,
            String name,
            NodeFolder nodes,
            Map<String, Json> host,
            List<String> paths,
            Map<String, Json> body)
            throws CliException, IOException {
        Map<String, Json> hostConfig = new LinkedHashMap<>(host);
        hostConfig.put("NetworkMode", Json.of("none"));
        hostConfig.put("Binds", Json.texts(List.of(nodes.bind())));
        List<String> command = new ArrayList<>(List.of("watch-nodes"));
        command.addAll(paths);
        body.put("Hostname", Json.of(name));
        body.put("Cmd", Json.texts(command));
        body.put("HostConfig", Json.of(hostConfig));
        String id;
        Query create = Query.of("/containers/create").with("name", name);
        try (Response response = cli.client().post(create, Json.of(body))) {
            id = response.json().at("Id").text();
        }
        cli.client().post(Query.of("/containers/" + id + "/start")).close();
        ProbeContainer container = new ProbeContainer(cli, name, id);
        container.pid = (int) container.inspect().at("State", "Pid").number();
        return container;
    }

    public String name() {
        return name;
    }

    public String id() {
        return id;
    }

    /** Its first process, host namespace. */
    public int pid() {
        return pid;
    }

    public Json inspect() throws CliException, IOException {
        try (Response response = cli.client().get(Query.of("/containers/" + id + "/json"))) {
            return response.json();
        }
    }

    /** Makes the first process try again, past the agent, which may be dead. */
    public void signal() throws CliException {
        try {
            Optional<OwnedFd> opened = Linux.host().processes().pidfdOpen(pid);
            if (opened.isEmpty()) {
                throw new CliException(1, "container " + name + " has ended");
            }
            try (OwnedFd pidfd = opened.get()) {
                Linux.host().processes().pidfdSendSignal(pidfd, Signal.SIGUSR1);
            }
        } catch (ErrnoException e) {
            throw new CliException(1, "cannot signal container " + name + ": " + e.getMessage(), e);
        }
    }

    /** The first process's next report, waited for: its first one comes by itself, later ones after {@link #signal}. */
    public NodeReport nextReport() throws CliException, IOException {
        long deadline = System.nanoTime() + DEADLINE_NS;
        String output = "";
        while (System.nanoTime() < deadline) {
            output = log();
            List<NodeReport> reports = NodeReport.all(output);
            if (reports.size() > seen) {
                return reports.get(seen++);
            }
            LockSupport.parkNanos(POLL_NS);
        }
        throw new CliException(
                1,
                "container "
                        + name
                        + " told nothing of its nodes within 20 s; it printed: "
                        + output);
    }

    private String log() throws CliException, IOException {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        Query query =
                Query.of("/containers/" + id + "/logs").with("stdout", "1").with("stderr", "1");
        try (Response response = cli.client().get(query)) {
            OutputPump.frames(response.body(), output, output);
        }
        return output.toString(StandardCharsets.UTF_8);
    }

    /** Runs a program in it and returns what it printed. */
    public String exec(List<String> command) throws CliException, IOException {
        Map<String, Json> body = new LinkedHashMap<>();
        body.put("Cmd", Json.texts(command));
        body.put("AttachStdout", Json.of(true));
        body.put("AttachStderr", Json.of(true));
        String exec;
        Query create = Query.of("/containers/" + id + "/exec");
        try (Response response = cli.client().post(create, Json.of(body))) {
            exec = response.json().at("Id").text();
        }
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        Query start = Query.of("/exec/" + exec + "/start");
        try (Hijack stream =
                cli.client().hijack(start, Json.of(Map.of("Detach", Json.of(false))))) {
            OutputPump.frames(stream.in(), output, output);
        }
        return output.toString(StandardCharsets.UTF_8);
    }

    /** A report by a process that joins the container. */
    public NodeReport execReport(List<String> paths) throws CliException, IOException {
        List<String> command = new ArrayList<>(List.of("/probe", "nodes"));
        command.addAll(paths);
        String output = exec(command);
        List<NodeReport> reports = NodeReport.all(output);
        if (reports.size() != 1) {
            throw new CliException(
                    1, "a probe that joined container " + name + " printed: " + output);
        }
        return reports.get(0);
    }

    /** Kills and removes it. */
    public void remove() throws CliException, IOException {
        cli.client().delete(Query.of("/containers/" + id).with("force", "1")).close();
    }
}
