package dev.berth.agent.cli.run;

import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.json.Json;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** {@code --volume} and {@code --mount}. */
final class Mounts {
    private Mounts() {}

    /** A relative source ({@code ./data:/data}) becomes absolute: the agent does not know the caller's directory. */
    static String bind(String volume) {
        int colon = volume.indexOf(':');
        if (colon > 0 && (volume.startsWith(".") || volume.startsWith("~/"))) {
            String source = volume.substring(0, colon);
            return Path.of(source).toAbsolutePath().normalize() + volume.substring(colon);
        }
        return volume;
    }

    /** {@code type=bind,source=/a,target=/b,readonly} as the API's object. */
    static Json mount(String text) throws UsageException {
        Map<String, Json> mount = new LinkedHashMap<>();
        Map<String, Json> bind = new LinkedHashMap<>();
        Map<String, Json> tmpfs = new LinkedHashMap<>();
        mount.put("Type", Json.of("volume"));
        for (String option : text.split(",")) {
            int equals = option.indexOf('=');
            String name = equals < 0 ? option : option.substring(0, equals);
            String value = equals < 0 ? "" : option.substring(equals + 1);
            switch (name) {
                case "type" -> mount.put("Type", Json.of(value));
                case "source", "src" ->
                        mount.put(
                                "Source",
                                Json.of(
                                        value.startsWith(".")
                                                ? Path.of(value)
                                                        .toAbsolutePath()
                                                        .normalize()
                                                        .toString()
                                                : value));
                case "target", "dst", "destination" -> mount.put("Target", Json.of(value));
                case "readonly", "ro" ->
                        mount.put("ReadOnly", Json.of(equals < 0 || truth(text, option, value)));
                case "bind-propagation" -> bind.put("Propagation", Json.of(value));
                case "bind-nonrecursive" ->
                        bind.put("NonRecursive", Json.of(equals < 0 || truth(text, option, value)));
                case "bind-recursive" -> recursive(text, value, bind);
                case "tmpfs-size" ->
                        tmpfs.put("SizeBytes", Json.of(Sizes.bytes("mount tmpfs-size", value)));
                case "tmpfs-mode" -> tmpfs.put("Mode", Json.of(mode(text, value)));
                default ->
                        throw new UsageException(
                                "--mount: unknown option '" + name + "' in '" + text + "'");
            }
        }
        if (!mount.containsKey("Target")) {
            throw new UsageException("--mount: missing target= in '" + text + "'");
        }
        if (!bind.isEmpty()) {
            mount.put("BindOptions", Json.of(bind));
        }
        if (!tmpfs.isEmpty()) {
            mount.put("TmpfsOptions", Json.of(tmpfs));
        }
        return Json.of(mount);
    }

    private static void recursive(String text, String value, Map<String, Json> bind)
            throws UsageException {
        switch (value) {
            case "enabled" -> {}
            case "disabled" -> bind.put("NonRecursive", Json.of(true));
            case "writable" -> bind.put("ReadOnlyNonRecursive", Json.of(true));
            case "readonly" -> bind.put("ReadOnlyForceRecursive", Json.of(true));
            default ->
                    throw new UsageException(
                            "--mount: bind-recursive: want enabled, disabled, writable or readonly in '"
                                    + text
                                    + "'");
        }
    }

    private static boolean truth(String text, String option, String value) throws UsageException {
        return switch (value) {
            case "true", "1" -> true;
            case "false", "0" -> false;
            default ->
                    throw new UsageException(
                            "--mount: not true or false: " + option + " in " + text);
        };
    }

    private static long mode(String text, String value) throws UsageException {
        try {
            return Long.parseLong(value, 8);
        } catch (NumberFormatException e) {
            throw new UsageException("--mount: tmpfs-mode is not octal in '" + text + "'");
        }
    }
}
