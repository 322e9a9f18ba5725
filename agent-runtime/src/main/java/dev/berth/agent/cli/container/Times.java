package dev.berth.agent.cli.container;

import dev.berth.agent.cli.args.UsageException;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Optional;

/** Points in time as flags say them. */
final class Times {
    private Times() {}

    /** Seconds since the epoch, with a fraction if need be; empty when the flag was not given. */
    static String parse(String flag, Optional<String> value, Instant now) throws UsageException {
        if (value.isEmpty()) {
            return "";
        }
        String text = value.get();
        if (text.matches("[0-9]+(\\.[0-9]{1,9})?")) {
            return text;
        }
        if (text.matches("([0-9]+[smhd])+")) {
            return seconds(now.minusSeconds(span(text)));
        }
        try {
            return seconds(OffsetDateTime.parse(text).toInstant());
        } catch (DateTimeParseException e) {
            throw new UsageException(
                    "--"
                            + flag
                            + ": want a time (2026-01-31T10:00:00Z), seconds since 1970, or a span (10m, 2h30m), got '"
                            + text
                            + "'");
        }
    }

    private static long span(String text) {
        long total = 0;
        long number = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= '0' && c <= '9') {
                number = number * 10 + (c - '0');
            } else {
                total +=
                        number
                                * switch (c) {
                                    case 's' -> 1;
                                    case 'm' -> 60;
                                    case 'h' -> 3600;
                                    default -> 86400;
                                };
                number = 0;
            }
        }
        return total;
    }

    private static String seconds(Instant instant) {
        return String.format(Locale.ROOT, "%d.%09d", instant.getEpochSecond(), instant.getNano());
    }
}
