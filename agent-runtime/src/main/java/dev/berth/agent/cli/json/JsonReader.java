package dev.berth.agent.cli.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads values that follow one another on a stream, each as soon as its last byte is there. */
public final class JsonReader implements AutoCloseable {
    private static final JsonFactory FACTORY = new JsonFactory();

    private final JsonParser parser;

    public JsonReader(InputStream in) throws IOException {
        parser = FACTORY.createParser(in);
    }

    /** The value that a text holds. */
    public static Json read(String text) throws IOException {
        return read(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** The first value of a stream, {@link Json#NULL} if there is none; reads to the end and closes it. */
    public static Json read(InputStream in) throws IOException {
        try (in;
                JsonReader reader = new JsonReader(in)) {
            Json first = reader.next().orElse(Json.NULL);
            in.transferTo(OutputStream.nullOutputStream());
            return first;
        }
    }

    /** The next value; empty at the end of the stream. Blocks. */
    public Optional<Json> next() throws IOException {
        JsonToken token = parser.nextToken();
        return token == null ? Optional.empty() : Optional.of(value(token));
    }

    private Json value(@Nullable JsonToken token) throws IOException {
        if (token == null) {
            throw new IOException("JSON ends in the middle of a value");
        }
        return switch (token) {
            case START_OBJECT -> object();
            case START_ARRAY -> array();
            case VALUE_STRING -> Json.of(parser.getText());
            case VALUE_NUMBER_INT ->
                    // Counters without a limit are written as 2^64 - 1.
                    parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                            ? Json.of(parser.getDoubleValue())
                            : Json.of(parser.getLongValue());
            case VALUE_NUMBER_FLOAT -> Json.of(parser.getDoubleValue());
            case VALUE_TRUE -> Json.of(true);
            case VALUE_FALSE -> Json.of(false);
            default -> Json.NULL;
        };
    }

    private Json object() throws IOException {
        Map<String, Json> members = new LinkedHashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            members.put(name, value(parser.nextToken()));
        }
        return Json.of(members);
    }

    private Json array() throws IOException {
        List<Json> items = new ArrayList<>();
        JsonToken token = parser.nextToken();
        while (token != JsonToken.END_ARRAY) {
            items.add(value(token));
            token = parser.nextToken();
        }
        return Json.of(items);
    }

    @Override
    public void close() throws IOException {
        parser.close();
    }
}
