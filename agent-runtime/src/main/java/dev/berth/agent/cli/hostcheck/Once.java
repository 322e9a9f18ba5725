package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.terminal.OutputPump;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A container in {@link HostRoot} that runs a program to its end, any number of times. */
final class Once {
    private final Cli cli;
    private final String id;

    private Once(Cli cli, String id) {
        this.cli = cli;
        this.id = id;
    }

    /**
     * How a run ended.
     *
     * @param startNs from the request to start it until the answer
     */
    record Ended(long code, String output, long startNs) {}

    /** @param host members of its {@code HostConfig} */
    static Once create(
            Cli cli, Path root, String name, Map<String, Json> host, List<String> command)
            throws CliException, IOException {
        Map<String, Json> hostConfig = new LinkedHashMap<>(host);
        hostConfig.put("NetworkMode", Json.of("none"));
        Map<String, Json> body = new LinkedHashMap<>();
        body.put("Berth", Json.of(Map.of("Rootfs", Json.of(root.toString()))));
        body.put("Entrypoint", Json.texts(command.subList(0, 1)));
        body.put("Cmd", Json.texts(command.subList(1, command.size())));
        body.put("HostConfig", Json.of(hostConfig));
        Query query = Query.of("/containers/create").with("name", name);
        try (Response response = cli.client().post(query, Json.of(body))) {
            return new Once(cli, response.json().at("Id").text());
        }
    }

    Ended run() throws CliException, IOException {
        long began = System.nanoTime();
        cli.client().post(Query.of("/containers/" + id + "/start")).close();
        long startNs = System.nanoTime() - began;
        long code;
        try (Response ended = cli.client().post(Query.of("/containers/" + id + "/wait"))) {
            code = ended.json().at("StatusCode").number();
        }
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        Query logs =
                Query.of("/containers/" + id + "/logs").with("stdout", "1").with("stderr", "1");
        try (Response response = cli.client().get(logs)) {
            OutputPump.frames(response.body(), output, output);
        }
        return new Ended(code, output.toString(StandardCharsets.UTF_8), startNs);
    }

    /** Kills and removes it. */
    void remove() throws CliException, IOException {
        cli.client().delete(Query.of("/containers/" + id).with("force", "1")).close();
    }
}
