package dev.berth.agent.cli.view;

import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Locale;

/** Times, sizes and identities as docker's users know them. */
public final class Human {
    private static final String[] DECIMAL = {"B", "kB", "MB", "GB", "TB", "PB"};
    private static final String[] BINARY = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};

    private Human() {}

    /** {@code 3 minutes}, {@code About an hour}. */
    public static String duration(Duration time) {
        long seconds = time.toSeconds();
        if (seconds < 1) {
            return "Less than a second";
        }
        if (seconds == 1) {
            return "1 second";
        }
        if (seconds < 60) {
            return seconds + " seconds";
        }
        long minutes = time.toMinutes();
        if (minutes == 1) {
            return "About a minute";
        }
        if (minutes < 60) {
            return minutes + " minutes";
        }
        long hours = (minutes + 30) / 60;
        if (hours == 1) {
            return "About an hour";
        }
        if (hours < 48) {
            return hours + " hours";
        }
        if (hours < 24 * 7 * 2) {
            return hours / 24 + " days";
        }
        if (hours < 24 * 30 * 2) {
            return hours / 24 / 7 + " weeks";
        }
        if (hours < 24 * 365 * 2) {
            return hours / 24 / 30 + " months";
        }
        return hours / 24 / 365 + " years";
    }

    /** {@code 3 minutes ago}; "N/A" for the epoch, which stands for "not known". */
    public static String ago(Instant then, Instant now) {
        if (then.getEpochSecond() <= 0) {
            return "N/A";
        }
        return duration(Duration.between(then, now)) + " ago";
    }

    /** An RFC 3339 time; the epoch when it is none. */
    public static Instant instant(String rfc3339) {
        try {
            return Instant.parse(rfc3339);
        } catch (DateTimeParseException e) {
            return Instant.EPOCH;
        }
    }

    /** Powers of 1000 with three significant digits: {@code 4.26MB}. */
    public static String size(long bytes) {
        return scaled((double) bytes, 1000, DECIMAL, 3);
    }

    /** Powers of 1024 with four significant digits: {@code 1.125MiB}. */
    public static String binarySize(long bytes) {
        return scaled((double) bytes, 1024, BINARY, 4);
    }

    private static String scaled(double value, double step, String[] units, int digits) {
        int unit = 0;
        while (value >= step && unit < units.length - 1) {
            value /= step;
            unit++;
        }
        return significant(value, digits) + units[unit];
    }

    /** Like C's {@code %.Ng} for values from 0 to 9999: no trailing zeros. */
    static String significant(double value, int digits) {
        int whole = value >= 1000 ? 4 : value >= 100 ? 3 : value >= 10 ? 2 : 1;
        String text = String.format(Locale.ROOT, "%." + Math.max(0, digits - whole) + "f", value);
        if (text.indexOf('.') >= 0) {
            int end = text.length();
            while (text.charAt(end - 1) == '0') {
                end--;
            }
            if (text.charAt(end - 1) == '.') {
                end--;
            }
            text = text.substring(0, end);
        }
        return text;
    }

    /** Twelve digits of an id, without {@code sha256:}. */
    public static String shortId(String id) {
        String digits = id.startsWith("sha256:") ? id.substring(7) : id;
        return digits.length() > 12 ? digits.substring(0, 12) : digits;
    }

    /** At most {@code width} characters, with an ellipsis where something was cut. */
    public static String cut(String text, int width) {
        return text.length() <= width ? text : text.substring(0, width - 1) + "…";
    }
}
