package dev.berth.agent.config;

import dev.berth.isolator.ContainerConfig.MountSpec;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** {@code -v}, {@code --mount}, {@code --tmpfs} and the generated files of {@code /etc}. */
public final class MountTranslation {
    /** The generated files that every container gets unless it mounts its own there. */
    public static final List<String> GENERATED = List.of("hosts", "hostname", "resolv.conf");

    private static final Set<String> PROPAGATION =
            Set.of("private", "rprivate", "slave", "rslave", "shared", "rshared");

    private MountTranslation() {}

    static List<MountSpec> mounts(Fields config) throws AgentException {
        List<MountSpec> out = new ArrayList<>();
        for (String bind : config.list("Binds")) {
            out.add(bind(bind));
        }
        for (Fields mount : config.objects("Mounts")) {
            out.add(mount(mount));
        }
        for (Map.Entry<String, String> tmpfs : config.map("Tmpfs").entrySet()) {
            out.add(tmpfs(tmpfs.getKey(), List.of(tmpfs.getValue().split(",", -1))));
        }
        Set<String> targets = new HashSet<>();
        for (MountSpec mount : out) {
            if (!targets.add(mount.target())) {
                throw AgentException.invalid("Duplicate mount point: " + mount.target());
            }
        }
        // A mount must come after the one that holds its target; otherwise the order is the user's.
        out.sort(Comparator.comparingInt(mount -> depth(mount.target())));
        return out;
    }

    /** The generated files by where they go, without those that the user mounts something else over. */
    static Map<String, String> generated(List<MountSpec> mounts) {
        Map<String, String> out = new LinkedHashMap<>();
        for (String name : GENERATED) {
            String target = "/etc/" + name;
            if (mounts.stream().noneMatch(mount -> mount.target().equals(target))) {
                out.put(target, name);
            }
        }
        return out;
    }

    /** Host directories of {@code -v} and CreateMountpoint binds, which Docker makes when they are missing. */
    public static List<String> missingSourcesToMake(Fields config) throws AgentException {
        List<String> out = new ArrayList<>();
        for (String bind : config.list("Binds")) {
            out.add(bind(bind).source());
        }
        for (Fields mount : config.objects("Mounts")) {
            if (mount.text("Type").equals("bind")
                    && mount.object("BindOptions").flag("CreateMountpoint")) {
                out.add(mount.text("Source"));
            }
        }
        return out;
    }

    /** Host paths of {@code --mount type=bind}, which must exist. */
    public static List<String> requiredSources(Fields config) throws AgentException {
        List<String> out = new ArrayList<>();
        for (Fields mount : config.objects("Mounts")) {
            if (mount.text("Type").equals("bind")) {
                out.add(mount.text("Source"));
            }
        }
        return out;
    }

    private static int depth(String target) {
        return (int) target.chars().filter(c -> c == '/').count();
    }

    static MountSpec.Bind bind(String text) throws AgentException {
        String[] parts = text.split(":", -1);
        if (parts.length < 2 || parts.length > 3 || parts[0].isEmpty()) {
            throw AgentException.invalid("invalid volume specification: '" + text + "'");
        }
        if (!parts[0].startsWith("/")) {
            throw AgentException.refused(
                    "named volume \"" + parts[0] + "\"",
                    "bind a host directory with -v /host/path:" + parts[1]);
        }
        boolean readOnly = false;
        boolean nonRecursive = false;
        String propagation = "rprivate";
        for (String option : parts.length == 3 ? parts[2].split(",", -1) : new String[0]) {
            switch (option) {
                case "ro", "rro" -> readOnly = true;
                case "rw", "z", "Z", "" -> {}
                case "bind-nonrecursive" -> nonRecursive = true;
                default -> {
                    if (!PROPAGATION.contains(option)) {
                        throw AgentException.invalid("invalid mode: " + option + " in " + text);
                    }
                    propagation = option;
                }
            }
        }
        return new MountSpec.Bind(
                source(parts[0]),
                target(parts[1]),
                readOnly,
                readOnly && !nonRecursive,
                !nonRecursive,
                propagation,
                false,
                false,
                false);
    }

    private static MountSpec mount(Fields mount) throws AgentException {
        String target = mount.text("Target");
        return switch (mount.text("Type")) {
            case "bind" -> {
                Fields options = mount.object("BindOptions");
                String propagation = options.text("Propagation");
                if (!propagation.isEmpty() && !PROPAGATION.contains(propagation)) {
                    throw AgentException.invalid("invalid propagation mode: " + propagation);
                }
                boolean readOnly = mount.flag("ReadOnly");
                boolean recursive = !options.flag("NonRecursive");
                if (options.flag("ReadOnlyForceRecursive") && !(readOnly && recursive)) {
                    throw AgentException.invalid(
                            "mount options conflict: ReadOnlyForceRecursive needs ReadOnly and a recursive bind");
                }
                yield new MountSpec.Bind(
                        source(mount.text("Source")),
                        target(target),
                        readOnly,
                        readOnly && recursive && !options.flag("ReadOnlyNonRecursive"),
                        recursive,
                        propagation.isEmpty() ? "rprivate" : propagation,
                        false,
                        false,
                        false);
            }
            case "tmpfs" -> {
                Fields options = mount.object("TmpfsOptions");
                long mode = options.number("Mode");
                boolean exec = false;
                for (var option : options.node().path("Options")) {
                    exec |= option.path(0).asText().equals("exec");
                }
                yield new MountSpec.Tmpfs(
                        target(target),
                        options.number("SizeBytes"),
                        mode == 0 ? 01777 : (int) mode & 07777,
                        0,
                        0,
                        mount.flag("ReadOnly"),
                        exec);
            }
            default ->
                    throw AgentException.refused(
                            "mount type \"" + mount.text("Type") + "\" (" + target + ")",
                            "use type=bind or type=tmpfs");
        };
    }

    private static MountSpec.Tmpfs tmpfs(String target, List<String> options)
            throws AgentException {
        long size = 0;
        int mode = 01777;
        int uid = 0;
        int gid = 0;
        boolean readOnly = false;
        boolean exec = false;
        for (String option : options) {
            int equals = option.indexOf('=');
            String value = equals < 0 ? "" : option.substring(equals + 1);
            switch (equals < 0 ? option : option.substring(0, equals)) {
                case "ro" -> readOnly = true;
                case "rw", "noexec", "nosuid", "nodev", "" -> {}
                case "exec" -> exec = true;
                case "size" -> size = ContainerSpec.size("tmpfs size", value);
                case "mode" -> mode = number("tmpfs mode", value, 8) & 07777;
                case "uid" -> uid = number("tmpfs uid", value, 10);
                case "gid" -> gid = number("tmpfs gid", value, 10);
                default -> throw AgentException.refused("tmpfs option \"" + option + "\"", "");
            }
        }
        return new MountSpec.Tmpfs(target(target), size, mode, uid, gid, readOnly, exec);
    }

    private static int number(String what, String text, int radix) throws AgentException {
        try {
            return Integer.parseUnsignedInt(text, radix);
        } catch (NumberFormatException _) {
            throw AgentException.invalid("invalid " + what + ": \"" + text + "\"");
        }
    }

    private static String source(String path) throws AgentException {
        if (!path.startsWith("/")) {
            throw AgentException.invalid(
                    "invalid mount config: invalid mount path: '"
                            + path
                            + "' mount path must be absolute");
        }
        return path;
    }

    /** Cleans a target and refuses the root and everything on or under /proc (CVE-2019-16884). */
    private static String target(String path) throws AgentException {
        if (!path.startsWith("/") || List.of(path.split("/", -1)).contains("..")) {
            throw AgentException.invalid(
                    "invalid mount config: invalid mount target: '"
                            + path
                            + "' must be absolute and without ..");
        }
        String clean = path.replaceAll("/\\.(?=/|$)", "").replaceAll("/+", "/");
        clean =
                clean.length() > 1 && clean.endsWith("/")
                        ? clean.substring(0, clean.length() - 1)
                        : clean;
        if (clean.equals("/") || clean.isEmpty()) {
            throw AgentException.invalid("invalid specification: destination can't be '/'");
        }
        if (clean.equals("/proc") || clean.startsWith("/proc/")) {
            throw AgentException.invalid(
                    "invalid mount target '"
                            + path
                            + "': mounting over /proc would defeat its protections");
        }
        return clean;
    }
}
