package dev.berth.isolator;

/** A container's identity: 64 lower-case hexadecimal digits, as Docker's. */
public record ContainerId(String value) {
    public ContainerId {
        if (value.length() != 64
                || !value.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            throw new IllegalArgumentException(
                    "container id must be 64 lower-case hex digits: " + value);
        }
    }

    /** The first twelve digits, as shown to people. */
    public String shortForm() {
        return value.substring(0, 12);
    }

    @Override
    public String toString() {
        return value;
    }
}
