package dev.berth.gpu.health;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What NVIDIA says of each XID, read once from {@code xids.txt} beside this class. An XID that is not listed has an entry all the same: {@link XidAction#CONTACT_SUPPORT} up to the last number that was known
 * when the list was made, {@link XidAction#UNKNOWN} above.
 *
 * <p>Thread: any. Source: NVIDIA XID Errors, "Analyzing Xid Errors with the Xid Catalog".
 */
public final class XidCatalog {
    /** Numbers above were not given yet when the list was made. */
    static final int LAST_KNOWN = 172;

    private static final Pattern LINE =
            Pattern.compile("(\\d{1,3})(?:-(\\d{1,3}))? ([A-Z0-9_]+) (.+)");
    private static final Pattern RECOVERY_CHANGE =
            Pattern.compile(
                    "recovery action changed from 0x[0-9a-fA-F]{1,8} ?(?:\\([^)]*\\))?,? ?to 0x([0-9a-fA-F]{1,8})",
                    Pattern.CASE_INSENSITIVE);
    private static final NavigableMap<Integer, Entry> ENTRIES = load();

    private XidCatalog() {}

    /** One XID. {@code meaning}: one line for people. */
    public record Entry(int code, XidAction action, String meaning) {}

    /** The entry of any number. */
    public static Entry of(int code) {
        Entry entry = ENTRIES.get(code);
        if (entry != null) {
            return entry;
        }
        return code >= 1 && code <= LAST_KNOWN
                ? new Entry(
                        code,
                        XidAction.CONTACT_SUPPORT,
                        "not in use, or known to NVIDIA's support only")
                : new Entry(code, XidAction.UNKNOWN, "newer than this catalog");
    }

    /** All that are listed, by number. */
    public static Iterable<Entry> listed() {
        return ENTRIES.values();
    }

    /**
     * The recovery action that an XID 154's text changes to, such as 1 of {@code GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)}. The number counts, since drivers word the same number
     * differently ({@code PF FLR}, {@code OS Reboot}); the words only where there is no number. Empty when the text says nothing of it.
     */
    public static Optional<RecoveryAction> recoveryAction(String text) {
        Matcher change = RECOVERY_CHANGE.matcher(text);
        if (change.find()) {
            return Optional.of(RecoveryAction.of((int) Long.parseLong(change.group(1), 16)));
        }
        String words = text.toLowerCase(Locale.ROOT);
        int to = words.lastIndexOf(" to ");
        String last = to < 0 ? words : words.substring(to);
        for (RecoveryAction action : RecoveryAction.values()) {
            if (action != RecoveryAction.NONE && last.contains(action.words())) {
                return Optional.of(action);
            }
        }
        return to >= 0 && last.contains("none")
                ? Optional.of(RecoveryAction.NONE)
                : Optional.empty();
    }

    private static NavigableMap<Integer, Entry> load() {
        String text;
        try (InputStream in = XidCatalog.class.getResourceAsStream("xids.txt")) {
            if (in == null) {
                throw new IllegalStateException(
                        "xids.txt is missing beside " + XidCatalog.class.getName());
            }
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        NavigableMap<Integer, Entry> entries = new TreeMap<>();
        for (String line : text.split("\n")) {
            if (!line.isEmpty() && !line.startsWith("#")) {
                read(line, entries);
            }
        }
        return entries;
    }

    private static void read(String line, NavigableMap<Integer, Entry> entries) {
        Matcher found = LINE.matcher(line);
        if (!found.matches()) {
            throw new IllegalStateException("xids.txt: not a line of the catalog: " + line);
        }
        int first = Integer.parseInt(found.group(1));
        int last = found.group(2) == null ? first : Integer.parseInt(found.group(2));
        XidAction action = XidAction.valueOf(found.group(3));
        for (int code = first; code <= last; code++) {
            if (entries.put(code, new Entry(code, action, found.group(4))) != null) {
                throw new IllegalStateException("xids.txt: XID " + code + " is there twice");
            }
        }
    }
}
