package dev.berth.containerizer.snapshot;

import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.file.SafeRoot;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Turns {@code USER} of an image or a request (image-spec config "User": user, uid, user:group, uid:gid, uid:group, user:gid) into numbers, with the root's own {@code /etc/passwd} and {@code /etc/group}.
 *
 * <p>Strict where a guess could end as root: nothing but digits is a number, a number is never looked up as a name (an image could map the name "1000" to uid 0), 2^32 − 1 (the kernel's "no id") and empty halves
 * are refused.
 *
 * <p>Thread: file lane.
 */
public final class UserLookup {
    /** The largest id that exists: 2^32 − 1 means "unchanged" to the kernel. */
    private static final long MAX_ID = 0xffff_fffeL;

    private static final int FILE_LIMIT_BYTES = 8 << 20;
    private static final int NGROUPS_MAX = 65_536;
    private static final String PASSWD = "/etc/passwd";
    private static final String GROUP = "/etc/group";

    private final SafeRoot root;

    private UserLookup(SafeRoot root) {
        this.root = root;
    }

    /**
     * Looks a user up inside a root.
     *
     * @param rootDirectory the root, such as a detached mount
     * @param user empty means uid 0
     * @param extraGroups names or numbers of further groups ({@code --group-add})
     * @throws SnapshotException for a malformed or unknown user or group, or when a name must be looked up in a file that is no regular file, too large or absent
     */
    public static ContainerUser resolve(
            Files files, Fd rootDirectory, String user, List<String> extraGroups)
            throws SnapshotException {
        try (SafeRoot root = SafeRoot.over(files, rootDirectory)) {
            return new UserLookup(root).resolve(user.isEmpty() ? "0" : user, extraGroups);
        }
    }

    /** A line of passwd(5). */
    private record Account(String name, long uid, long gid, String home) {}

    /** A line of group(5). */
    private record Group(String name, long gid, List<String> members) {}

    private ContainerUser resolve(String spec, List<String> extraGroups) throws SnapshotException {
        int colon = spec.indexOf(':');
        String user = colon < 0 ? spec : spec.substring(0, colon);
        Optional<String> group =
                colon < 0 ? Optional.empty() : Optional.of(spec.substring(colon + 1));
        checkWord("user", user, spec);
        if (group.isPresent()) {
            checkWord("group", group.get(), spec);
        }
        OptionalLong number = number(user);
        Optional<Account> account =
                accounts(number.isEmpty()).stream()
                        .filter(a ->
                                number.isPresent()
                                        ? a.uid() == number.getAsLong()
                                        : a.name().equals(user))
                        .findFirst();
        if (number.isEmpty() && account.isEmpty()) {
            throw new SnapshotException("user " + user + " is not in " + PASSWD + " of the image");
        }
        long uid = number.orElseGet(() -> account.orElseThrow().uid());
        SortedSet<Long> groups = new TreeSet<>();
        long gid;
        if (group.isPresent()) {
            gid = groupId(group.get());
        } else {
            gid = account.map(Account::gid).orElse(0L);
            if (account.isPresent()) {
                for (Group g : groups(false)) {
                    if (g.members().contains(account.get().name())) {
                        groups.add(g.gid());
                    }
                }
            }
        }
        for (String extra : extraGroups) {
            checkWord("group", extra, extra);
            groups.add(groupId(extra));
        }
        if (groups.size() > NGROUPS_MAX) {
            throw new SnapshotException("user " + user + " is in more than 65536 groups");
        }
        String home = account.map(Account::home).filter(h -> h.startsWith("/")).orElse("/");
        return new ContainerUser(
                (int) uid, (int) gid, groups.stream().map(Long::intValue).toList(), home);
    }

    private static void checkWord(String what, String word, String spec) throws SnapshotException {
        if (word.isEmpty()) {
            throw new SnapshotException("empty " + what + " in user '" + spec + "'");
        }
        boolean plain = word.chars().allMatch(c -> c > ' ' && c != ':' && c != ',' && c != 127);
        if (!plain || word.startsWith("-") || word.startsWith("+")) {
            throw new SnapshotException("malformed " + what + " in user '" + spec + "'");
        }
        if (word.chars().allMatch(c -> c >= '0' && c <= '9') && number(word).isEmpty()) {
            throw new SnapshotException(
                    what + " id " + word + " is out of range: 0 to " + MAX_ID + " are possible");
        }
    }

    private long groupId(String group) throws SnapshotException {
        OptionalLong number = number(group);
        if (number.isPresent()) {
            return number.getAsLong();
        }
        return groups(true).stream()
                .filter(g -> g.name().equals(group))
                .mapToLong(Group::gid)
                .findFirst()
                .orElseThrow(() ->
                        new SnapshotException(
                                "group " + group + " is not in " + GROUP + " of the image"));
    }

    /** Digits only, and an id that exists. */
    private static OptionalLong number(String word) {
        if (word.isEmpty()
                || word.length() > 10
                || !word.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return OptionalLong.empty();
        }
        long value = Long.parseLong(word);
        return value <= MAX_ID ? OptionalLong.of(value) : OptionalLong.empty();
    }

    private List<Account> accounts(boolean required) throws SnapshotException {
        List<Account> accounts = new ArrayList<>();
        for (String[] fields : lines(PASSWD, required, 7)) {
            OptionalLong uid = number(fields[2]);
            OptionalLong gid = number(fields[3]);
            if (!fields[0].isEmpty() && uid.isPresent() && gid.isPresent()) {
                accounts.add(new Account(fields[0], uid.getAsLong(), gid.getAsLong(), fields[5]));
            }
        }
        return accounts;
    }

    private List<Group> groups(boolean required) throws SnapshotException {
        List<Group> groups = new ArrayList<>();
        for (String[] fields : lines(GROUP, required, 4)) {
            OptionalLong gid = number(fields[2]);
            if (!fields[0].isEmpty() && gid.isPresent()) {
                groups.add(new Group(fields[0], gid.getAsLong(), List.of(fields[3].split(","))));
            }
        }
        return groups;
    }

    /** Lines that have at least so many fields; broken ones are passed over, as everywhere. */
    private List<String[]> lines(String path, boolean required, int fields)
            throws SnapshotException {
        List<String[]> lines = new ArrayList<>();
        for (String line : text(path, required).split("\n")) {
            String[] parts = line.split(":", -1);
            if (parts.length >= fields) {
                lines.add(parts);
            }
        }
        return lines;
    }

    private String text(String path, boolean required) throws SnapshotException {
        try {
            Optional<byte[]> content = root.readRegular(path, FILE_LIMIT_BYTES);
            return content.map(bytes -> new String(bytes, StandardCharsets.UTF_8)).orElse("");
        } catch (ErrnoException e) {
            // A link, a FIFO, or 10 GB of passwd (CVE-2024-9676): as good as none, unless a name
            // depends on it.
            boolean hostile =
                    e.errno() == Errno.ELOOP
                            || e.errno() == Errno.EINVAL
                            || e.errno() == Errno.EFBIG;
            if (hostile && !required) {
                return "";
            }
            throw new SnapshotException("read " + path + " of the image", e);
        }
    }
}
