package dev.berth.isolator.cgroup2;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What {@code /proc/self/mountinfo} says about control groups.
 *
 * @param unified mount point of the cgroup2 file system
 * @param legacy controllers that a cgroup v1 hierarchy holds, by the kernel's v1 names
 */
record CgroupMounts(Optional<String> unified, Set<String> legacy) {
    private static final Set<String> CONTROLLERS =
            Set.of("cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "devices", "freezer");

    /** @param mountinfo the file's text (proc_pid_mountinfo(5)) */
    static CgroupMounts parse(String mountinfo) {
        Optional<String> unified = Optional.empty();
        Set<String> legacy = new HashSet<>();
        for (String line : mountinfo.lines().toList()) {
            String[] fields = line.split(" ");
            int dash = List.of(fields).indexOf("-");
            if (dash < 6 || fields.length < dash + 4) {
                continue;
            }
            String type = fields[dash + 1];
            if (type.equals("cgroup")) {
                for (String option : fields[dash + 3].split(",")) {
                    if (CONTROLLERS.contains(option)) {
                        legacy.add(option);
                    }
                }
            } else if (type.equals("cgroup2") && unified.isEmpty() && fields[3].equals("/")) {
                // Binds of a subtree are of no use: their controllers are their parent's business.
                unified = Optional.of(unescape(fields[4]));
            }
        }
        return new CgroupMounts(unified, Set.copyOf(legacy));
    }

    /** Space, tab, newline and backslash stand as three octal digits. */
    private static String unescape(String field) {
        if (field.indexOf('\\') < 0) {
            return field;
        }
        byte[] in = field.getBytes(StandardCharsets.UTF_8);
        byte[] out = new byte[in.length];
        int length = 0;
        for (int i = 0; i < in.length; i++) {
            if (in[i] == '\\' && i + 3 < in.length) {
                out[length++] =
                        (byte)
                                ((in[i + 1] - '0') << 6
                                        | (in[i + 2] - '0') << 3
                                        | (in[i + 3] - '0'));
                i += 3;
            } else {
                out[length++] = in[i];
            }
        }
        return new String(out, 0, length, StandardCharsets.UTF_8);
    }
}
