package dev.berth.gpu.chardev;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.berth.gpu.DeviceException;
import dev.berth.gpu.chardev.CharResource.Node;
import dev.berth.gpu.chardev.CharResource.Numbers;
import dev.berth.gpu.chardev.CharResource.Source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/** Reads the configuration of character devices, strictly: what is unknown, double, missing or of the wrong type is an error that names the place. Thread: any; blocks on the file. */
public final class CharDeviceFile {
    private static final int LIMIT_BYTES = 1 << 20;
    private static final int MAX_MAJOR = 4095;
    private static final int MAX_MINOR = (1 << 20) - 1;

    private static final ObjectReader READER =
            JsonMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build()
                    .readerFor(JsonNode.class);

    private CharDeviceFile() {}

    /** @throws DeviceException when it cannot be read or says something wrong: file, place and what is expected */
    public static List<CharResource> read(Path file) throws DeviceException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(LIMIT_BYTES + 1);
        } catch (IOException e) {
            throw new DeviceException("read devices of " + file, e);
        }
        if (bytes.length > LIMIT_BYTES) {
            throw new DeviceException(file + ": more than " + LIMIT_BYTES + " bytes");
        }
        return parse(new String(bytes, StandardCharsets.UTF_8), file.toString());
    }

    /** {@code where} is the file's name, for errors. */
    static List<CharResource> parse(String text, String where) throws DeviceException {
        JsonNode root;
        try {
            root = READER.readTree(text);
        } catch (JacksonException e) {
            throw new DeviceException(
                    where + ": not JSON: " + e.getOriginalMessage() + " at " + line(e));
        } catch (StackOverflowError _) {
            throw new DeviceException(where + ": not JSON of ours: nested too deeply");
        }
        Json json = new Json(root, where);
        json.only("resources");
        List<CharResource> resources = new ArrayList<>();
        Set<String> names = new HashSet<>();
        Set<String> kinds = new HashSet<>();
        for (Json one : json.list("resources")) {
            CharResource resource = resource(one);
            if (!names.add(resource.name())) {
                throw one.error("name", "is used twice: " + resource.name());
            }
            if (!kinds.add(resource.resourceName())) {
                throw one.error("resourceName", "is used twice: " + resource.resourceName());
            }
            resources.add(resource);
        }
        return resources;
    }

    private static String line(JacksonException e) {
        return e.getLocation() == null
                ? "its end"
                : "line "
                        + e.getLocation().getLineNr()
                        + ", column "
                        + e.getLocation().getColumnNr();
    }

    private static CharResource resource(Json json) throws DeviceException {
        json.only(
                "name",
                "resourceName",
                "model",
                "devices",
                "controlNodes",
                "withheldNodes",
                "attributes",
                "mode",
                "clean");
        String name = json.text("name");
        if (!name.matches("[a-z0-9][a-z0-9-]{0,31}")) {
            throw json.error(
                    "name", "must be small letters, digits and '-', at most 32: '" + name + "'");
        }
        String kind = json.text("resourceName");
        if (!kind.matches("[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9_-]*")
                || kind.length() > 128) {
            throw json.error(
                    "resourceName",
                    "must be VENDOR/CLASS, such as habana.ai/gaudi: '" + kind + "'");
        }
        List<Source> sources = new ArrayList<>();
        Set<String> ids = new HashSet<>();
        for (Json one : json.list("devices")) {
            Source source = source(one);
            if (source instanceof Source.Named named && !ids.add(named.id())) {
                throw one.error("id", "is used twice: " + named.id());
            }
            sources.add(source);
        }
        if (sources.isEmpty()) {
            throw json.error("devices", "must name at least one device or pattern");
        }
        String clean = json.textOr("clean", "closed");
        if (!clean.equals("closed") && !clean.equals("reset")) {
            throw json.error("clean", "must be 'closed' or 'reset': '" + clean + "'");
        }
        return new CharResource(
                name,
                kind,
                json.textOr("model", name),
                sources,
                nodes(json, "controlNodes"),
                nodes(json, "withheldNodes"),
                attributes(json),
                mode(json),
                clean.equals("closed"));
    }

    private static Source source(Json json) throws DeviceException {
        if (json.has("glob")) {
            json.only("glob", "with");
            NodeGlob glob;
            String text = path(json, "glob", json.text("glob"));
            try {
                glob = NodeGlob.of(text);
            } catch (IllegalArgumentException e) {
                throw json.error("glob", String.valueOf(e.getMessage()));
            }
            List<String> with = new ArrayList<>();
            for (Json one : json.listOr("with")) {
                String further = path(one, "", one.text());
                if (further.matches(".*[*?].*")) {
                    throw one.error("", "may have '#', but neither '*' nor '?': " + further);
                }
                if (further.indexOf('#') >= 0 && !glob.hasNumber()) {
                    throw one.error("", "has a '#', but its glob has none: " + further);
                }
                with.add(further);
            }
            return new Source.Matching(glob, with);
        }
        json.only("id", "nodes");
        String id = json.text("id");
        if (!id.matches("[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")) {
            throw json.error("id", "must be letters, digits and '._:-', at most 64: '" + id + "'");
        }
        List<Node> nodes = nodes(json, "nodes");
        if (nodes.isEmpty()) {
            throw json.error("nodes", "must name at least one node");
        }
        return new Source.Named(id, nodes);
    }

    private static List<Node> nodes(Json json, String field) throws DeviceException {
        List<Node> nodes = new ArrayList<>();
        for (Json one : json.listOr(field)) {
            if (one.isText()) {
                nodes.add(new Node(path(one, "", one.text()), Optional.empty()));
                continue;
            }
            one.only("path", "major", "minor");
            Optional<Numbers> numbers =
                    one.has("major") || one.has("minor")
                            ? Optional.of(
                                    new Numbers(
                                            one.number("major", MAX_MAJOR),
                                            one.number("minor", MAX_MINOR)))
                            : Optional.empty();
            nodes.add(new Node(path(one, "path", one.text("path")), numbers));
        }
        return nodes;
    }

    private static String path(Json json, String field, String path) throws DeviceException {
        boolean fine =
                path.startsWith("/dev/")
                        && path.length() < 256
                        && path.chars().noneMatch(Character::isISOControl)
                        && !(path + "/").contains("/../")
                        && !(path + "/").contains("/./")
                        && !path.contains("//")
                        && !path.endsWith("/");
        if (!fine) {
            throw json.error(field, "must be a plain path below /dev/: '" + path + "'");
        }
        return path;
    }

    private static Map<String, String> attributes(Json json) throws DeviceException {
        Map<String, String> attributes = new TreeMap<>();
        if (json.has("attributes")) {
            Json object = json.object("attributes");
            for (String key : object.keys()) {
                attributes.put(key, object.text(key));
            }
        }
        return attributes;
    }

    private static OptionalInt mode(Json json) throws DeviceException {
        String text = json.textOr("mode", "");
        if (text.isEmpty()) {
            return OptionalInt.empty();
        }
        if (!text.matches("0?[0-7]{3}")) {
            throw json.error("mode", "must be octal permissions such as \"0666\": '" + text + "'");
        }
        return OptionalInt.of(Integer.parseInt(text, 8));
    }
}
