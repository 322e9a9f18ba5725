package dev.berth.agent.docker;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.containerizer.image.Image;
import dev.berth.containerizer.image.ImageConfig;

import java.util.List;

/** Images in Docker's JSON. */
final class ImageJson {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private ImageJson() {}

    private static long createdSeconds(ImageConfig config) {
        return config.created().map(java.time.Instant::getEpochSecond).orElse(0L);
    }

    static ObjectNode summary(Image image) {
        ObjectNode out = NODES.objectNode();
        out.put("Containers", -1).put("Created", createdSeconds(image.config()));
        out.put("Id", image.id().toString());
        ObjectNode labels = out.putObject("Labels");
        image.config().labels().forEach(labels::put);
        out.put("ParentId", "");
        strings(out.putArray("RepoDigests"), image.repoDigests());
        ArrayNode tags = out.putArray("RepoTags");
        image.tags().forEach(tag -> tags.add(tag.familiar()));
        out.put("SharedSize", -1).put("Size", image.sizeBytes());
        return out;
    }

    static ObjectNode inspect(Image image) {
        ImageConfig config = image.config();
        ObjectNode out = NODES.objectNode();
        out.put("Id", image.id().toString());
        ArrayNode tags = out.putArray("RepoTags");
        image.tags().forEach(tag -> tags.add(tag.familiar()));
        strings(out.putArray("RepoDigests"), image.repoDigests());
        out.put("Parent", "").put("Comment", "");
        out.put("Created", config.created().map(Times::rfc3339).orElse(""));
        out.put("DockerVersion", "").put("Author", config.author().orElse(""));
        out.set("Config", config(config));
        out.put("Architecture", config.architecture());
        config.variant().ifPresent(variant -> out.put("Variant", variant));
        out.put("Os", config.os()).put("Size", image.sizeBytes());
        out.put("VirtualSize", image.sizeBytes());
        out.putObject("GraphDriver").put("Name", "overlay2").putObject("Data");
        ObjectNode root = out.putObject("RootFS");
        ArrayNode layers = root.put("Type", "layers").putArray("Layers");
        config.diffIds().forEach(layer -> layers.add(layer.toString()));
        out.putObject("Metadata").put("LastTagTime", Times.rfc3339(0));
        return out;
    }

    private static ObjectNode config(ImageConfig config) {
        ObjectNode out = NODES.objectNode();
        out.put("Hostname", "").put("Domainname", "").put("User", config.user());
        out.put("AttachStdin", false).put("AttachStdout", false).put("AttachStderr", false);
        ObjectNode ports = out.putObject("ExposedPorts");
        config.exposedPorts().forEach(ports::putObject);
        out.put("Tty", false).put("OpenStdin", false).put("StdinOnce", false);
        strings(out.putArray("Env"), config.env());
        nullable(out, "Cmd", config.cmd());
        out.put("Image", "");
        ObjectNode volumes = out.putObject("Volumes");
        config.volumes().forEach(volumes::putObject);
        out.put("WorkingDir", config.workingDir());
        nullable(out, "Entrypoint", config.entrypoint());
        out.putNull("OnBuild");
        ObjectNode labels = out.putObject("Labels");
        config.labels().forEach(labels::put);
        config.stopSignal().ifPresent(signal -> out.put("StopSignal", signal));
        return out;
    }

    static ArrayNode history(Image image) {
        ArrayNode out = NODES.arrayNode();
        List<ImageConfig.History> lines = image.config().history().reversed();
        for (int i = 0; i < lines.size(); i++) {
            ImageConfig.History line = lines.get(i);
            ObjectNode entry = out.addObject();
            entry.put("Id", i == 0 ? image.id().toString() : "<missing>");
            entry.put("Created", line.created().map(java.time.Instant::getEpochSecond).orElse(0L));
            entry.put("CreatedBy", line.createdBy());
            ArrayNode tags = entry.putArray("Tags");
            if (i == 0) {
                image.tags().forEach(tag -> tags.add(tag.familiar()));
            }
            entry.put("Size", 0).put("Comment", line.comment());
        }
        return out;
    }

    private static void nullable(ObjectNode out, String name, List<String> words) {
        if (words.isEmpty()) {
            out.putNull(name);
        } else {
            strings(out.putArray(name), words);
        }
    }

    private static void strings(ArrayNode array, List<String> values) {
        values.forEach(array::add);
    }
}
