package dev.berth.gpu.cdi;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.berth.gpu.DeviceException;
import dev.berth.gpu.cdi.CdiSpec.Device;
import dev.berth.gpu.cdi.CdiSpec.Edits;
import dev.berth.gpu.cdi.CdiSpec.Hook;
import dev.berth.gpu.cdi.CdiSpec.IntelRdt;
import dev.berth.gpu.cdi.CdiSpec.Mount;
import dev.berth.gpu.cdi.CdiSpec.NetDevice;
import dev.berth.gpu.cdi.CdiSpec.Node;

import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads one CDI file, JSON or YAML: unknown fields, fields that the file's own version does not have, and whatever the specification forbids are refused, each with its place. Pure. Thread: any.
 */
final class CdiParser {
    static final int MAX_BYTES = 4 << 20;
    private static final int MAX_DEPTH = 32;
    private static final int MAX_ANNOTATION_BYTES = 256 * 1024;
    private static final int MAX_CLOS_ID = 4096;
    private static final long UINT32 = 0xffffffffL;

    /** In order; what is between them is no version. */
    static final List<String> VERSIONS =
            List.of("0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0");

    private static final Set<String> HOOKS =
            Set.of(
                    "prestart",
                    "createRuntime",
                    "createContainer",
                    "startContainer",
                    "poststart",
                    "poststop");

    private static final ObjectMapper JSON =
            new ObjectMapper(
                            JsonFactory.builder()
                                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(MAX_DEPTH)
                                                    .build())
                                    .build())
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private static final LoadSettings YAML =
            LoadSettings.builder()
                    .setAllowDuplicateKeys(false)
                    .setAllowRecursiveKeys(false)
                    .setCodePointLimit(MAX_BYTES)
                    .build();

    private CdiParser() {}

    /**
     * Reads one file's content.
     *
     * @param name of the file, for messages; one that ends in {@code .yaml} is YAML
     * @throws DeviceException with the place and what is wrong there
     */
    static CdiSpec parse(String name, byte[] content) throws DeviceException {
        if (content.length > MAX_BYTES) {
            throw new DeviceException(name + ": more than " + MAX_BYTES + " bytes");
        }
        JsonNode root = name.endsWith(".yaml") ? yaml(name, content) : json(name, content);
        return spec(new CdiFields(name, root));
    }

    private static JsonNode json(String name, byte[] content) throws DeviceException {
        try {
            return JSON.readTree(content);
        } catch (IOException e) {
            throw new DeviceException(name + ": no JSON", e);
        }
    }

    private static JsonNode yaml(String name, byte[] content) throws DeviceException {
        String text = new String(content, StandardCharsets.UTF_8);
        String plain = text.startsWith("\ufeff") ? text.substring(1) : text;
        try {
            checkEvents(name, plain);
            List<Object> documents = new ArrayList<>();
            for (Object document : new Load(YAML).loadAllFromString(plain)) {
                documents.add(document);
            }
            if (documents.size() != 1) {
                throw new DeviceException(
                        name + ": want one document, there are " + documents.size());
            }
            return JSON.valueToTree(documents.getFirst());
        } catch (YamlEngineException | IllegalArgumentException e) {
            throw new DeviceException(name + ": no YAML", e);
        }
    }

    /** Aliases make small files large and graphs endless, and no producer of CDI files writes any. */
    private static void checkEvents(String name, String text) throws DeviceException {
        int depth = 0;
        for (Event event : new Parse(YAML).parseString(text)) {
            switch (event.getEventId()) {
                case Alias ->
                        throw new DeviceException(name + ": anchors and aliases are not read");
                case MappingStart, SequenceStart -> depth++;
                case MappingEnd, SequenceEnd -> depth--;
                default -> {} // scalars, and ends of documents
            }
            if (depth > MAX_DEPTH) {
                throw new DeviceException(name + ": nested deeper than " + MAX_DEPTH);
            }
        }
    }

    private static CdiSpec spec(CdiFields file) throws DeviceException {
        String version = file.requiredText("cdiVersion");
        if (!VERSIONS.contains(version)) {
            throw new DeviceException(
                    file.where()
                            + ".cdiVersion: \""
                            + version
                            + "\" is none that is read; there are "
                            + String.join(", ", VERSIONS));
        }
        String kind = file.requiredText("kind");
        if (!CdiName.isKind(kind)) {
            throw new DeviceException(
                    file.where() + ".kind: want vendor/class, not \"" + kind + "\"");
        }
        Map<String, String> annotations = annotations(file);
        Edits edits =
                file.has("containerEdits") ? edits(file.object("containerEdits")) : Edits.NONE;
        List<Device> devices = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (CdiFields fields : file.objects("devices")) {
            Device device = device(fields);
            if (!names.add(device.name())) {
                throw new DeviceException(
                        fields.where() + ": a second device \"" + device.name() + "\"");
            }
            devices.add(device);
        }
        if (devices.isEmpty()) {
            throw new DeviceException(file.where() + ".devices: want at least one");
        }
        file.end();
        CdiSpec spec = new CdiSpec(version, kind, annotations, edits, List.copyOf(devices));
        CdiVersions.check(file.where(), spec);
        return spec;
    }

    private static Map<String, String> annotations(CdiFields fields) throws DeviceException {
        if (!fields.has("annotations")) {
            return Map.of();
        }
        Map<String, String> all = fields.object("annotations").allTexts();
        int bytes = 0;
        for (Map.Entry<String, String> one : all.entrySet()) {
            bytes += one.getKey().length() + one.getValue().length();
        }
        if (bytes > MAX_ANNOTATION_BYTES) {
            throw new DeviceException(
                    fields.where() + ".annotations: more than " + MAX_ANNOTATION_BYTES + " bytes");
        }
        return all;
    }

    private static Device device(CdiFields fields) throws DeviceException {
        String name = fields.requiredText("name");
        if (!CdiName.isDevice(name)) {
            throw new DeviceException(
                    fields.where()
                            + ".name: \""
                            + name
                            + "\": want letters, digits and ._:- between letters or digits");
        }
        Map<String, String> annotations = annotations(fields);
        if (!fields.has("containerEdits")) {
            throw new DeviceException(fields.where() + ".containerEdits is missing");
        }
        Edits edits = edits(fields.object("containerEdits"));
        if (edits.isEmpty()) {
            throw new DeviceException(
                    fields.where() + ".containerEdits: a device that adds nothing");
        }
        fields.end();
        return new Device(name, annotations, edits);
    }

    private static Edits edits(CdiFields fields) throws DeviceException {
        List<String> env = env(fields);
        List<Node> nodes = new ArrayList<>();
        for (CdiFields node : fields.objects("deviceNodes")) {
            nodes.add(node(node));
        }
        List<NetDevice> nets = netDevices(fields);
        List<Hook> hooks = new ArrayList<>();
        for (CdiFields hook : fields.objects("hooks")) {
            hooks.add(hook(hook));
        }
        List<Mount> mounts = new ArrayList<>();
        for (CdiFields mount : fields.objects("mounts")) {
            mounts.add(
                    new Mount(
                            mount.requiredText("hostPath"),
                            mount.requiredPath("containerPath"),
                            mount.texts("options"),
                            mount.text("type")));
            mount.end();
        }
        Optional<IntelRdt> rdt =
                fields.has("intelRdt")
                        ? Optional.of(intelRdt(fields.object("intelRdt")))
                        : Optional.empty();
        List<Integer> gids = fields.numbers("additionalGids");
        fields.end();
        return new Edits(
                env, List.copyOf(nodes), nets, List.copyOf(hooks), List.copyOf(mounts), rdt, gids);
    }

    private static List<String> env(CdiFields fields) throws DeviceException {
        List<String> env = fields.texts("env");
        for (String variable : env) {
            if (variable.indexOf('=') <= 0) {
                throw new DeviceException(
                        fields.where() + ".env: want NAME=VALUE, not \"" + variable + "\"");
            }
        }
        return env;
    }

    private static Node node(CdiFields node) throws DeviceException {
        String type = node.text("type");
        if (!type.matches("[bcup]?")) {
            throw new DeviceException(
                    node.where() + ".type: want b, c, u or p, not \"" + type + "\"");
        }
        String permissions = node.text("permissions");
        if (!permissions.matches("[rwm]*")) {
            throw new DeviceException(
                    node.where()
                            + ".permissions: want letters of rwm, not \""
                            + permissions
                            + "\"");
        }
        Node read =
                new Node(
                        node.requiredPath("path"),
                        node.path("hostPath"),
                        type,
                        node.number("major", Integer.MAX_VALUE).orElse(0),
                        node.number("minor", Integer.MAX_VALUE).orElse(0),
                        node.number("fileMode", UINT32),
                        permissions,
                        node.number("uid", UINT32),
                        node.number("gid", UINT32));
        node.end();
        return read;
    }

    private static List<NetDevice> netDevices(CdiFields fields) throws DeviceException {
        List<NetDevice> nets = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (CdiFields net : fields.objects("netDevices")) {
            NetDevice read =
                    new NetDevice(net.requiredText("hostInterfaceName"), net.requiredText("name"));
            net.end();
            if (!names.add("host " + read.hostInterfaceName()) || !names.add(read.name())) {
                throw new DeviceException(net.where() + ": an interface is named twice");
            }
            nets.add(read);
        }
        return List.copyOf(nets);
    }

    private static Hook hook(CdiFields hook) throws DeviceException {
        String name = hook.requiredText("hookName");
        if (!HOOKS.contains(name)) {
            throw new DeviceException(
                    hook.where() + ".hookName: there is no hook \"" + name + "\"");
        }
        Hook read = new Hook(name, hook.requiredPath("path"), hook.texts("args"), env(hook));
        hook.number("timeout", Integer.MAX_VALUE);
        hook.end();
        return read;
    }

    private static IntelRdt intelRdt(CdiFields rdt) throws DeviceException {
        String closId = rdt.text("closID");
        boolean named =
                closId.length() < MAX_CLOS_ID
                        && !closId.contains("\n")
                        && !closId.equals(".")
                        && !closId.equals("..")
                        && (!closId.contains("/") || closId.equals("/"));
        if (!named) {
            throw new DeviceException(rdt.where() + ".closID: no name of a class");
        }
        rdt.text("l3CacheSchema");
        rdt.text("memBwSchema");
        List<String> schemata = rdt.texts("schemata");
        boolean monitored = rdt.flag("enableMonitoring");
        rdt.end();
        return new IntelRdt(closId, monitored || !schemata.isEmpty());
    }
}
