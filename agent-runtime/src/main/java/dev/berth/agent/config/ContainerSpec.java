package dev.berth.agent.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A container as it was asked for with its image's defaults merged in, in Docker's own words: what inspect shows, the checkpoint keeps and the translation reads. The two objects are never changed
 * after they are made.
 *
 * @param config Docker's {@code Config}, complete
 * @param hostConfig Docker's {@code HostConfig}, complete
 * @param imageId digest of the image's configuration; empty with {@code rootfs}
 * @param rootfs a host directory used as the root
 * @param required limits that must be enforced
 * @param durable whether it is there again after a power cut
 */
public record ContainerSpec(
        ObjectNode config,
        ObjectNode hostConfig,
        String imageId,
        Optional<String> rootfs,
        List<String> required,
        boolean durable) {
    public List<String> argv() throws AgentException {
        Fields fields = new Fields(config, "Config");
        List<String> argv = new ArrayList<>(fields.words("Entrypoint").orElse(List.of()));
        argv.addAll(fields.words("Cmd").orElse(List.of()));
        return argv;
    }

    public String image() {
        return config.path("Image").asText("");
    }

    public boolean tty() {
        return config.path("Tty").asBoolean();
    }

    public boolean openStdin() {
        return config.path("OpenStdin").asBoolean();
    }

    public boolean stdinOnce() {
        return config.path("StdinOnce").asBoolean();
    }

    public boolean autoRemove() {
        return hostConfig.path("AutoRemove").asBoolean();
    }

    public boolean privileged() {
        return hostConfig.path("Privileged").asBoolean();
    }

    public String networkMode() {
        String mode = hostConfig.path("NetworkMode").asText("");
        return mode.isEmpty() ? "none" : mode;
    }

    public Map<String, String> labels() throws AgentException {
        return new Fields(config, "Config").map("Labels");
    }

    /** The signal that {@code stop} sends first. */
    public int stopSignal() throws AgentException {
        String name = config.path("StopSignal").asText("");
        return name.isEmpty() ? Signals.SIGTERM : Signals.parse(name);
    }

    /** Seconds that {@code stop} waits before it kills; −1 waits for ever. */
    public int stopTimeoutSeconds() {
        JsonNode timeout = config.path("StopTimeout");
        return timeout.isIntegralNumber() ? timeout.intValue() : 10;
    }

    /** {@code no}, {@code on-failure}, {@code always} or {@code unless-stopped}. */
    public String restartPolicy() {
        String name = hostConfig.path("RestartPolicy").path("Name").asText("");
        return name.isEmpty() ? "no" : name;
    }

    /** How often {@code on-failure} restarts; 0 is without end. */
    public int maximumRetries() {
        return hostConfig.path("RestartPolicy").path("MaximumRetryCount").asInt();
    }

    /** A copy with other limits (docker update); fields that {@code changes} does not hold stay. */
    public ContainerSpec withHostConfig(ObjectNode changes) {
        ObjectNode copy = hostConfig.deepCopy();
        copy.setAll(changes);
        return new ContainerSpec(config, copy, imageId, rootfs, required, durable);
    }

    /** For the checkpoint. */
    public ObjectNode toJson() {
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        out.set("config", config);
        out.set("hostConfig", hostConfig);
        out.put("imageId", imageId);
        rootfs.ifPresent(dir -> out.put("rootfs", dir));
        var list = out.putArray("required");
        required.forEach(list::add);
        if (!durable) {
            out.put("durable", false);
        }
        return out;
    }

    /** From the checkpoint. */
    public static ContainerSpec fromJson(JsonNode json) throws AgentException {
        Fields fields = new Fields(json, "checkpoint");
        if (!(json.path("config") instanceof ObjectNode config)
                || !(json.path("hostConfig") instanceof ObjectNode host)) {
            throw AgentException.invalid("invalid checkpoint: no config");
        }
        String rootfs = fields.text("rootfs");
        return new ContainerSpec(
                config,
                host,
                fields.text("imageId"),
                rootfs.isEmpty() ? Optional.empty() : Optional.of(rootfs),
                fields.list("required"),
                !fields.has("durable") || fields.flag("durable"));
    }

    /** Reads Docker's sizes with units: {@code 10m}, {@code 1g}, {@code 65536}. */
    static long size(String what, String text) throws AgentException {
        String value = text.strip().toLowerCase(Locale.ROOT);
        if (value.endsWith("b") && value.length() > 1) {
            value = value.substring(0, value.length() - 1);
        }
        int shift = 0;
        if (!value.isEmpty()) {
            shift =
                    switch (value.charAt(value.length() - 1)) {
                        case 'k' -> 10;
                        case 'm' -> 20;
                        case 'g' -> 30;
                        case 't' -> 40;
                        default -> 0;
                    };
        }
        try {
            double number =
                    Double.parseDouble(shift == 0 ? value : value.substring(0, value.length() - 1));
            if (number >= 0 && number * (1L << shift) < 9e18) {
                return (long) (number * (1L << shift));
            }
        } catch (NumberFormatException _) {
            // the message below names the field
        }
        throw AgentException.invalid(
                "invalid " + what + ": want a size such as 64m or 1g, got \"" + text + "\"");
    }
}
