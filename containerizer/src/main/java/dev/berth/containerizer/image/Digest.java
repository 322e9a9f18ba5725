package dev.berth.containerizer.image;

/** A content digest, {@code sha256:...} or {@code sha512:...} (image-spec descriptor, "Digests"). */
public record Digest(String algorithm, String hex) {
    public Digest {
        int want =
                switch (algorithm) {
                    case "sha256" -> 64;
                    case "sha512" -> 128;
                    default ->
                            throw new IllegalArgumentException(
                                    "unsupported digest algorithm: " + algorithm);
                };
        if (hex.length() != want
                || !hex.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            throw new IllegalArgumentException("malformed digest: " + algorithm + ":" + hex);
        }
    }

    /** Parses {@code algorithm:hex}. */
    public static Digest parse(String text) {
        int colon = text.indexOf(':');
        if (colon < 0) {
            throw new IllegalArgumentException("malformed digest: " + text);
        }
        return new Digest(text.substring(0, colon), text.substring(colon + 1));
    }

    @Override
    public String toString() {
        return algorithm + ":" + hex;
    }
}
