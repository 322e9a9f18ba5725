package dev.berth.protocol;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Base64;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads Mesos's JSON as leniently as Mesos does: unknown keys are passed over, {@code null} is unset, numbers and booleans may be strings, one value may stand for a list of one, an unknown enumerator leaves its field
 * unset. Where documents in the field are wrong but clear it is more lenient: a bare number is taken for a {@code Value.Scalar}, and {@code "10mins"} for a duration.
 *
 * <p>What Mesos refuses is refused: a missing required field, an object for a scalar, a number for an enumerator. A fraction for an integer is refused too, where Mesos would cut it off in silence.
 */
public final class MesosJsonReader {
    private static final Pattern DURATION =
            Pattern.compile("(-?\\d+(?:\\.\\d+)?)(ns|us|ms|secs|mins|hrs|days|weeks)");
    private static final BigInteger UNSIGNED_END = BigInteger.ONE.shiftLeft(64);

    private final JsonParser json;
    private final StringBuilder path = new StringBuilder();

    private MesosJsonReader(JsonParser json) {
        this.json = json;
    }

    /** Reads one object into a message of the prototype's type; nothing may follow it. */
    public static <T extends Message> T read(byte[] bytes, T prototype) throws ProtocolException {
        String what = prototype.getDescriptorForType().getFullName();
        try (JsonParser json = MesosJson.FACTORY.createParser(bytes)) {
            MesosJsonReader reader = new MesosJsonReader(json);
            Message.Builder builder = prototype.newBuilderForType();
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new ProtocolException(what + ": expected a JSON object");
            }
            reader.message(builder);
            if (json.nextToken() != null) {
                throw new ProtocolException(what + ": something follows the JSON object");
            }
            if (!builder.isInitialized()) {
                throw new ProtocolException(
                        what
                                + ": missing required fields: "
                                + String.join(", ", builder.findInitializationErrors()));
            }
            @SuppressWarnings("unchecked") // a builder builds its prototype's type
            T built = (T) builder.build();
            return built;
        } catch (IOException e) {
            throw new ProtocolException(what + ": not JSON: " + firstLine(e.getMessage()), e);
        }
    }

    private static String firstLine(@Nullable String text) {
        return text == null ? "" : text.lines().findFirst().orElse("");
    }

    /** At the object's start; leaves the parser at its end. */
    private void message(Message.Builder builder) throws IOException, ProtocolException {
        Descriptor type = builder.getDescriptorForType();
        while (json.nextToken() != JsonToken.END_OBJECT) {
            FieldDescriptor field = type.findFieldByName(json.currentName());
            JsonToken value = json.nextToken();
            if (field == null) {
                json.skipChildren();
            } else if (value != JsonToken.VALUE_NULL) {
                int length = path.length();
                path.append(length == 0 ? "" : ".").append(field.getName());
                if (field.isMapField()) {
                    map(builder, field);
                } else if (field.isRepeated()) {
                    list(builder, field);
                } else {
                    Object read = value(builder, field);
                    if (read != null) {
                        builder.setField(field, read);
                    }
                }
                path.setLength(length);
            }
        }
    }

    private void list(Message.Builder builder, FieldDescriptor field)
            throws IOException, ProtocolException {
        builder.clearField(field);
        if (!json.isExpectedStartArrayToken()) {
            add(builder, field);
            return;
        }
        int index = 0;
        int length = path.length();
        while (json.nextToken() != JsonToken.END_ARRAY) {
            path.append('[').append(index++).append(']');
            if (json.currentToken() != JsonToken.VALUE_NULL) {
                add(builder, field);
            }
            path.setLength(length);
        }
    }

    private void add(Message.Builder builder, FieldDescriptor field)
            throws IOException, ProtocolException {
        Object read = value(builder, field);
        if (read != null) {
            builder.addRepeatedField(field, read);
        }
    }

    private void map(Message.Builder builder, FieldDescriptor field)
            throws IOException, ProtocolException {
        if (json.currentToken() != JsonToken.START_OBJECT) {
            throw expected("an object");
        }
        builder.clearField(field);
        FieldDescriptor key = field.getMessageType().findFieldByNumber(1);
        FieldDescriptor value = field.getMessageType().findFieldByNumber(2);
        int length = path.length();
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String name = json.currentName();
            path.append('[').append(name).append(']');
            if (json.nextToken() != JsonToken.VALUE_NULL) {
                Message.Builder entry = builder.newBuilderForField(field);
                Object read = value(entry, value);
                if (read != null) {
                    builder.addRepeatedField(
                            field, entry.setField(key, name).setField(value, read).buildPartial());
                }
            }
            path.setLength(length);
        }
    }

    /** The value at the parser's token; null for an enumerator that is not known. */
    private @Nullable Object value(Message.Builder owner, FieldDescriptor field)
            throws IOException, ProtocolException {
        if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
            return nested(owner, field);
        }
        if (json.currentToken().isStructStart()) {
            throw expected(words(field));
        }
        return switch (field.getJavaType()) {
            case ENUM -> {
                if (json.currentToken() != JsonToken.VALUE_STRING) {
                    throw expected(words(field));
                }
                yield field.getEnumType().findValueByName(json.getText());
            }
            case STRING -> {
                if (json.currentToken() != JsonToken.VALUE_STRING) {
                    throw expected(words(field));
                }
                yield whole(json.getText());
            }
            case BYTE_STRING -> bytes(field);
            case BOOLEAN -> bool(field);
            case DOUBLE -> decimal(field);
            case FLOAT -> (float) decimal(field);
            case INT -> (int) integer(field);
            case LONG -> integer(field);
            case MESSAGE -> throw new IllegalStateException("handled above");
        };
    }

    /** Half of a character cannot be written again as it was: a task's id would come back as another. */
    private String whole(String text) throws IOException, ProtocolException {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                if (!Character.isSurrogatePair(
                        text.charAt(i), i + 1 < text.length() ? text.charAt(i + 1) : ' ')) {
                    throw expected("a string of whole characters");
                }
                i++;
            }
        }
        return text;
    }

    private Message nested(Message.Builder owner, FieldDescriptor field)
            throws IOException, ProtocolException {
        Message.Builder builder = owner.newBuilderForField(field);
        if (json.currentToken() == JsonToken.START_OBJECT) {
            message(builder);
            return builder.buildPartial();
        }
        String type = field.getMessageType().getFullName();
        if (type.equals("mesos.v1.Value.Scalar") && json.currentToken().isNumeric()) {
            FieldDescriptor value = field.getMessageType().findFieldByName("value");
            return builder.setField(value, json.getDoubleValue()).buildPartial();
        }
        if (type.equals(Duration.getDescriptor().getFullName())
                && json.currentToken() == JsonToken.VALUE_STRING) {
            return duration(json.getText());
        }
        throw expected("an object");
    }

    private Duration duration(String text) throws IOException, ProtocolException {
        Matcher found = DURATION.matcher(text);
        if (!found.matches()) {
            throw expected("an object or a duration such as \"10mins\"");
        }
        long unitNs =
                switch (found.group(2)) {
                    case "ns" -> 1L;
                    case "us" -> 1_000L;
                    case "ms" -> 1_000_000L;
                    case "secs" -> 1_000_000_000L;
                    case "mins" -> 60_000_000_000L;
                    case "hrs" -> 3_600_000_000_000L;
                    case "days" -> 86_400_000_000_000L;
                    default -> 604_800_000_000_000L;
                };
        try {
            long ns =
                    new BigDecimal(found.group(1))
                            .multiply(BigDecimal.valueOf(unitNs))
                            .toBigInteger()
                            .longValueExact();
            return Duration.newBuilder()
                    .setSeconds(ns / 1_000_000_000L)
                    .setNanos((int) (ns % 1_000_000_000L))
                    .build();
        } catch (ArithmeticException _) {
            throw expected("a duration of less than 292 years");
        }
    }

    private ByteString bytes(FieldDescriptor field) throws IOException, ProtocolException {
        if (json.currentToken() != JsonToken.VALUE_STRING) {
            throw expected(words(field));
        }
        try {
            return ByteString.copyFrom(Base64.getDecoder().decode(json.getText()));
        } catch (IllegalArgumentException _) {
            throw expected(words(field));
        }
    }

    private boolean bool(FieldDescriptor field) throws IOException, ProtocolException {
        return switch (json.currentToken()) {
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_STRING ->
                    switch (json.getText()) {
                        case "true" -> true;
                        case "false" -> false;
                        default -> throw expected(words(field));
                    };
            default -> throw expected(words(field));
        };
    }

    private double decimal(FieldDescriptor field) throws IOException, ProtocolException {
        if (json.currentToken().isNumeric()) {
            return json.getDoubleValue();
        }
        if (json.currentToken() == JsonToken.VALUE_STRING) {
            String text = json.getText();
            try {
                return switch (text) {
                    case "Infinity" -> Double.POSITIVE_INFINITY;
                    case "-Infinity" -> Double.NEGATIVE_INFINITY;
                    case "NaN" -> Double.NaN;
                    default -> number(text).doubleValue();
                };
            } catch (NumberFormatException _) {
                // told below
            }
        }
        throw expected(words(field));
    }

    private static BigDecimal number(String text) {
        if (text.length() > 400) {
            throw new NumberFormatException("too long");
        }
        return new BigDecimal(text.strip());
    }

    /** In range for the field's type; a 32-bit value is in the low bits. */
    private long integer(FieldDescriptor field) throws IOException, ProtocolException {
        BigInteger value;
        try {
            BigDecimal read =
                    switch (json.currentToken()) {
                        case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT, VALUE_STRING ->
                                number(json.getText());
                        default -> throw expected(words(field));
                    };
            if (Math.abs((long) read.scale()) > 400) {
                throw expected(words(field));
            }
            value = read.toBigIntegerExact();
        } catch (NumberFormatException | ArithmeticException _) {
            throw expected(words(field));
        }
        boolean fits =
                switch (field.getType()) {
                    case UINT64, FIXED64 ->
                            value.signum() >= 0 && value.compareTo(UNSIGNED_END) < 0;
                    case UINT32, FIXED32 -> value.signum() >= 0 && value.bitLength() <= 32;
                    case INT32, SINT32, SFIXED32 -> value.bitLength() <= 31;
                    default -> value.bitLength() <= 63;
                };
        if (!fits) {
            throw expected(words(field));
        }
        return value.longValue();
    }

    private static String words(FieldDescriptor field) {
        return switch (field.getType()) {
            case ENUM -> "a name of " + field.getEnumType().getFullName();
            case STRING -> "a string";
            case BYTES -> "a string in base64";
            case BOOL -> "true or false";
            case DOUBLE, FLOAT -> "a number";
            default -> "an integer of type " + field.getType().name().toLowerCase(Locale.ROOT);
        };
    }

    private ProtocolException expected(String what) throws IOException {
        String found =
                switch (json.currentToken()) {
                    case START_OBJECT -> "an object";
                    case START_ARRAY -> "a list";
                    case VALUE_STRING -> "\"" + clipped(json.getText()) + "\"";
                    default -> clipped(json.getText());
                };
        return new ProtocolException(path + ": expected " + what + ", found " + found);
    }

    private static String clipped(String text) {
        return text.length() <= 60 ? text : text.substring(0, 60) + "...";
    }
}
