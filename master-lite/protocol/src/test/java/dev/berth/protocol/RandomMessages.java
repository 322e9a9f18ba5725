package dev.berth.protocol;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;

import java.util.Random;

/** Messages with anything in them that their type allows. */
final class RandomMessages {
    private static final String[] TEXTS = {
        "", "a", "*", "role/child", "quote \" back \\ line \n", "\u00e4\u4e2d\ud83d\ude00", "\u0000"
    };
    private static final double[] NUMBERS = {
        0, -0.0, 1, 0.1, 1e300, 4.9e-324, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY
    };

    private final Random random;

    RandomMessages(long seed) {
        random = new Random(seed);
    }

    /** All required fields, and others by chance, ever fewer the deeper. */
    @SuppressWarnings("unchecked") // a builder builds its prototype's type
    <T extends Message> T message(T prototype, int depth) {
        Message.Builder builder = prototype.newBuilderForType();
        for (FieldDescriptor field : prototype.getDescriptorForType().getFields()) {
            boolean wanted = field.isRequired() || random.nextInt(2 + depth) == 0 && depth < 6;
            if (!wanted) {
                continue;
            }
            if (field.isMapField()) {
                Message.Builder entry = builder.newBuilderForField(field);
                FieldDescriptor key = field.getMessageType().findFieldByNumber(1);
                FieldDescriptor value = field.getMessageType().findFieldByNumber(2);
                entry.setField(key, "key" + random.nextInt(3));
                entry.setField(value, value(entry, value, depth + 1));
                builder.addRepeatedField(field, entry.build());
            } else if (field.isRepeated()) {
                int count = 1 + random.nextInt(3);
                for (int i = 0; i < count; i++) {
                    builder.addRepeatedField(field, value(builder, field, depth + 1));
                }
            } else {
                builder.setField(field, value(builder, field, depth + 1));
            }
        }
        return (T) builder.build();
    }

    private Object value(Message.Builder owner, FieldDescriptor field, int depth) {
        return switch (field.getJavaType()) {
            case MESSAGE ->
                    message(owner.newBuilderForField(field).getDefaultInstanceForType(), depth);
            case ENUM ->
                    field.getEnumType()
                            .getValues()
                            .get(random.nextInt(field.getEnumType().getValues().size()));
            case STRING -> TEXTS[random.nextInt(TEXTS.length)];
            case BYTE_STRING -> {
                byte[] bytes = new byte[random.nextInt(8)];
                random.nextBytes(bytes);
                yield ByteString.copyFrom(bytes);
            }
            case BOOLEAN -> random.nextBoolean();
            case DOUBLE -> NUMBERS[random.nextInt(NUMBERS.length)];
            case FLOAT -> (float) random.nextGaussian();
            case INT -> random.nextInt(4) == 0 ? -1 : random.nextInt();
            case LONG -> random.nextInt(4) == 0 ? -1L : random.nextLong();
        };
    }
}
