package dev.berth.jobs;

import dev.berth.protocol.v1.Protos.Attribute;
import dev.berth.protocol.v1.Protos.Offer;

import java.math.BigDecimal;

/**
 * What an agent must be like to get a worker.
 *
 * @param name of an attribute, or {@code hostname}
 * @param kind what is asked of it
 * @param value empty for {@link Kind#THERE}
 */
public record Constraint(String name, Kind kind, String value) {
    private static final String HOSTNAME = "hostname";

    /** What is asked of an attribute. */
    public enum Kind {
        THERE,
        IS,
        IS_NOT
    }

    /**
     * Reads {@code NAME}, {@code NAME=VALUE} or {@code NAME!=VALUE}.
     *
     * @throws IllegalArgumentException for anything else
     */
    public static Constraint parse(String text) {
        int equals = text.indexOf('=');
        if (equals < 0) {
            return checked(text, new Constraint(text, Kind.THERE, ""));
        }
        if (equals > 0 && text.charAt(equals - 1) == '!') {
            return checked(
                    text,
                    new Constraint(
                            text.substring(0, equals - 1),
                            Kind.IS_NOT,
                            text.substring(equals + 1)));
        }
        // Docker's and Kubernetes's spelling has two.
        int value = text.startsWith("==", equals) ? equals + 2 : equals + 1;
        return checked(
                text, new Constraint(text.substring(0, equals), Kind.IS, text.substring(value)));
    }

    private static Constraint checked(String text, Constraint constraint) {
        if (constraint.name.isBlank() || constraint.name.endsWith("!")) {
            throw new IllegalArgumentException(
                    "want NAME, NAME=VALUE or NAME!=VALUE, got '" + text + "'");
        }
        return constraint;
    }

    /** Whether the offer's agent is so. */
    boolean admits(Offer offer) {
        boolean there = name.equals(HOSTNAME) && !offer.getHostname().isEmpty();
        boolean is = there && offer.getHostname().equals(value);
        for (Attribute attribute : offer.getAttributesList()) {
            if (attribute.getName().equals(name)) {
                there = true;
                is |= is(attribute);
            }
        }
        return switch (kind) {
            case THERE -> there;
            case IS -> is;
            case IS_NOT -> !is;
        };
    }

    private boolean is(Attribute attribute) {
        return switch (attribute.getType()) {
            case TEXT -> attribute.getText().getValue().equals(value);
            case SET -> attribute.getSet().getItemList().contains(value);
            case SCALAR -> {
                BigDecimal number = number();
                yield number != null
                        && number.compareTo(BigDecimal.valueOf(attribute.getScalar().getValue()))
                                == 0;
            }
            case RANGES -> {
                BigDecimal number = number();
                yield number != null
                        && attribute.getRanges().getRangeList().stream()
                                .anyMatch(range ->
                                        number.compareTo(BigDecimal.valueOf(range.getBegin())) >= 0
                                                && number.compareTo(
                                                                BigDecimal.valueOf(range.getEnd()))
                                                        <= 0);
            }
        };
    }

    private @org.jspecify.annotations.Nullable BigDecimal number() {
        try {
            return new BigDecimal(value);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** As it is written. */
    @Override
    public String toString() {
        return switch (kind) {
            case THERE -> name;
            case IS -> name + "=" + value;
            case IS_NOT -> name + "!=" + value;
        };
    }
}
