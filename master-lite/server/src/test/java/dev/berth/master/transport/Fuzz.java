package dev.berth.master.transport;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;

import dev.berth.protocol.MesosJson;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import java.nio.charset.StandardCharsets;
import java.util.Random;

/** Bodies between right and wrong: random calls, some of them damaged. */
final class Fuzz {
    private Fuzz() {}

    static byte[] body(Random random, boolean json) {
        Descriptor type =
                random.nextBoolean()
                        ? Call.getDescriptor()
                        : dev.berth.protocol.v1.master.Protos.Call.getDescriptor();
        Message message = message(type, random, 4);
        byte[] bytes = json ? MesosJson.write(message) : message.toByteArray();
        switch (random.nextInt(4)) {
            case 0 -> {
                for (int i = random.nextInt(4); i >= 0 && bytes.length > 0; i--) {
                    bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
                }
            }
            case 1 -> bytes = java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
            case 2 -> {
                if (json) {
                    bytes = "[{".repeat(random.nextInt(5000)).getBytes(StandardCharsets.UTF_8);
                }
            }
            default -> {}
        }
        return bytes;
    }

    private static Message message(Descriptor type, Random random, int depth) {
        DynamicMessage.Builder builder = DynamicMessage.newBuilder(type);
        for (FieldDescriptor field : type.getFields()) {
            boolean wanted = field.isRequired() || depth > 0 && random.nextInt(4) != 0;
            if (!wanted || field.isMapField()) {
                continue;
            }
            if (field.isRepeated()) {
                for (int i = random.nextInt(2); i > 0; i--) {
                    builder.addRepeatedField(field, value(field, random, depth));
                }
            } else {
                builder.setField(field, value(field, random, depth));
            }
        }
        return builder.buildPartial();
    }

    private static Object value(FieldDescriptor field, Random random, int depth) {
        return switch (field.getJavaType()) {
            case INT -> random.nextInt();
            case LONG -> random.nextLong();
            case FLOAT -> random.nextFloat();
            case DOUBLE -> random.nextInt(5) == 0 ? Double.NaN : random.nextDouble() * 1e300;
            case BOOLEAN -> random.nextBoolean();
            case STRING ->
                    switch (random.nextInt(4)) {
                        case 0 -> "";
                        case 1 -> "*";
                        case 2 -> "M-0000";
                        default -> "\u0000/..\uffff x";
                    };
            case BYTE_STRING -> ByteString.copyFrom(new byte[random.nextInt(20)]);
            case ENUM ->
                    field.getEnumType()
                            .getValues()
                            .get(random.nextInt(field.getEnumType().getValues().size()));
            case MESSAGE -> message(field.getMessageType(), random, depth - 1);
        };
    }
}
