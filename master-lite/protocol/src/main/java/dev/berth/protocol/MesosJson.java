package dev.berth.protocol;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamWriteConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.util.List;

/**
 * Mesos's JSON mapping of its messages. It differs from protobuf's own: names stay as in the .proto files, 64-bit integers are bare numbers, and an optional field with a declared default is written even when it is not
 * set. Reading is {@link MesosJsonReader}'s.
 *
 * <p>Source: behaviour of stout's {@code protobuf.hpp} as clients of the v1 APIs see it.
 */
public final class MesosJson {
    private static final int DEEPEST = 100;

    /** What came as protobuf may be nested as deep there, and each level can be an array and an object; inside another message it is deeper still. */
    private static final int DEEPEST_WRITTEN = 1000;

    static final JsonFactory FACTORY =
            JsonFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxNestingDepth(DEEPEST)
                                    .maxStringLength(64 << 20)
                                    .build())
                    .streamWriteConstraints(
                            StreamWriteConstraints.builder()
                                    .maxNestingDepth(DEEPEST_WRITTEN)
                                    .build())
                    .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                    .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
                    .build();

    private MesosJson() {}

    /** One object, without white space, in UTF-8. */
    public static byte[] write(MessageOrBuilder message) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(256);
        try (JsonGenerator json = FACTORY.createGenerator(out)) {
            write(message, json);
        } catch (IOException e) {
            throw new UncheckedIOException("write JSON to memory", e);
        }
        return out.toByteArray();
    }

    /** The same into a document that the caller has begun. */
    public static void write(MessageOrBuilder message, JsonGenerator json) throws IOException {
        json.writeStartObject();
        for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
            if (field.isMapField()) {
                writeMap(message, field, json);
            } else if (field.isRepeated()) {
                writeList(message, field, json);
            } else if (message.hasField(field) || isAlwaysWritten(field)) {
                json.writeFieldName(field.getName());
                writeValue(field, message.getField(field), json);
            }
        }
        json.writeEndObject();
    }

    private static boolean isAlwaysWritten(FieldDescriptor field) {
        return field.hasDefaultValue() && !field.getOptions().getDeprecated();
    }

    private static void writeMap(
            MessageOrBuilder message, FieldDescriptor field, JsonGenerator json)
            throws IOException {
        if (message.getRepeatedFieldCount(field) == 0) {
            return;
        }
        FieldDescriptor key = field.getMessageType().findFieldByNumber(1);
        FieldDescriptor value = field.getMessageType().findFieldByNumber(2);
        json.writeObjectFieldStart(field.getName());
        for (Object entry : (List<?>) message.getField(field)) {
            Message pair = (Message) entry;
            json.writeFieldName(String.valueOf(pair.getField(key)));
            writeValue(value, pair.getField(value), json);
        }
        json.writeEndObject();
    }

    private static void writeList(
            MessageOrBuilder message, FieldDescriptor field, JsonGenerator json)
            throws IOException {
        int count = message.getRepeatedFieldCount(field);
        if (count == 0) {
            return;
        }
        json.writeArrayFieldStart(field.getName());
        for (int i = 0; i < count; i++) {
            writeValue(field, message.getRepeatedField(field, i), json);
        }
        json.writeEndArray();
    }

    private static void writeValue(FieldDescriptor field, Object value, JsonGenerator json)
            throws IOException {
        switch (field.getType()) {
            case MESSAGE, GROUP -> write((Message) value, json);
            case ENUM -> json.writeString(((EnumValueDescriptor) value).getName());
            case BYTES -> json.writeBinary(((ByteString) value).toByteArray());
            case STRING -> json.writeString((String) value);
            case BOOL -> json.writeBoolean((Boolean) value);
            case DOUBLE -> write((double) (Double) value, json);
            case FLOAT -> json.writeNumber((Float) value);
            case UINT32, FIXED32 -> json.writeNumber(Integer.toUnsignedLong((Integer) value));
            case INT32, SINT32, SFIXED32 -> json.writeNumber((Integer) value);
            case UINT64, FIXED64 -> json.writeNumber(Long.toUnsignedString((Long) value));
            case INT64, SINT64, SFIXED64 -> json.writeNumber((Long) value);
        }
    }

    /** A number without an exponent, as Mesos writes it: readers of times look for the seconds before the dot, and some read no exponent. */
    public static void write(double value, JsonGenerator json) throws IOException {
        double size = Math.abs(value);
        // Java's own text has an exponent from 1e7 on, Mesos's from 1e15.
        if (size >= 1e7 && size < 1e15) {
            String digits = BigDecimal.valueOf(value).toPlainString();
            json.writeNumber(digits.contains(".") ? digits : digits + ".0");
        } else {
            json.writeNumber(value);
        }
    }
}
