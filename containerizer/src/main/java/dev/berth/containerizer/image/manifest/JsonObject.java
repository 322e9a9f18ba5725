package dev.berth.containerizer.image.manifest;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;

import dev.berth.containerizer.image.ImageException;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A JSON object that came from outside. Unknown members are no error (image-spec "Considerations"); a member of the wrong type is, and {@code null} counts as absent. Duplicate members are refused: two
 * readers that choose differently would see two images behind one digest.
 *
 * <p>Thread: any; immutable.
 */
public final class JsonObject {
    private static final int MAX_DEPTH = 64;

    private static final JsonFactory FACTORY =
            JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(
                            StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
                    .build();

    private final String what;
    private final Map<String, Object> members;

    private JsonObject(String what, Map<String, Object> members) {
        this.what = what;
        this.members = members;
    }

    /** Parses exactly one object; {@code what} names it in errors. */
    public static JsonObject parse(String what, byte[] bytes) throws ImageException {
        Object value = parseValue(what, bytes);
        if (value instanceof JsonObject object) {
            return object;
        }
        throw new ImageException(ImageException.Kind.INVALID, what + " is not a JSON object");
    }

    /** Parses exactly one array of objects (docker-archive's {@code manifest.json}). */
    public static List<JsonObject> parseArray(String what, byte[] bytes) throws ImageException {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("[]", parseValue(what, bytes));
        return new JsonObject(what, members).objects("[]");
    }

    private static Object parseValue(String what, byte[] bytes) throws ImageException {
        try (JsonParser parser = FACTORY.createParser(bytes)) {
            parser.nextToken();
            Optional<Object> value = read(what, parser);
            if (value.isEmpty() || parser.nextToken() != null) {
                throw new ImageException(
                        ImageException.Kind.INVALID, what + " is not one JSON document");
            }
            return value.get();
        } catch (IOException e) {
            throw new ImageException("parse " + what, e);
        }
    }

    private static Optional<Object> read(String what, JsonParser parser) throws IOException {
        JsonToken token = parser.currentToken();
        if (token == null) {
            return Optional.empty();
        }
        return switch (token) {
            case START_OBJECT -> Optional.of(readObject(what, parser));
            case START_ARRAY -> Optional.of(readArray(what, parser));
            case VALUE_STRING -> Optional.of(parser.getText());
            case VALUE_NUMBER_INT ->
                    Optional.of(
                            parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                                    ? (Object) parser.getBigIntegerValue()
                                    : (Object) parser.getLongValue());
            case VALUE_NUMBER_FLOAT -> Optional.of(parser.getDoubleValue());
            case VALUE_TRUE -> Optional.of(true);
            case VALUE_FALSE -> Optional.of(false);
            default -> Optional.empty();
        };
    }

    private static JsonObject readObject(String what, JsonParser parser) throws IOException {
        Map<String, Object> members = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            parser.nextToken();
            read(what + "." + name, parser).ifPresent(value -> members.put(name, value));
        }
        return new JsonObject(what, members);
    }

    private static List<Object> readArray(String what, JsonParser parser) throws IOException {
        List<Object> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            read(what + "[" + items.size() + "]", parser).ifPresent(items::add);
        }
        return items;
    }

    public boolean has(String name) {
        return members.containsKey(name);
    }

    public Set<String> names() {
        return members.keySet();
    }

    public Optional<String> string(String name) throws ImageException {
        return member(name, String.class, "a string");
    }

    /** A string member, or the empty string. */
    public String text(String name) throws ImageException {
        return string(name).orElse("");
    }

    public boolean flag(String name) throws ImageException {
        return member(name, Boolean.class, "true or false").orElse(false);
    }

    public OptionalLong integer(String name) throws ImageException {
        Optional<Long> value = member(name, Long.class, "an integer of 64 bits");
        return value.isPresent() ? OptionalLong.of(value.get()) : OptionalLong.empty();
    }

    public Optional<JsonObject> object(String name) throws ImageException {
        return member(name, JsonObject.class, "an object");
    }

    public List<JsonObject> objects(String name) throws ImageException {
        return list(name, JsonObject.class, "an array of objects");
    }

    public List<String> strings(String name) throws ImageException {
        return list(name, String.class, "an array of strings");
    }

    /** The members of an object member whose values are all strings, in order. */
    public Map<String, String> stringMap(String name) throws ImageException {
        Optional<JsonObject> object = object(name);
        if (object.isEmpty()) {
            return Map.of();
        }
        Map<String, String> result = new LinkedHashMap<>();
        for (String key : object.get().names()) {
            result.put(key, object.get().text(key));
        }
        return result;
    }

    private <T> Optional<T> member(String name, Class<T> type, String wanted)
            throws ImageException {
        Object value = members.get(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!type.isInstance(value)) {
            throw wrongType(name, wanted);
        }
        return Optional.of(type.cast(value));
    }

    private <T> List<T> list(String name, Class<T> type, String wanted) throws ImageException {
        Object value = members.get(name);
        if (value == null) {
            return List.of();
        }
        if (!(value instanceof List<?> items)) {
            throw wrongType(name, wanted);
        }
        List<T> result = new ArrayList<>(items.size());
        for (Object item : items) {
            if (!type.isInstance(item)) {
                throw wrongType(name, wanted);
            }
            result.add(type.cast(item));
        }
        return List.copyOf(result);
    }

    private ImageException wrongType(String name, String wanted) {
        return new ImageException(
                ImageException.Kind.INVALID, what + ": \"" + name + "\" is not " + wanted);
    }
}
