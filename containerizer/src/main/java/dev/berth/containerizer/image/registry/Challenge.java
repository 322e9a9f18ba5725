package dev.berth.containerizer.image.registry;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One challenge of a {@code WWW-Authenticate} header (RFC 9110 section 11.6.1).
 *
 * @param scheme in lower case
 * @param parameters names in lower case
 */
record Challenge(String scheme, Map<String, String> parameters) {

    String parameter(String name) {
        return parameters.getOrDefault(name, "");
    }

    /** All challenges of all headers; what cannot be read is left out, since a client may ignore a challenge that it does not know. */
    static List<Challenge> parse(List<String> headers) {
        List<Challenge> result = new ArrayList<>();
        for (String header : headers) {
            new Reader(header).readAll(result);
        }
        return result;
    }

    private static final class Reader {
        private final String text;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        void readAll(List<Challenge> into) {
            skip(" ,\t");
            String word = token();
            while (!word.isEmpty()) {
                Challenge challenge =
                        new Challenge(word.toLowerCase(Locale.ROOT), new LinkedHashMap<>());
                into.add(challenge);
                word = parameters(challenge);
            }
        }

        /** Reads parameters until a word comes that is a scheme; returns that word. */
        private String parameters(Challenge challenge) {
            while (true) {
                skip(" ,\t");
                String word = token();
                if (word.isEmpty()) {
                    return "";
                }
                skip(" \t");
                if (at >= text.length() || text.charAt(at) != '=') {
                    return word;
                }
                at++;
                skip(" \t");
                challenge.parameters.put(word.toLowerCase(Locale.ROOT), value());
            }
        }

        private void skip(String characters) {
            while (at < text.length() && characters.indexOf(text.charAt(at)) >= 0) {
                at++;
            }
        }

        private String token() {
            int start = at;
            while (at < text.length() && " \t,=\"".indexOf(text.charAt(at)) < 0) {
                at++;
            }
            return text.substring(start, at);
        }

        private String value() {
            if (at >= text.length() || text.charAt(at) != '"') {
                return token();
            }
            StringBuilder result = new StringBuilder();
            for (at++; at < text.length() && text.charAt(at) != '"'; at++) {
                if (text.charAt(at) == '\\' && at + 1 < text.length()) {
                    at++;
                }
                result.append(text.charAt(at));
            }
            at = Math.min(at + 1, text.length());
            return result.toString();
        }
    }
}
