package dev.berth.agent.docker;

import dev.berth.agent.config.AgentException;

import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.OptionalLong;

/** Times as Docker writes and reads them. */
final class Times {
    private static final String ZERO = "0001-01-01T00:00:00Z";

    private Times() {}

    /** RFC 3339 with nine digits; 0 is Go's zero time. */
    static String rfc3339(long realtimeNs) {
        if (realtimeNs <= 0) {
            return ZERO;
        }
        LocalDateTime time =
                LocalDateTime.ofEpochSecond(
                        Math.floorDiv(realtimeNs, 1_000_000_000L),
                        (int) Math.floorMod(realtimeNs, 1_000_000_000L),
                        ZoneOffset.UTC);
        return String.format(
                Locale.ROOT,
                "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ",
                time.getYear(),
                time.getMonthValue(),
                time.getDayOfMonth(),
                time.getHour(),
                time.getMinute(),
                time.getSecond(),
                time.getNano());
    }

    static String rfc3339(Instant instant) {
        return rfc3339(instant.getEpochSecond() * 1_000_000_000L + instant.getNano());
    }

    /** Seconds since the epoch with a fraction, or RFC 3339; empty and 0 are no time. */
    static OptionalLong parse(String name, String text) throws AgentException {
        if (text.isEmpty() || text.equals("0")) {
            return OptionalLong.empty();
        }
        try {
            if (text.matches("-?\\d{1,20}(\\.\\d{1,20})?")) {
                BigDecimal ns = new BigDecimal(text).movePointRight(9);
                return OptionalLong.of(
                        ns.min(BigDecimal.valueOf(Long.MAX_VALUE))
                                .max(BigDecimal.valueOf(Long.MIN_VALUE))
                                .longValue());
            }
            Instant instant = OffsetDateTime.parse(text).toInstant();
            return OptionalLong.of(instant.getEpochSecond() * 1_000_000_000L + instant.getNano());
        } catch (DateTimeException _) {
            throw AgentException.invalid(
                    "invalid " + name + ": want seconds since the epoch or RFC 3339, got " + text);
        }
    }
}
