package dev.berth.containerizer.image;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A full image reference: registry host, repository path, and a tag, a digest or both (distribution reference grammar; Docker's short names are expanded).
 *
 * @param registry host with optional port, {@code docker.io} when none was given
 * @param repository path, {@code library/debian} for Docker's official images
 * @param tag {@code latest} when neither tag nor digest was given; empty with a digest alone
 */
public record ImageReference(
        String registry, String repository, Optional<String> tag, Optional<Digest> digest)
        implements Comparable<ImageReference> {
    private static final Pattern REPOSITORY =
            Pattern.compile(
                    "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*");
    private static final Pattern TAG = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");
    private static final Pattern REGISTRY =
            Pattern.compile(
                    "(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?");

    /** Parses what a user types. */
    public static ImageReference parse(String text) throws ImageException {
        String rest = text;
        Optional<Digest> digest = Optional.empty();
        int at = rest.indexOf('@');
        if (at >= 0) {
            try {
                digest = Optional.of(Digest.parse(rest.substring(at + 1)));
            } catch (IllegalArgumentException e) {
                throw new ImageException("invalid reference \"" + text + "\"", e);
            }
            rest = rest.substring(0, at);
        }
        Optional<String> tag = Optional.empty();
        int colon = rest.lastIndexOf(':');
        if (colon > rest.lastIndexOf('/')) {
            tag = Optional.of(rest.substring(colon + 1));
            rest = rest.substring(0, colon);
        }
        String registry = "docker.io";
        int slash = rest.indexOf('/');
        if (slash > 0) {
            String first = rest.substring(0, slash);
            if (first.contains(".")
                    || first.contains(":")
                    || first.equals("localhost")
                    || !first.equals(first.toLowerCase(Locale.ROOT))) {
                registry = first.equals("index.docker.io") ? "docker.io" : first;
                rest = rest.substring(slash + 1);
            }
        }
        if (registry.equals("docker.io") && !rest.contains("/")) {
            rest = "library/" + rest;
        }
        if (!REGISTRY.matcher(registry).matches()
                || !REPOSITORY.matcher(rest).matches()
                || rest.length() > 255
                || (tag.isPresent() && !TAG.matcher(tag.get()).matches())) {
            throw new ImageException(
                    "invalid reference \""
                            + text
                            + "\": want [registry/]repository[:tag][@digest], the repository in lower case");
        }
        if (tag.isEmpty() && digest.isEmpty()) {
            tag = Optional.of("latest");
        }
        return new ImageReference(registry, rest, tag, digest);
    }

    /** The form that Docker shows: without {@code docker.io/} and {@code library/}. */
    public String familiar() {
        String name =
                registry.equals("docker.io")
                        ? (repository.startsWith("library/") ? repository.substring(8) : repository)
                        : registry + "/" + repository;
        return name + tag.map(t -> ":" + t).orElse("") + digest.map(d -> "@" + d).orElse("");
    }

    @Override
    public String toString() {
        return registry
                + "/"
                + repository
                + tag.map(t -> ":" + t).orElse("")
                + digest.map(d -> "@" + d).orElse("");
    }

    @Override
    public int compareTo(ImageReference other) {
        return toString().compareTo(other.toString());
    }
}
