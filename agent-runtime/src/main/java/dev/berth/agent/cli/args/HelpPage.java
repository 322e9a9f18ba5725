package dev.berth.agent.cli.args;

import java.util.ArrayList;
import java.util.List;

/** Help as text. */
public final class HelpPage {
    private HelpPage() {}

    /** {@code berth --help}: all verbs by group. */
    public static String overview(List<VerbSpec> verbs) {
        StringBuilder text = new StringBuilder(2048);
        text.append("Usage: berth [-H unix://PATH] VERB [FLAGS] [OPERANDS]\n\n");
        text.append("Runs OCI containers that Berth isolates by its own hands.\n");
        for (VerbSpec.Group group : VerbSpec.Group.values()) {
            List<VerbSpec> members = verbs.stream().filter(verb -> verb.group() == group).toList();
            if (!members.isEmpty()) {
                text.append('\n').append(group.title()).append(":\n");
                list(text, members, width(verbs));
            }
        }
        text.append("\nFlags:\n");
        flags(text, VerbSpec.GLOBAL);
        text.append("\n'berth VERB --help' shows a verb's flags and examples.\n");
        return text.toString();
    }

    /** {@code berth FAMILY --help}: the verbs of one family. */
    public static String family(String name, List<VerbSpec> verbs) {
        StringBuilder text = new StringBuilder(1024);
        text.append("Usage: berth ").append(name).append(" VERB [FLAGS] [OPERANDS]\n\n");
        list(text, verbs, width(verbs));
        text.append("\n'berth ").append(name);
        text.append(" VERB --help' shows a verb's flags and examples.\n");
        return text.toString();
    }

    private static int width(List<VerbSpec> verbs) {
        int width = 0;
        for (VerbSpec verb : verbs) {
            width = Math.max(width, verb.name().length());
        }
        return width;
    }

    private static void list(StringBuilder text, List<VerbSpec> verbs, int width) {
        for (VerbSpec verb : verbs) {
            text.append("  ").append(verb.name());
            pad(text, width - verb.name().length() + 3);
            text.append(verb.summary()).append('\n');
        }
    }

    /** {@code berth VERB --help}. */
    public static String verb(VerbSpec spec) {
        StringBuilder text = new StringBuilder(2048);
        text.append("Usage: berth ").append(spec.name());
        if (!spec.flags().isEmpty()) {
            text.append(" [FLAGS]");
        }
        if (!spec.operandsUsage().isEmpty()) {
            text.append(' ').append(spec.operandsUsage());
        }
        text.append("\n\n").append(spec.summary()).append('\n');
        if (!spec.examples().isEmpty()) {
            text.append("\nExamples:\n");
            for (int i = 0; i + 1 < spec.examples().size(); i += 2) {
                text.append("  # ").append(spec.examples().get(i)).append('\n');
                text.append("  ").append(spec.examples().get(i + 1)).append('\n');
            }
        }
        text.append("\nFlags:\n");
        List<Flag> all = new ArrayList<>(spec.flags());
        all.addAll(spec.global());
        flags(text, all);
        return text.toString();
    }

    private static void flags(StringBuilder text, List<Flag> flags) {
        int width = 0;
        for (Flag flag : flags) {
            width = Math.max(width, left(flag).length());
        }
        for (Flag flag : flags) {
            if (flag.kind() != Flag.Kind.REFUSED) {
                String left = left(flag);
                text.append("  ").append(left);
                pad(text, width - left.length() + 2);
                text.append(flag.help()).append('\n');
            }
        }
    }

    private static String left(Flag flag) {
        if (flag.kind() == Flag.Kind.REFUSED) {
            return "";
        }
        String shortForm = flag.letter() == '\0' ? "    " : "-" + flag.letter() + ", ";
        String placeholder = flag.placeholder().isEmpty() ? "" : " " + flag.placeholder();
        return shortForm + "--" + flag.name() + placeholder;
    }

    private static void pad(StringBuilder text, int spaces) {
        text.append(" ".repeat(Math.max(0, spaces)));
    }
}
