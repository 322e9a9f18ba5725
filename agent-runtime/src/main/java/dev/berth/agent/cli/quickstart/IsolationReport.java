package dev.berth.agent.cli.quickstart;

import dev.berth.agent.cli.view.Capabilities;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the probe printed inside the container, arranged for people. */
final class IsolationReport {
    private static final int LABEL = 14;
    private static final int LINE = 100;

    private final Map<String, List<String>> lines = new LinkedHashMap<>();
    private final StringBuilder text = new StringBuilder();

    private IsolationReport(String output) {
        for (String line : output.split("\n")) {
            int space = line.indexOf(' ');
            if (space > 0) {
                lines.computeIfAbsent(line.substring(0, space), key -> new ArrayList<>())
                        .add(line.substring(space + 1).strip());
            }
        }
    }

    /**
     * Arranges a report.
     *
     * @param output of the probe
     * @param hostNamespaces the caller's own, as {@code pid:[4026531836]}
     */
    static String of(String output, List<String> hostNamespaces) {
        return new IsolationReport(output).render(hostNamespaces);
    }

    /** Whether the output is a report at all. */
    static boolean isReport(String output) {
        return output.startsWith("pid ");
    }

    private String render(List<String> hostNamespaces) {
        row("process", "pid " + one("pid") + ", parent " + one("ppid") + ", user " + user());
        row("hostname", one("hostname"));
        namespaces(hostNamespaces);
        capabilities();
        row("seccomp", one("seccomp").equals("2") ? "filter (mode 2)" : "mode " + one("seccomp"));
        row("no_new_privs", one("no_new_privs").equals("1") ? "on" : "off (Docker's default)");
        row("cgroup", cgroup());
        limits();
        mounts();
        devices();
        return text.toString();
    }

    private List<String> all(String key) {
        return lines.getOrDefault(key, List.of());
    }

    private String one(String key) {
        List<String> found = all(key);
        return found.isEmpty() ? "?" : found.get(0);
    }

    private String user() {
        return one("uid").split(" ")[0] + ":" + one("gid").split(" ")[0];
    }

    /** The line of cgroup2; those of version 1 say nothing about a container of ours. */
    private String cgroup() {
        for (String line : all("cgroup")) {
            if (line.startsWith("0::")) {
                return line.substring(3) + " (seen from its own cgroup namespace)";
            }
        }
        return "not in cgroup2";
    }

    private void namespaces(List<String> host) {
        List<String> own = new ArrayList<>();
        List<String> shared = new ArrayList<>();
        for (String namespace : all("namespace")) {
            String kind = namespace.substring(0, Math.max(0, namespace.indexOf(':')));
            (host.contains(namespace) ? shared : own).add(kind);
        }
        row("namespaces", "its own: " + String.join(" ", own));
        if (!shared.isEmpty()) {
            row("", "the host's: " + String.join(" ", shared));
        }
    }

    private void capabilities() {
        String effective = one("cap_eff");
        row("capabilities", "effective: " + names(effective));
        for (String[] set :
                new String[][] {
                    {"cap_prm", "permitted"},
                    {"cap_bnd", "bounding"},
                    {"cap_inh", "inheritable"},
                    {"cap_amb", "ambient"}
                }) {
            String value = one(set[0]);
            row("", set[1] + ": " + (value.equals(effective) ? "the same" : names(value)));
        }
    }

    private static String names(String hexadecimal) {
        try {
            List<String> names = Capabilities.names(Long.parseUnsignedLong(hexadecimal, 16));
            return names.isEmpty() ? "none" : String.join(" ", names);
        } catch (NumberFormatException e) {
            return hexadecimal;
        }
    }

    private void limits() {
        List<String> limits = new ArrayList<>();
        for (Map.Entry<String, List<String>> line : lines.entrySet()) {
            String key = line.getKey();
            if (key.startsWith("memory.")
                    || key.startsWith("pids.")
                    || key.startsWith("cpu.")
                    || key.startsWith("cpuset.")) {
                limits.add(key + " = " + line.getValue().get(0));
            }
        }
        row("limits", limits.isEmpty() ? "none in this cgroup" : String.join(", ", limits));
    }

    private void mounts() {
        Map<String, List<String>> byKind = new LinkedHashMap<>();
        List<String> mounts = all("mount");
        for (String mount : mounts) {
            String[] words = mount.split(" ");
            if (words.length >= 3) {
                byKind.computeIfAbsent(words[1] + " " + words[2], key -> new ArrayList<>())
                        .add(words[0]);
            }
        }
        row("mounts", mounts.size() + ":");
        byKind.forEach((kind, places) -> row("", kind + ": " + String.join(" ", places)));
    }

    private void devices() {
        Map<String, List<String>> byResult = new LinkedHashMap<>();
        for (String open : all("open")) {
            String[] words = open.split(" ");
            byResult.computeIfAbsent(words[words.length - 1], key -> new ArrayList<>())
                    .add(words[0]);
        }
        for (String mknod : all("mknod")) {
            String[] words = mknod.split(" ");
            String result =
                    words.length >= 4 && words[2].equals("open")
                            ? words[3]
                            : "mknod " + words[words.length - 1];
            byResult.computeIfAbsent(result, key -> new ArrayList<>())
                    .add(words[0].replaceFirst("^c:", "c "));
        }
        String label = "device opens";
        for (Map.Entry<String, List<String>> result : byResult.entrySet()) {
            String meaning =
                    switch (result.getKey()) {
                        case "EPERM" -> "EPERM (refused by the device program): ";
                        case "ENXIO" -> "ENXIO (allowed, but no such hardware): ";
                        case "ENOENT" -> "ENOENT (not there): ";
                        case "mknod EPERM" -> "cannot even be made (mknod: EPERM): ";
                        default -> result.getKey() + ": ";
                    };
            row(label, meaning + String.join(", ", result.getValue()));
            label = "";
        }
    }

    /** A labelled row, folded at blanks. */
    private void row(String label, String value) {
        text.append("  ").append(label).append(" ".repeat(LABEL - label.length()));
        String rest = value;
        while (rest.length() > LINE - LABEL && rest.lastIndexOf(' ', LINE - LABEL) > 0) {
            int at = rest.lastIndexOf(' ', LINE - LABEL);
            text.append(rest, 0, at).append('\n').append(" ".repeat(LABEL + 4));
            rest = rest.substring(at + 1);
        }
        text.append(rest).append('\n');
    }
}
