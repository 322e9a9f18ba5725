package dev.berth.agent.docker;

import dev.berth.agent.config.AgentException;

import java.io.ByteArrayOutputStream;

/** Looks for the keys that end an attachment ({@code ctrl-p,ctrl-q}) in what a terminal sends. */
final class DetachKeys {
    private final byte[] keys;
    private int matched;

    private DetachKeys(byte[] keys) {
        this.keys = keys;
    }

    /** Reads {@code ctrl-p,ctrl-q}; empty is that default. */
    static DetachKeys parse(String text) throws AgentException {
        ByteArrayOutputStream keys = new ByteArrayOutputStream();
        for (String key : (text.isEmpty() ? "ctrl-p,ctrl-q" : text).split(",", -1)) {
            if (key.length() == 1) {
                keys.write(key.charAt(0));
            } else if (key.length() == 6 && key.startsWith("ctrl-")) {
                char c = key.charAt(5);
                int code = c >= 'a' && c <= 'z' ? c - 'a' + 1 : "@[\\]^_".indexOf(c);
                if (code >= 0 && (c < 'a' || c > 'z')) {
                    code = c == '@' ? 0 : c - 'A' + 1;
                }
                if (code < 0) {
                    throw wrong(text);
                }
                keys.write(code);
            } else {
                throw wrong(text);
            }
        }
        return new DetachKeys(keys.toByteArray());
    }

    private static AgentException wrong(String text) {
        return AgentException.invalid(
                "Invalid detach keys (" + text + ") provided: want such as ctrl-p,ctrl-q");
    }

    /** What of {@code bytes} goes on to the process, with earlier keys that turned out to be ordinary. */
    static final class Scan {
        private final byte[] bytes;
        private final boolean detached;

        private Scan(byte[] bytes, boolean detached) {
            this.bytes = bytes;
            this.detached = detached;
        }

        byte[] bytes() {
            return bytes;
        }

        boolean detached() {
            return detached;
        }
    }

    Scan scan(byte[] bytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length + keys.length);
        for (byte b : bytes) {
            if (b == keys[matched]) {
                matched++;
                if (matched == keys.length) {
                    return new Scan(out.toByteArray(), true);
                }
            } else {
                out.write(keys, 0, matched);
                matched = 0;
                if (b == keys[0]) {
                    matched = 1;
                } else {
                    out.write(b);
                }
            }
        }
        return new Scan(out.toByteArray(), false);
    }
}
