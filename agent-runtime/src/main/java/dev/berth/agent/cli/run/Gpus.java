package dev.berth.agent.cli.run;

import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.json.Json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * {@code --gpus} and CDI names as docker's {@code DeviceRequests}. Docker's grammar: comma-separated fields in CSV quoting, each {@code count}, {@code device}, {@code capabilities}, {@code driver} or {@code options} with a
 * value, or a bare count. Beyond it, where docker has only an error, a bare word goes on with the list before it, so that {@code device=0,1} needs no second pair of quotes.
 */
final class Gpus {
    /** vendor/class=name of the Container Device Interface; vendor and class begin with a letter. */
    private static final Pattern CDI_NAME =
            Pattern.compile(
                    "[A-Za-z][A-Za-z0-9._-]*/[A-Za-z][A-Za-z0-9._-]*=[A-Za-z0-9][A-Za-z0-9._:-]*");

    private final String text;
    private final Map<String, List<String>> fields = new LinkedHashMap<>();

    private Gpus(String text) {
        this.text = text;
    }

    static boolean isCdiName(String device) {
        return CDI_NAME.matcher(device).matches();
    }

    /** The request for devices by their CDI names. */
    static Json cdi(List<String> names) {
        Map<String, Json> request = new LinkedHashMap<>();
        request.put("Driver", Json.of("cdi"));
        request.put("DeviceIDs", Json.texts(names));
        return Json.of(request);
    }

    /** The request that one {@code --gpus} means. */
    static Json request(String text) throws UsageException {
        return new Gpus(text).parse();
    }

    private Json parse() throws UsageException {
        String last = "";
        for (String field : csv(text)) {
            int equals = field.indexOf('=');
            if (equals > 0) {
                last = field.substring(0, equals);
                put(last, field.substring(equals + 1));
            } else if (goesOn(last, field)) {
                fields.computeIfAbsent(last, key -> new ArrayList<>()).add(field);
            } else {
                put("count", field);
            }
        }
        boolean named = fields.containsKey("device");
        if (named && fields.containsKey("count")) {
            throw wrong("a count and devices contradict each other");
        }
        Map<String, Json> request = new LinkedHashMap<>();
        request.put("Driver", Json.of(one("driver")));
        request.put("Count", Json.of(named ? 0 : count(one("count"))));
        request.put("DeviceIDs", named ? Json.texts(list("device")) : Json.NULL);
        List<String> capabilities = new ArrayList<>(list("capabilities"));
        capabilities.remove("gpu");
        // Docker adds it last; without a capability list it is the whole list.
        capabilities.add("gpu");
        request.put("Capabilities", Json.of(List.of(Json.texts(capabilities))));
        request.put("Options", options());
        return Json.of(request);
    }

    private boolean goesOn(String last, String field) {
        return switch (last) {
            case "device" -> true;
            case "capabilities" -> !isCount(field);
            default -> false;
        };
    }

    private void put(String key, String value) throws UsageException {
        if (!List.of("driver", "count", "device", "capabilities", "options").contains(key)) {
            throw wrong(
                    "unknown key '"
                            + key
                            + "': want count, device, capabilities, driver or options");
        }
        if (fields.containsKey(key)) {
            throw wrong("'" + key + "' is given twice");
        }
        List<String> values = new ArrayList<>(List.of(value.split(",", -1)));
        if (key.equals("device") && values.contains("")) {
            throw wrong("a device without a name");
        }
        fields.put(key, values);
    }

    private List<String> list(String key) {
        return fields.getOrDefault(key, List.of());
    }

    private String one(String key) {
        return String.join(",", list(key));
    }

    private Json options() {
        Map<String, Json> options = new LinkedHashMap<>();
        for (String option : list("options")) {
            int equals = option.indexOf('=');
            options.put(
                    equals < 0 ? option : option.substring(0, equals),
                    Json.of(equals < 0 ? "" : option.substring(equals + 1)));
        }
        return Json.of(options);
    }

    private static boolean isCount(String field) {
        return field.equals("all") || number(field).isPresent();
    }

    private long count(String value) throws UsageException {
        if (value.isEmpty()) {
            return 1;
        }
        if (value.equals("all")) {
            return -1;
        }
        OptionalLong number = number(value);
        if (number.isEmpty() || (number.getAsLong() < 1 && number.getAsLong() != -1)) {
            throw wrong("want a number of at least 1, or all");
        }
        return number.getAsLong();
    }

    private static OptionalLong number(String value) {
        return value.matches("-?[0-9]{1,9}")
                ? OptionalLong.of(Long.parseLong(value))
                : OptionalLong.empty();
    }

    private UsageException wrong(String what) {
        return new UsageException(
                "--gpus '" + text + "': " + what + " (such as 2, all, device=0,1 or device=GPU-…)");
    }

    /** One line of comma-separated values, where a field may be in double quotes and a quote in them is doubled. */
    private List<String> csv(String line) throws UsageException {
        List<String> all = new ArrayList<>();
        StringBuilder field = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (quoted && c == '"' && i + 1 < line.length() && line.charAt(i + 1) == '"') {
                field.append('"');
                i++;
            } else if (c == '"') {
                quoted = !quoted;
            } else if (c == ',' && !quoted) {
                all.add(field.toString());
                field.setLength(0);
            } else {
                field.append(c);
            }
        }
        if (quoted) {
            throw wrong("a quote is not closed");
        }
        all.add(field.toString());
        return all;
    }
}
