package dev.berth.agent.cli.args;

import java.util.List;

/**
 * What a verb accepts and how its help reads.
 *
 * @param operandsUsage the operands' part of the usage line: {@code IMAGE [COMMAND] [ARG...]}
 * @param summary one line, a sentence without a full stop
 * @param minOperands fewer are an error
 * @param maxOperands more are an error
 * @param flagsEndAtOperand whether what follows the first operand belongs to it (run, exec)
 * @param examples pairs: what it does, the command
 */
public record VerbSpec(
        String name,
        Group group,
        String operandsUsage,
        String summary,
        int minOperands,
        int maxOperands,
        boolean flagsEndAtOperand,
        List<Flag> flags,
        List<String> examples) {
    /** Any number of operands. */
    public static final int ANY = Integer.MAX_VALUE;

    /** Where help lists a verb. */
    public enum Group {
        CONTAINERS("Containers"),
        IMAGES("Images"),
        GPUS("GPUs"),
        JOBS("Jobs on a cluster"),
        AGENT("Agent and host");

        private final String title;

        Group(String title) {
            this.title = title;
        }

        String title() {
            return title;
        }
    }

    private static final Flag HELP = Flag.toggle("help", "Show this text");

    /** Flags of every verb. */
    static final List<Flag> GLOBAL =
            List.of(
                    Flag.value(
                                    "host",
                                    "unix://PATH",
                                    "Socket of the agent (default: $BERTH_HOST, else unix:///run/berth/berth.sock)")
                            .letter('H'),
                    HELP);

    public VerbSpec {
        flags = List.copyOf(flags);
        examples = List.copyOf(examples);
    }

    /** The flags of every verb as this one has them: {@code -h} asks for help where it means nothing else, and what talks to a master has no use for an agent's socket. */
    List<Flag> global() {
        boolean taken = flags.stream().anyMatch(flag -> flag.letter() == 'h');
        Flag help = taken ? HELP : HELP.letter('h');
        return group == Group.JOBS ? List.of(help) : List.of(GLOBAL.getFirst(), help);
    }

    /** A verb with flags anywhere among its operands. */
    public static VerbSpec of(
            Group group, String usage, String summary, int min, int max, List<Flag> flags) {
        int space = usage.indexOf(' ');
        String name = space < 0 ? usage : usage.substring(0, space);
        String operands = space < 0 ? "" : usage.substring(space + 1);
        return new VerbSpec(name, group, operands, summary, min, max, false, flags, List.of());
    }

    /** The same verb as one of a family: {@code ls} in {@code gpu} is asked for as {@code berth gpu ls}. */
    public VerbSpec in(String family) {
        return new VerbSpec(
                family + " " + name,
                group,
                operandsUsage,
                summary,
                minOperands,
                maxOperands,
                flagsEndAtOperand,
                flags,
                examples);
    }

    /** The same verb whose first operand ends its flags. */
    public VerbSpec endingFlagsAtOperand() {
        return new VerbSpec(
                name,
                group,
                operandsUsage,
                summary,
                minOperands,
                maxOperands,
                true,
                flags,
                examples);
    }

    /** The same verb with examples: pairs of what it does and the command. */
    public VerbSpec examples(String... pairs) {
        return new VerbSpec(
                name,
                group,
                operandsUsage,
                summary,
                minOperands,
                maxOperands,
                flagsEndAtOperand,
                flags,
                List.of(pairs));
    }
}
