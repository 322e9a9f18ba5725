package dev.berth.gpu.cdi;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A qualified device name, {@code vendor/class=device}.
 *
 * @param vendor such as {@code nvidia.com}
 * @param type the class, such as {@code gpu}
 */
public record CdiName(String vendor, String type, String device) {
    private static final String VENDOR = "[A-Za-z](?:[A-Za-z0-9._-]*[A-Za-z0-9])?";
    private static final String DEVICE = "[A-Za-z0-9](?:[A-Za-z0-9._:-]*[A-Za-z0-9])?";
    private static final Pattern KIND = Pattern.compile("(" + VENDOR + ")/(" + VENDOR + ")");
    private static final Pattern NAME =
            Pattern.compile("(" + VENDOR + ")/(" + VENDOR + ")=(" + DEVICE + ")");
    private static final Pattern DEVICE_ONLY = Pattern.compile(DEVICE);
    private static final int MAX_PART = 63;

    /** Reads a name; empty when it is none. */
    public static Optional<CdiName> parse(String text) {
        Matcher found = NAME.matcher(text);
        return found.matches() && found.group(2).length() <= MAX_PART
                ? Optional.of(new CdiName(found.group(1), found.group(2), found.group(3)))
                : Optional.empty();
    }

    /** Whether it is {@code vendor/class}. */
    static boolean isKind(String text) {
        Matcher found = KIND.matcher(text);
        return found.matches() && found.group(2).length() <= MAX_PART;
    }

    static boolean isDevice(String text) {
        return DEVICE_ONLY.matcher(text).matches();
    }

    @Override
    public String toString() {
        return vendor + "/" + type + "=" + device;
    }
}
