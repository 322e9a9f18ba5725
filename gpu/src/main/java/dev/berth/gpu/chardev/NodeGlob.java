package dev.berth.gpu.chardev;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A pattern for names in one directory: {@code #} is a number, {@code *} anything, {@code ?} one character.
 *
 * @param text the whole, such as {@code /dev/accel/accel#}
 */
public record NodeGlob(String text, String directory, Pattern name) {
    private static final int MAX_STARS = 3;

    /** @throws IllegalArgumentException with what is wrong */
    static NodeGlob of(String text) {
        int slash = text.lastIndexOf('/');
        String directory = text.substring(0, Math.max(slash, 0));
        if (directory.matches(".*[*?#].*")) {
            throw new IllegalArgumentException(
                    "*, ? and # may be in the last part of the path only: " + text);
        }
        String last = text.substring(slash + 1);
        if (last.chars().filter(c -> c == '#').count() > 1) {
            throw new IllegalArgumentException("more than one #: " + text);
        }
        // Each * multiplies the ways in which a name may match.
        if (last.chars().filter(c -> c == '*').count() > MAX_STARS) {
            throw new IllegalArgumentException("more than " + MAX_STARS + " *: " + text);
        }
        StringBuilder regex = new StringBuilder();
        for (int i = 0; i < last.length(); i++) {
            char c = last.charAt(i);
            switch (c) {
                case '#' -> regex.append("(\\d{1,9})");
                case '*' -> regex.append(regex.toString().endsWith(".*?") ? "" : ".*?");
                case '?' -> regex.append('.');
                default -> regex.append(Pattern.quote(Character.toString(c)));
            }
        }
        return new NodeGlob(text, directory, Pattern.compile(regex.toString(), Pattern.DOTALL));
    }

    boolean hasNumber() {
        return text.indexOf('#') >= 0;
    }

    /** Empty when the name does not match; else what {@code #} stands for, empty text without one. */
    Optional<String> match(String candidate) {
        Matcher found = name.matcher(candidate);
        if (!found.matches()) {
            return Optional.empty();
        }
        return Optional.of(found.groupCount() == 0 ? "" : found.group(1));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof NodeGlob that && text.equals(that.text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    @Override
    public String toString() {
        return text;
    }
}
