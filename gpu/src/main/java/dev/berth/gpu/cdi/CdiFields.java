package dev.berth.gpu.cdi;

import com.fasterxml.jackson.databind.JsonNode;

import dev.berth.gpu.DeviceException;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/** An object of a CDI file whose fields are all known: one that nobody has asked for when {@link #end} is called refuses the file. Thread: one. */
final class CdiFields {
    private static final JsonNode MISSING =
            com.fasterxml.jackson.databind.node.MissingNode.getInstance();

    private final String where;
    private final JsonNode object;
    private final Set<String> asked = new HashSet<>();

    CdiFields(String where, JsonNode object) throws DeviceException {
        this.where = where;
        this.object = object;
        if (!object.isObject()) {
            throw new DeviceException(where + ": want an object");
        }
    }

    private JsonNode take(String name) {
        asked.add(name);
        JsonNode value = object.path(name);
        return value.isNull() ? MISSING : value;
    }

    private DeviceException wrong(String name, String wanted) {
        return new DeviceException(where + "." + name + ": want " + wanted);
    }

    /** Empty when it is absent. */
    String text(String name) throws DeviceException {
        JsonNode value = take(name);
        if (value.isMissingNode()) {
            return "";
        }
        if (!value.isTextual() || value.textValue().indexOf('\0') >= 0) {
            throw wrong(name, "a text");
        }
        return value.textValue();
    }

    String requiredText(String name) throws DeviceException {
        String text = text(name);
        if (text.isEmpty()) {
            throw new DeviceException(where + "." + name + " is missing");
        }
        return text;
    }

    /** A path that begins at the root and has no {@code ..}. */
    String path(String name) throws DeviceException {
        String text = text(name);
        if (!text.isEmpty() && (!text.startsWith("/") || List.of(text.split("/")).contains(".."))) {
            throw wrong(name, "an absolute path without ..");
        }
        return text;
    }

    String requiredPath(String name) throws DeviceException {
        requiredText(name);
        return path(name);
    }

    /** An unsigned number; one in octal as YAML 1.1 writes it, with a leading 0, is understood. */
    OptionalInt number(String name, long most) throws DeviceException {
        JsonNode value = take(name);
        if (value.isMissingNode()) {
            return OptionalInt.empty();
        }
        long number;
        if (value.isTextual() && value.textValue().matches("0[0-7]{1,10}")) {
            number = Long.parseLong(value.textValue(), 8);
        } else if (value.isIntegralNumber() && value.canConvertToLong()) {
            number = value.longValue();
        } else {
            throw wrong(name, "a number");
        }
        if (number < 0 || number > most) {
            throw wrong(name, "a number from 0 to " + most);
        }
        return OptionalInt.of((int) number);
    }

    /** Whether it is there at all; its value must be true or false. */
    boolean flag(String name) throws DeviceException {
        JsonNode value = take(name);
        if (!value.isMissingNode() && !value.isBoolean()) {
            throw wrong(name, "true or false");
        }
        return value.asBoolean(false);
    }

    private Iterable<JsonNode> array(String name) throws DeviceException {
        JsonNode value = take(name);
        if (!value.isMissingNode() && !value.isArray()) {
            throw wrong(name, "a list");
        }
        return value;
    }

    List<String> texts(String name) throws DeviceException {
        List<String> out = new ArrayList<>();
        for (JsonNode value : array(name)) {
            if (!value.isTextual() || value.textValue().indexOf('\0') >= 0) {
                throw wrong(name, "a list of texts");
            }
            out.add(value.textValue());
        }
        return List.copyOf(out);
    }

    List<Integer> numbers(String name) throws DeviceException {
        List<Integer> out = new ArrayList<>();
        for (JsonNode value : array(name)) {
            if (!value.canConvertToInt() || !value.isIntegralNumber() || value.intValue() < 0) {
                throw wrong(name, "a list of numbers");
            }
            out.add(value.intValue());
        }
        return List.copyOf(out);
    }

    List<CdiFields> objects(String name) throws DeviceException {
        List<CdiFields> out = new ArrayList<>();
        for (JsonNode value : array(name)) {
            out.add(new CdiFields(where + "." + name + "[" + out.size() + "]", value));
        }
        return out;
    }

    boolean has(String name) {
        return !take(name).isMissingNode();
    }

    /** An object that is there. */
    CdiFields object(String name) throws DeviceException {
        return new CdiFields(where + "." + name, take(name));
    }

    /** All fields of this object as texts. */
    Map<String, String> allTexts() throws DeviceException {
        Map<String, String> out = new LinkedHashMap<>();
        for (Iterator<String> names = object.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            out.put(name, text(name));
        }
        return Map.copyOf(out);
    }

    String where() {
        return where;
    }

    /** All was read: refuses what was not. */
    void end() throws DeviceException {
        for (Iterator<String> names = object.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!asked.contains(name)) {
                throw new DeviceException(
                        where + "." + name + " is not a field that CDI 1.1.0 has there");
            }
        }
    }
}
