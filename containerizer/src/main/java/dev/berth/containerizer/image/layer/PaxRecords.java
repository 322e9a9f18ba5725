package dev.berth.containerizer.image.layer;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The records of one pax extended header (POSIX.1-2001 pax, "pax Extended Header"): {@code length key=value\n}, values byte for byte. */
final class PaxRecords {
    private static final String XATTR = "SCHILY.xattr.";

    private final Map<String, String> values = new HashMap<>();
    private final Map<String, byte[]> xattrs = new LinkedHashMap<>();
    private final List<Long> sparsePairs = new ArrayList<>();

    /** Reads the body of an {@code x} header on top of what is there. */
    void read(byte[] body) throws IOException {
        int at = 0;
        while (at < body.length) {
            int space = at;
            int length = 0;
            while (space < body.length && body[space] >= '0' && body[space] <= '9') {
                length = length * 10 + (body[space] - '0');
                if (length > body.length) {
                    throw malformed();
                }
                space++;
            }
            int end = at + length;
            if (space == at || space >= body.length || body[space] != ' ' || end > body.length) {
                throw malformed();
            }
            int equals = space + 1;
            while (equals < end && body[equals] != '=') {
                equals++;
            }
            if (equals >= end || end <= space || body[end - 1] != '\n') {
                throw malformed();
            }
            record(body, space + 1, equals, end - 1);
            at = end;
        }
    }

    private void record(byte[] body, int keyStart, int equals, int end) throws IOException {
        String key = TarHeader.utf8(body, keyStart, equals - keyStart);
        int start = equals + 1;
        if (key.startsWith(XATTR)) {
            byte[] value = new byte[end - start];
            System.arraycopy(body, start, value, 0, value.length);
            xattrs.put(key.substring(XATTR.length()), value);
            return;
        }
        switch (key) {
            case "path",
                    "linkpath",
                    "size",
                    "uid",
                    "gid",
                    "mtime",
                    "GNU.sparse.major",
                    "GNU.sparse.minor",
                    "GNU.sparse.name",
                    "GNU.sparse.realsize",
                    "GNU.sparse.size",
                    "GNU.sparse.map" -> {
                String value = TarHeader.utf8(body, start, end - start);
                if (value.indexOf('\0') >= 0) {
                    throw malformed();
                }
                values.put(key, value);
            }
            // Format 0.0 repeats its keys, one pair for each segment.
            case "GNU.sparse.offset", "GNU.sparse.numbytes" ->
                    sparsePairs.add(number(key, TarHeader.utf8(body, start, end - start)));
            default -> {
                // Names of users and groups, access times, comments: nothing that a layer's tree
                // shows.
            }
        }
    }

    private static IOException malformed() {
        return new IOException("tar has a malformed pax header");
    }

    /** An empty value takes the field back to what the ustar header says. */
    Optional<String> value(String key) {
        return Optional.ofNullable(values.get(key)).filter(v -> !v.isEmpty());
    }

    long number(String key, long otherwise) throws IOException {
        Optional<String> text = value(key);
        return text.isPresent() ? number(key, text.get()) : otherwise;
    }

    private static long number(String key, String text) throws IOException {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IOException("tar has a pax header with invalid " + key, e);
        }
    }

    Map<String, byte[]> xattrs() {
        return xattrs;
    }

    /** The sparse map of formats 0.0 and 0.1 as offset, length, offset, length... */
    List<Long> sparseNumbers() throws IOException {
        Optional<String> map = value("GNU.sparse.map");
        if (map.isEmpty()) {
            return sparsePairs;
        }
        List<Long> result = new ArrayList<>();
        for (String number : map.get().split(",", -1)) {
            result.add(number("GNU.sparse.map", number));
        }
        return result;
    }
}
