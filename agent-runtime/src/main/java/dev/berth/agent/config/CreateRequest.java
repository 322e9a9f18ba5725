package dev.berth.agent.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import java.util.List;
import java.util.Optional;

/**
 * The body of {@code POST /containers/create}, taken apart and checked as far as that goes without the image.
 *
 * @param name the wished name
 * @param image what the client calls the image; empty when {@code rootfs} is there
 * @param platform {@code os/arch[/variant]} when the client insists on one
 * @param config Docker's {@code Config}
 * @param hostConfig Docker's {@code HostConfig}
 * @param rootfs our extension ({@code Berth.Rootfs}): a host directory used as the root instead of an image
 * @param required our extension ({@code Berth.Required}): limits that must be enforced, else the start is refused
 * @param durable our extension ({@code Berth.Durable}, default true): false for a container that is gone after a power cut, and whose creation therefore waits for no disk
 */
public record CreateRequest(
        Optional<String> name,
        String image,
        Optional<String> platform,
        ObjectNode config,
        ObjectNode hostConfig,
        Optional<String> rootfs,
        List<String> required,
        boolean durable) {
    private static final java.util.regex.Pattern NAME =
            java.util.regex.Pattern.compile("/?[a-zA-Z0-9][a-zA-Z0-9_.-]+");

    /** Takes a body apart; refuses by name what Berth does not support. */
    public static CreateRequest of(Optional<String> name, Optional<String> platform, JsonNode body)
            throws AgentException {
        if (!body.isObject()) {
            throw AgentException.invalid("invalid container: the body must be a JSON object");
        }
        Optional<String> plain = Optional.empty();
        if (name.isPresent() && !name.get().isEmpty()) {
            plain = Optional.of(checkName(name.get()));
        }
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        ObjectNode host = JsonNodeFactory.instance.objectNode();
        for (var entry : body.properties()) {
            switch (entry.getKey()) {
                case "HostConfig" -> {
                    if (entry.getValue() instanceof ObjectNode object) {
                        host.setAll(object);
                    }
                }
                case "NetworkingConfig", "Berth" -> {}
                default -> config.set(entry.getKey(), entry.getValue());
            }
        }
        Fields berth = new Fields(body, "body").object("Berth");
        String rootfs = berth.text("Rootfs");
        List<String> required = berth.list("Required");
        boolean durable = !berth.has("Durable") || berth.flag("Durable");
        RequestRules.check(
                new Fields(config, "Config"),
                new Fields(host, "HostConfig"),
                body.path("NetworkingConfig"));
        String image = new Fields(config, "Config").text("Image");
        if (image.isEmpty() && rootfs.isEmpty()) {
            throw AgentException.invalid("invalid container: no Image given");
        }
        if (!rootfs.isEmpty() && !rootfs.startsWith("/")) {
            throw AgentException.invalid(
                    "invalid Berth.Rootfs: want an absolute host directory, got " + rootfs);
        }
        for (String resource : required) {
            if (!List.of("cpu", "memory", "pids", "io", "cpuset").contains(resource)) {
                throw AgentException.invalid(
                        "invalid Berth.Required: unknown resource "
                                + resource
                                + " (want cpu, memory, pids, io or cpuset)");
            }
        }
        return new CreateRequest(
                plain,
                rootfs.isEmpty() ? image : "",
                platform.filter(p -> !p.isEmpty()),
                config,
                host,
                rootfs.isEmpty() ? Optional.empty() : Optional.of(rootfs),
                required,
                durable);
    }

    /** A container's name without Docker's optional leading slash. */
    public static String checkName(String name) throws AgentException {
        if (!NAME.matcher(name).matches()) {
            throw AgentException.invalid(
                    "Invalid container name ("
                            + name
                            + "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
        }
        return name.startsWith("/") ? name.substring(1) : name;
    }
}
