package dev.berth.agent.master;

import dev.berth.agent.config.AgentException;
import dev.berth.protocol.v1.Protos.Attribute;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.Value;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Mesos's texts for resources and attributes: {@code cpus:4;ports:[31000-32000];zone:a}. */
final class Texts {
    private static final Pattern NUMBER = Pattern.compile("[0-9]+(\\.[0-9]+)?");
    private static final Pattern RANGES =
            Pattern.compile("\\[\\s*\\d{1,18}-\\d{1,18}(\\s*,\\s*\\d{1,18}-\\d{1,18})*\\s*\\]");
    private static final Pattern RANGE = Pattern.compile("(\\d+)-(\\d+)");

    private Texts() {}

    private record Named(String name, String value) {}

    private static List<Named> split(String option, String text) throws AgentException {
        List<Named> out = new ArrayList<>();
        for (String part : text.split(";", -1)) {
            if (part.isBlank()) {
                continue;
            }
            int colon = part.indexOf(':');
            if (colon < 1) {
                throw AgentException.invalid(
                        "option " + option + ": want NAME:VALUE;…, got \"" + part + "\"");
            }
            out.add(new Named(part.substring(0, colon).strip(), part.substring(colon + 1).strip()));
        }
        return out;
    }

    static List<Resource> resources(String text) throws AgentException {
        List<Resource> out = new ArrayList<>();
        for (Named named : split("--resources", text)) {
            out.add(resource(named.name(), named.value()));
        }
        return out;
    }

    static Resource resource(String name, String value) throws AgentException {
        if (NUMBER.matcher(value).matches()) {
            return NodeReport.scalar(name, Double.parseDouble(value));
        }
        Optional<Value.Ranges> ranges = ranges(value);
        if (ranges.isPresent()) {
            return Resource.newBuilder()
                    .setName(name)
                    .setType(Value.Type.RANGES)
                    .setRanges(ranges.get())
                    .build();
        }
        if (value.startsWith("{") && value.endsWith("}")) {
            Value.Set.Builder set = Value.Set.newBuilder();
            for (String item : value.substring(1, value.length() - 1).split(",", -1)) {
                set.addItem(item.strip());
            }
            return Resource.newBuilder().setName(name).setType(Value.Type.SET).setSet(set).build();
        }
        throw AgentException.invalid(
                "option --resources: want a number, [A-B,…] or {A,…} for "
                        + name
                        + ", got \""
                        + value
                        + "\"");
    }

    static List<Attribute> attributes(String text) throws AgentException {
        List<Attribute> out = new ArrayList<>();
        for (Named named : split("--attributes", text)) {
            Optional<Value.Ranges> ranges = ranges(named.value());
            if (ranges.isPresent()) {
                out.add(
                        Attribute.newBuilder()
                                .setName(named.name())
                                .setType(Value.Type.RANGES)
                                .setRanges(ranges.get())
                                .build());
            } else if (NUMBER.matcher(named.value()).matches()) {
                out.add(NodeReport.number(named.name(), Double.parseDouble(named.value())));
            } else {
                out.add(NodeReport.text(named.name(), named.value()));
            }
        }
        return out;
    }

    private static Optional<Value.Ranges> ranges(String value) {
        if (!RANGES.matcher(value).matches()) {
            return Optional.empty();
        }
        Value.Ranges.Builder ranges = Value.Ranges.newBuilder();
        Matcher range = RANGE.matcher(value);
        while (range.find()) {
            ranges.addRange(
                    Value.Range.newBuilder()
                            .setBegin(Long.parseLong(range.group(1)))
                            .setEnd(Long.parseLong(range.group(2))));
        }
        return Optional.of(ranges.build());
    }
}
