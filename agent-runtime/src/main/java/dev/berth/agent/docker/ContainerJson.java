package dev.berth.agent.docker;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.conductor.Status;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.Fields;
import dev.berth.containerizer.image.Image;
import dev.berth.containerizer.image.ImageStore;

import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Containers in Docker's JSON, with every map that clients expect to be there. */
final class ContainerJson {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private ContainerJson() {}

    /** One entry of {@code GET /containers/json}. */
    static ObjectNode summary(ContainerView view, ImageStore images) {
        ObjectNode out = NODES.objectNode();
        out.put("Id", view.id().value());
        out.putArray("Names").add("/" + view.name());
        out.put("Image", imageName(view, images));
        out.put("ImageID", view.spec().imageId());
        out.put("Command", command(view));
        out.put("Created", view.createdNs() / 1_000_000_000L);
        out.putArray("Ports");
        out.set("Labels", view.spec().config().path("Labels"));
        out.put("State", view.status().word());
        out.put("Status", status(view));
        out.putObject("HostConfig").put("NetworkMode", view.spec().networkMode());
        out.putObject("NetworkSettings").set("Networks", networks(view));
        out.set("Mounts", mounts(view));
        return out;
    }

    /** An image that lost its name since is shown by its id. */
    private static String imageName(ContainerView view, ImageStore images) {
        String name = view.spec().image();
        try {
            if (view.spec().rootfs().isPresent()) {
                return view.spec().rootfs().get();
            }
            var found = images.find(name);
            if (found.isPresent() && !found.get().id().toString().equals(view.spec().imageId())) {
                return view.spec().imageId();
            }
        } catch (dev.berth.containerizer.image.ImageException _) {
            return view.spec().imageId();
        }
        return name;
    }

    private static String command(ContainerView view) {
        try {
            return String.join(" ", view.spec().argv());
        } catch (AgentException e) {
            AgentLog.warn("command of " + view.name() + ": " + e.chain());
            return "";
        }
    }

    /** {@code Up 3 minutes}, {@code Exited (0) 2 hours ago}. */
    static String status(ContainerView view) {
        long now = now();
        return switch (view.status()) {
            case CREATED, STARTING -> "Created";
            case RUNNING -> "Up " + span(now - view.startedNs());
            case PAUSED -> "Up " + span(now - view.startedNs()) + " (Paused)";
            case RESTARTING ->
                    "Restarting ("
                            + view.exitCode()
                            + ") "
                            + span(now - view.finishedNs())
                            + " ago";
            case EXITED ->
                    "Exited (" + view.exitCode() + ") " + span(now - view.finishedNs()) + " ago";
            case REMOVING -> "Removal In Progress";
            case DEAD -> "Dead";
        };
    }

    private static long now() {
        Instant now = Instant.now(Clock.systemUTC());
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    /** A span of time in Docker's words. */
    static String span(long ns) {
        long seconds = Math.max(0, ns / 1_000_000_000L);
        long minutes = seconds / 60;
        long hours = Math.round(seconds / 3600.0);
        if (seconds < 1) {
            return "Less than a second";
        } else if (seconds == 1) {
            return "1 second";
        } else if (seconds < 60) {
            return seconds + " seconds";
        } else if (minutes == 1) {
            return "About a minute";
        } else if (minutes < 60) {
            return minutes + " minutes";
        } else if (hours == 1) {
            return "About an hour";
        } else if (hours < 48) {
            return hours + " hours";
        } else if (hours < 24 * 7 * 2) {
            return hours / 24 + " days";
        } else if (hours < 24 * 30 * 2) {
            return hours / 24 / 7 + " weeks";
        } else if (hours < 24 * 365 * 2) {
            return hours / 24 / 30 + " months";
        }
        return hours / 24 / 365 + " years";
    }

    /** The answer of {@code GET /containers/ID/json}. */
    static ObjectNode inspect(ContainerView view, ApiContext context) throws AgentException {
        ObjectNode out = NODES.objectNode();
        List<String> argv = view.spec().argv();
        out.put("Id", view.id().value());
        out.put("Created", Times.rfc3339(view.createdNs()));
        out.put("Path", argv.getFirst());
        ArrayNode args = out.putArray("Args");
        argv.subList(1, argv.size()).forEach(args::add);
        out.set("State", state(view));
        out.put("Image", view.spec().imageId());
        out.put(
                "ResolvConfPath",
                context.generatedFile().apply(view.id(), "resolv.conf").toString());
        out.put("HostnamePath", context.generatedFile().apply(view.id(), "hostname").toString());
        out.put("HostsPath", context.generatedFile().apply(view.id(), "hosts").toString());
        out.put("LogPath", context.logDirectory().apply(view.id()).resolve("log").toString());
        out.put("Name", "/" + view.name());
        out.put("RestartCount", view.restartCount());
        out.put("Driver", "overlay2");
        out.put("Platform", "linux");
        out.put("MountLabel", "").put("ProcessLabel", "").put("AppArmorProfile", "");
        if (view.execs().isEmpty()) {
            out.putNull("ExecIDs");
        } else {
            ArrayNode execs = out.putArray("ExecIDs");
            view.execs().forEach(execs::add);
        }
        out.set("HostConfig", view.spec().hostConfig());
        ObjectNode driver = out.putObject("GraphDriver");
        driver.put("Name", "overlay2").putObject("Data");
        out.set("Mounts", mounts(view));
        out.set("Config", view.spec().config());
        out.set("NetworkSettings", networkSettings(view));
        out.set("Berth", berth(view));
        return out;
    }

    private static ObjectNode state(ContainerView view) {
        ObjectNode out = NODES.objectNode();
        Status status = view.status();
        out.put("Status", status.word());
        out.put("Running", status.isAlive() || status == Status.RESTARTING);
        out.put("Paused", status == Status.PAUSED);
        out.put("Restarting", status == Status.RESTARTING);
        out.put("OOMKilled", view.oomKilled());
        out.put("Dead", status == Status.DEAD);
        out.put("Pid", view.pid());
        out.put("ExitCode", view.exitCode());
        out.put("Error", view.error());
        out.put("StartedAt", Times.rfc3339(view.startedNs()));
        out.put("FinishedAt", Times.rfc3339(view.finishedNs()));
        return out;
    }

    private static ObjectNode networkSettings(ContainerView view) {
        ObjectNode out = NODES.objectNode();
        out.put("Bridge", "").put("SandboxID", "").put("SandboxKey", "");
        out.put("HairpinMode", false);
        out.put("LinkLocalIPv6Address", "").put("LinkLocalIPv6PrefixLen", 0);
        out.putObject("Ports");
        out.putNull("SecondaryIPAddresses").putNull("SecondaryIPv6Addresses");
        out.put("EndpointID", "").put("Gateway", "").put("GlobalIPv6Address", "");
        out.put("GlobalIPv6PrefixLen", 0).put("IPAddress", "").put("IPPrefixLen", 0);
        out.put("IPv6Gateway", "").put("MacAddress", "");
        out.set("Networks", networks(view));
        return out;
    }

    private static ObjectNode networks(ContainerView view) {
        ObjectNode out = NODES.objectNode();
        ObjectNode network = out.putObject(view.spec().networkMode());
        network.putNull("IPAMConfig").putNull("Links").putNull("Aliases");
        network.put("MacAddress", "").putNull("DriverOpts").put("GwPriority", 0);
        network.put("NetworkID", "").put("EndpointID", "").put("Gateway", "");
        network.put("IPAddress", "").put("IPPrefixLen", 0).put("IPv6Gateway", "");
        network.put("GlobalIPv6Address", "").put("GlobalIPv6PrefixLen", 0);
        network.putNull("DNSNames");
        return out;
    }

    private static ArrayNode mounts(ContainerView view) {
        ArrayNode out = NODES.arrayNode();
        Fields host = new Fields(view.spec().hostConfig(), "HostConfig");
        try {
            for (String bind : host.list("Binds")) {
                String[] parts = bind.split(":", -1);
                String mode = parts.length > 2 ? parts[2] : "";
                mount(
                        out,
                        "bind",
                        parts[0],
                        parts[1],
                        mode,
                        !List.of(mode.split(",", -1)).contains("ro"));
            }
            for (Fields mount : host.objects("Mounts")) {
                mount(
                        out,
                        mount.text("Type"),
                        mount.text("Source"),
                        mount.text("Target"),
                        "",
                        !mount.flag("ReadOnly"));
            }
            for (Map.Entry<String, String> tmpfs : host.map("Tmpfs").entrySet()) {
                mount(out, "tmpfs", "", tmpfs.getKey(), tmpfs.getValue(), true);
            }
        } catch (AgentException e) {
            AgentLog.warn("mounts of " + view.name() + ": " + e.chain());
        }
        return out;
    }

    private static void mount(
            ArrayNode out,
            String type,
            String source,
            String target,
            String mode,
            boolean writable) {
        ObjectNode mount = out.addObject();
        mount.put("Type", type).put("Source", source).put("Destination", target);
        mount.put("Mode", mode).put("RW", writable);
        mount.put("Propagation", type.equals("bind") ? "rprivate" : "");
    }

    /** What Docker has no word for: the last start's stages, the last exits, what is not enforced. */
    private static ObjectNode berth(ContainerView view) {
        ObjectNode out = NODES.objectNode();
        out.put("Run", view.run());
        ArrayNode warnings = out.putArray("Warnings");
        view.warnings().forEach(warnings::add);
        ArrayNode devices = out.putArray("Devices");
        view.devices().forEach(devices::add);
        ArrayNode stages = out.putArray("Timeline");
        view.timeline()
                .ifPresent(timeline -> {
                    long first =
                            timeline.stages().isEmpty() ? 0 : timeline.stages().getFirst().atNs();
                    timeline.stages()
                            .forEach(stage ->
                                    stages.addObject()
                                            .put("Stage", stage.name())
                                            .put("Us", (stage.atNs() - first) / 1000));
                });
        ArrayNode exits = out.putArray("Exits");
        for (ContainerView.Exit exit : view.exits()) {
            exits.addObject()
                    .put("Run", exit.run())
                    .put("ExitCode", exit.code())
                    .put("OOMKilled", exit.oomKilled())
                    .put("StartedAt", Times.rfc3339(exit.startedNs()))
                    .put("FinishedAt", Times.rfc3339(exit.finishedNs()));
        }
        view.spec().rootfs().ifPresent(directory -> out.put("Rootfs", directory));
        return out;
    }

    /** Whether a container was made from an image that a filter's {@code ancestor} names. */
    static boolean isFrom(ContainerView view, String ancestor, ImageStore images) {
        if (view.spec().image().equals(ancestor)) {
            return true;
        }
        try {
            return images.find(ancestor)
                    .map(Image::id)
                    .filter(id -> id.toString().equals(view.spec().imageId()))
                    .isPresent();
        } catch (dev.berth.containerizer.image.ImageException _) {
            return false;
        }
    }
}
