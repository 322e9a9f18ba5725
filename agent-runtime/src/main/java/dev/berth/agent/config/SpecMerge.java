package dev.berth.agent.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.containerizer.image.ImageConfig;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Merges an image's configuration into a request, as Docker does: the request wins, env and labels are joined by name, Cmd of the image only goes with the Entrypoint of the image. */
public final class SpecMerge {
    /** {@code /dev/shm} when nothing is asked for. */
    public static final long DEFAULT_SHM_BYTES = 64L << 20;

    private static final List<String> HOST_TEXTS =
            List.of(
                    "ContainerIDFile",
                    "VolumeDriver",
                    "CgroupnsMode",
                    "IpcMode",
                    "Cgroup",
                    "PidMode",
                    "UTSMode",
                    "UsernsMode",
                    "Isolation",
                    "CpusetCpus",
                    "CpusetMems",
                    "CgroupParent");
    private static final List<String> HOST_NUMBERS =
            List.of(
                    "OomScoreAdj",
                    "CpuShares",
                    "Memory",
                    "NanoCpus",
                    "BlkioWeight",
                    "CpuPeriod",
                    "CpuQuota",
                    "CpuRealtimePeriod",
                    "CpuRealtimeRuntime",
                    "MemoryReservation",
                    "MemorySwap",
                    "CpuCount",
                    "CpuPercent",
                    "IOMaximumIOps",
                    "IOMaximumBandwidth");
    private static final List<String> HOST_FLAGS =
            List.of("AutoRemove", "Privileged", "PublishAllPorts", "ReadonlyRootfs");
    private static final List<String> HOST_LISTS =
            List.of(
                    "CapAdd",
                    "CapDrop",
                    "Dns",
                    "DnsOptions",
                    "DnsSearch",
                    "ExtraHosts",
                    "GroupAdd",
                    "SecurityOpt",
                    "Devices",
                    "DeviceCgroupRules",
                    "DeviceRequests",
                    "Ulimits",
                    "Binds",
                    "Links",
                    "VolumesFrom",
                    "BlkioWeightDevice",
                    "BlkioDeviceReadBps",
                    "BlkioDeviceWriteBps",
                    "BlkioDeviceReadIOps",
                    "BlkioDeviceWriteIOps");

    private SpecMerge() {}

    /** The complete container; {@code hostname} is what it is called when the request does not say. */
    public static ContainerSpec merge(
            CreateRequest request, String imageId, Optional<ImageConfig> image, String hostname)
            throws AgentException {
        ObjectNode config = config(new Fields(request.config(), "Config"), image, hostname);
        ObjectNode host = host(request.hostConfig());
        if (request.config().path("NetworkDisabled").asBoolean()) {
            host.put("NetworkMode", "none");
        }
        ContainerSpec spec =
                new ContainerSpec(
                        config,
                        host,
                        imageId,
                        request.rootfs(),
                        request.required(),
                        request.durable());
        if (spec.argv().isEmpty()) {
            throw AgentException.invalid("no command specified");
        }
        spec.stopSignal();
        RestartPolicies.check(spec);
        return spec;
    }

    private static ObjectNode config(Fields asked, Optional<ImageConfig> image, String hostname)
            throws AgentException {
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        out.put("Hostname", asked.text("Hostname").isEmpty() ? hostname : asked.text("Hostname"));
        out.put("Domainname", asked.text("Domainname"));
        out.put("User", or(asked.text("User"), image.map(ImageConfig::user)));
        out.put("AttachStdin", asked.flag("AttachStdin"));
        out.put("AttachStdout", asked.flag("AttachStdout"));
        out.put("AttachStderr", asked.flag("AttachStderr"));
        ObjectNode ports = out.putObject("ExposedPorts");
        image.ifPresent(i -> i.exposedPorts().forEach(ports::putObject));
        asked.object("ExposedPorts").node().fieldNames().forEachRemaining(ports::putObject);
        out.put("Tty", asked.flag("Tty"));
        out.put("OpenStdin", asked.flag("OpenStdin"));
        out.put("StdinOnce", asked.flag("StdinOnce"));
        strings(out.putArray("Env"), env(asked, image));
        Optional<List<String>> entrypoint = asked.words("Entrypoint");
        Optional<List<String>> cmd = asked.words("Cmd");
        // Docker: an entrypoint of the request drops the image's Cmd; a single empty string clears
        // the image's entrypoint.
        if (entrypoint.isEmpty()) {
            entrypoint = image.map(ImageConfig::entrypoint);
            if (cmd.isEmpty() || cmd.get().isEmpty()) {
                cmd = image.map(ImageConfig::cmd);
            }
        } else if (entrypoint.get().equals(List.of(""))) {
            entrypoint = Optional.of(List.of());
        }
        nullable(out, "Cmd", cmd.filter(c -> !c.isEmpty()));
        out.put("Image", asked.text("Image"));
        out.putObject("Volumes");
        String cwd = or(asked.text("WorkingDir"), image.map(ImageConfig::workingDir));
        if (!cwd.isEmpty() && !cwd.startsWith("/")) {
            throw AgentException.invalid(
                    "the working directory '"
                            + cwd
                            + "' is invalid, it needs to be an absolute path");
        }
        out.put("WorkingDir", cwd);
        nullable(out, "Entrypoint", entrypoint.filter(e -> !e.isEmpty()));
        out.putNull("OnBuild");
        ObjectNode labels = out.putObject("Labels");
        image.ifPresent(i -> i.labels().forEach(labels::put));
        asked.map("Labels").forEach(labels::put);
        String stop = or(asked.text("StopSignal"), image.flatMap(ImageConfig::stopSignal));
        if (!stop.isEmpty()) {
            out.put("StopSignal", stop);
        }
        if (asked.has("StopTimeout")) {
            out.put("StopTimeout", asked.number("StopTimeout"));
        }
        return out;
    }

    private static List<String> env(Fields asked, Optional<ImageConfig> image)
            throws AgentException {
        Map<String, String> byName = new LinkedHashMap<>();
        image.ifPresent(i -> i.env().forEach(line -> byName.put(name(line), line)));
        for (String line : asked.list("Env")) {
            if (line.isEmpty() || line.startsWith("=") || line.indexOf('\0') >= 0) {
                throw AgentException.invalid("invalid environment variable: " + line);
            }
            if (line.indexOf('=') < 0) {
                // "-e NAME" without a value in the client's environment unsets the image's.
                byName.remove(line);
            } else {
                byName.put(name(line), line);
            }
        }
        return new ArrayList<>(byName.values());
    }

    static String name(String line) {
        int equals = line.indexOf('=');
        return equals < 0 ? line : line.substring(0, equals);
    }

    private static ObjectNode host(ObjectNode asked) throws AgentException {
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        HOST_TEXTS.forEach(name -> out.put(name, ""));
        HOST_NUMBERS.forEach(name -> out.put(name, 0));
        HOST_FLAGS.forEach(name -> out.put(name, false));
        HOST_LISTS.forEach(out::putNull);
        out.put("NetworkMode", "none");
        out.put("Runtime", "berth");
        out.put("ShmSize", DEFAULT_SHM_BYTES);
        out.putObject("PortBindings");
        out.putObject("RestartPolicy").put("Name", "no").put("MaximumRetryCount", 0);
        ObjectNode log = out.putObject("LogConfig");
        log.put("Type", "json-file").putObject("Config");
        out.putNull("MemorySwappiness").putNull("OomKillDisable").putNull("PidsLimit");
        out.putArray("ConsoleSize").add(0).add(0);
        for (Map.Entry<String, JsonNode> entry : asked.properties()) {
            JsonNode value = entry.getValue();
            boolean keep = out.has(entry.getKey()) && Fields.isEmpty(value);
            if (!value.isNull() && !keep) {
                out.set(entry.getKey(), value.deepCopy());
            }
        }
        if (out.path("LogConfig") instanceof ObjectNode given
                && given.path("Type").asText("").isEmpty()) {
            given.put("Type", "json-file");
        }
        Fields fields = new Fields(out, "HostConfig");
        if (fields.number("ShmSize") < 0) {
            throw AgentException.invalid("SHM size can not be less than 0");
        }
        return defaultPaths(out);
    }

    private static ObjectNode defaultPaths(ObjectNode host) {
        boolean privileged = host.path("Privileged").asBoolean();
        if (!host.has("MaskedPaths")) {
            strings(
                    host.putArray("MaskedPaths"),
                    privileged ? List.of() : SecurityTranslation.MASKED_PATHS);
        }
        if (!host.has("ReadonlyPaths")) {
            strings(
                    host.putArray("ReadonlyPaths"),
                    privileged ? List.of() : SecurityTranslation.READ_ONLY_PATHS);
        }
        return host;
    }

    private static String or(String asked, Optional<String> fallback) {
        return asked.isEmpty() ? fallback.orElse("") : asked;
    }

    private static void nullable(ObjectNode out, String name, Optional<List<String>> words) {
        if (words.isPresent()) {
            strings(out.putArray(name), words.get());
        } else {
            out.putNull(name);
        }
    }

    private static void strings(ArrayNode array, List<String> values) {
        values.forEach(array::add);
    }
}
