package dev.berth.agent.cli.terminal;

import java.util.Arrays;
import java.util.Locale;

/**
 * Watches typed bytes for a sequence that detaches. Bytes that begin the sequence are held back until it is clear that it goes on differently.
 *
 * <p>Thread: one.
 */
public final class DetachKeys {
    /** Docker's default. */
    public static final String DEFAULT = "ctrl-p,ctrl-q";

    private final byte[] sequence;
    private int matched;

    private DetachKeys(byte[] sequence) {
        this.sequence = sequence;
    }

    /**
     * Parses {@code ctrl-p,ctrl-q}, {@code a,b}, {@code ctrl-]}: comma-separated, each a character or {@code ctrl-} with one of a–z, @, [, \, ], ^, _. An empty text never detaches.
     *
     * @throws IllegalArgumentException naming the key that is none
     */
    public static DetachKeys parse(String keys) {
        if (keys.isEmpty()) {
            return new DetachKeys(new byte[0]);
        }
        String[] names = keys.split(",", -1);
        byte[] sequence = new byte[names.length];
        for (int i = 0; i < names.length; i++) {
            sequence[i] = key(names[i]);
        }
        return new DetachKeys(sequence);
    }

    private static byte key(String name) {
        if (name.length() == 1 && name.charAt(0) < 0x80) {
            return (byte) name.charAt(0);
        }
        String lower = name.toLowerCase(Locale.ROOT);
        if (lower.startsWith("ctrl-") && lower.length() == 6) {
            char c = lower.charAt(5);
            if (c >= 'a' && c <= 'z') {
                return (byte) (c - 'a' + 1);
            }
            int other = "@[\\]^_".indexOf(c);
            if (other >= 0) {
                return (byte) (other == 0 ? 0 : 26 + other);
            }
        }
        throw new IllegalArgumentException("--detach-keys: not a key: '" + name + "'");
    }

    /**
     * Takes typed bytes.
     *
     * @return what to pass on, and whether the sequence is complete (what was typed after it is dropped)
     */
    public Result type(byte[] typed, int length) {
        if (sequence.length == 0) {
            return new Result(Arrays.copyOf(typed, length), false);
        }
        byte[] pass = new byte[length + matched];
        int passed = 0;
        for (int i = 0; i < length; i++) {
            byte b = typed[i];
            while (matched > 0 && b != sequence[matched]) {
                // The held bytes were not the sequence after all; their tail may begin it anew.
                int keep = longestPrefixWithin(matched);
                System.arraycopy(sequence, 0, pass, passed, matched - keep);
                passed += matched - keep;
                matched = keep;
            }
            if (b == sequence[matched]) {
                matched++;
                if (matched == sequence.length) {
                    matched = 0;
                    return new Result(Arrays.copyOf(pass, passed), true);
                }
            } else {
                pass[passed++] = b;
            }
        }
        return new Result(Arrays.copyOf(pass, passed), false);
    }

    /** Length of the longest proper prefix of the sequence that ends its first {@code length} bytes. */
    private int longestPrefixWithin(int length) {
        for (int keep = length - 1; keep > 0; keep--) {
            if (Arrays.equals(sequence, 0, keep, sequence, length - keep, length)) {
                return keep;
            }
        }
        return 0;
    }

    /** What {@link #type} found. */
    public static final class Result {
        private final byte[] pass;
        private final boolean detach;

        private Result(byte[] pass, boolean detach) {
            this.pass = pass;
            this.detach = detach;
        }

        /** Bytes for the container; the caller's own. */
        public byte[] pass() {
            return pass;
        }

        /** Whether the sequence is complete. */
        public boolean detach() {
            return detach;
        }
    }
}
