package dev.berth.http;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;

import java.util.Locale;

/** Messages with no more than they must have. */
public final class Samples {
    private Samples() {}

    /** The field of a call that is named as its type is, if it has one. */
    public static FieldDescriptor field(Descriptor call, Enum<?> type) {
        return call.findFieldByName(type.name().toLowerCase(Locale.ROOT));
    }

    /** Sets what is required, and no more. */
    public static Message required(Message.Builder builder) {
        for (FieldDescriptor field : builder.getDescriptorForType().getFields()) {
            if (field.isRequired() && !builder.hasField(field)) {
                builder.setField(
                        field,
                        switch (field.getJavaType()) {
                            case INT -> 1;
                            case LONG -> 1L;
                            case FLOAT -> 1f;
                            case DOUBLE -> 1.0;
                            case BOOLEAN -> true;
                            case STRING -> "x";
                            case BYTE_STRING -> ByteString.copyFrom(new byte[16]);
                            case ENUM -> field.getEnumType().getValues().getLast();
                            case MESSAGE -> required(builder.newBuilderForField(field));
                        });
            }
        }
        return builder.build();
    }
}
