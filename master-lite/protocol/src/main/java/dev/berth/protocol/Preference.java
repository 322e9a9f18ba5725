package dev.berth.protocol;

import java.util.Locale;

/** Headers of content negotiation: comma-separated words with optional qualities (RFC 9110, 12.4 and 12.5). Pure functions. */
public final class Preference {
    private Preference() {}

    /** How much a header likes a media type, 0 to 1: that of the most exact range that covers it; 0 when none does. */
    public static double quality(String header, String mediaType) {
        String group = mediaType.substring(0, mediaType.indexOf('/')) + "/*";
        double quality = 0;
        int exactness = 0;
        for (String item : header.split(",")) {
            String range = word(item);
            int exact =
                    range.equals(mediaType)
                            ? 3
                            : range.equals(group) ? 2 : range.equals("*/*") ? 1 : 0;
            if (exact > exactness) {
                exactness = exact;
                quality = quality(item);
            }
        }
        return quality;
    }

    /** Whether a header takes a coding, by its name or by {@code *}. */
    public static boolean takesCoding(String header, String coding) {
        double any = 0;
        for (String item : header.split(",")) {
            String word = word(item);
            if (word.equals(coding)) {
                return quality(item) > 0;
            }
            if (word.equals("*")) {
                any = quality(item);
            }
        }
        return any > 0;
    }

    private static String word(String item) {
        int semicolon = item.indexOf(';');
        return (semicolon < 0 ? item : item.substring(0, semicolon))
                .strip()
                .toLowerCase(Locale.ROOT);
    }

    private static double quality(String item) {
        String[] parts = item.split(";");
        for (int i = 1; i < parts.length; i++) {
            String part = parts[i].strip().toLowerCase(Locale.ROOT);
            if (part.startsWith("q=")) {
                try {
                    double value = Double.parseDouble(part.substring(2).strip());
                    return value >= 0 && value <= 1 ? value : 0;
                } catch (NumberFormatException _) {
                    return 0;
                }
            }
        }
        return 1;
    }
}
