package dev.berth.agent.cli.args;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Parses the words after a verb by its {@link VerbSpec}. */
public final class ArgumentParser {
    private final VerbSpec spec;
    private final List<Flag> flags = new ArrayList<>();
    private final Map<String, List<String>> values = new HashMap<>();
    private final List<String> operands = new ArrayList<>();

    private ArgumentParser(VerbSpec spec) {
        this.spec = spec;
        flags.addAll(spec.flags());
        flags.addAll(spec.global());
    }

    /**
     * Parses. With {@code --help} among the flags the number of operands is not checked.
     *
     * @throws UsageException naming the word that is wrong, with the nearest right one
     */
    public static Arguments parse(VerbSpec spec, List<String> words) throws UsageException {
        return new ArgumentParser(spec).parse(words);
    }

    private Arguments parse(List<String> words) throws UsageException {
        int i = 0;
        while (i < words.size()) {
            String word = words.get(i++);
            if (word.equals("--")) {
                operands.addAll(words.subList(i, words.size()));
                break;
            } else if (word.startsWith("--")) {
                i = longFlag(word.substring(2), words, i);
            } else if (word.startsWith("-") && word.length() > 1) {
                i = letters(word.substring(1), words, i);
            } else {
                operands.add(word);
                if (spec.flagsEndAtOperand()) {
                    operands.addAll(words.subList(i, words.size()));
                    break;
                }
            }
        }
        if (!values.containsKey("help")) {
            checkOperands();
        }
        return new Arguments(spec, values, operands);
    }

    private void checkOperands() throws UsageException {
        if (operands.size() < spec.minOperands()) {
            throw new UsageException(
                    "missing "
                            + (spec.operandsUsage().isEmpty() ? "operand" : spec.operandsUsage()));
        }
        if (operands.size() > spec.maxOperands()) {
            throw new UsageException(
                    "unexpected argument '" + operands.get(spec.maxOperands()) + "'");
        }
    }

    private int longFlag(String body, List<String> words, int next) throws UsageException {
        int equals = body.indexOf('=');
        String name = equals < 0 ? body : body.substring(0, equals);
        Flag flag = null;
        for (Flag candidate : flags) {
            if (candidate.isNamed(name)) {
                flag = candidate;
                break;
            }
        }
        if (flag == null) {
            throw new UsageException("unknown flag --" + name + suggestion(name));
        }
        if (equals >= 0) {
            put(flag, "--" + name, body.substring(equals + 1));
            return next;
        }
        return withoutValue(flag, "--" + name, words, next);
    }

    private int letters(String body, List<String> words, int next) throws UsageException {
        for (int i = 0; i < body.length(); i++) {
            char letter = body.charAt(i);
            Flag flag = null;
            for (Flag candidate : flags) {
                if (candidate.letter() == letter) {
                    flag = candidate;
                    break;
                }
            }
            if (flag == null) {
                throw new UsageException(
                        body.length() == 1
                                ? "unknown flag -" + letter
                                : "unknown flag -" + letter + " in -" + body);
            }
            boolean last = i == body.length() - 1;
            String shown = "-" + letter;
            if (!last && body.charAt(i + 1) == '=') {
                put(flag, shown, body.substring(i + 2));
                return next;
            }
            if (flag.takesValue() && !last) {
                put(flag, shown, body.substring(i + 1));
                return next;
            }
            if (last) {
                return withoutValue(flag, shown, words, next);
            }
            withoutValue(flag, shown, List.of(), 0);
        }
        return next;
    }

    /** A flag with nothing attached: a toggle is on, any other takes the next word. */
    private int withoutValue(Flag flag, String shown, List<String> words, int next)
            throws UsageException {
        if (flag.takesValue()) {
            if (next >= words.size()) {
                throw new UsageException(shown + " needs a value: " + flag.placeholder());
            }
            put(flag, shown, words.get(next));
            return next + 1;
        }
        put(flag, shown, "true");
        return next;
    }

    private void put(Flag flag, String shown, String value) throws UsageException {
        switch (flag.kind()) {
            case REFUSED -> throw new UsageException("--" + flag.name() + ": " + flag.help());
            case TOGGLE -> values.put(flag.name(), List.of(toggle(shown, value)));
            case VALUE -> values.put(flag.name(), List.of(value));
            case LIST -> {
                List<String> all = new ArrayList<>(values.getOrDefault(flag.name(), List.of()));
                all.add(value);
                values.put(flag.name(), all);
            }
        }
    }

    private static String toggle(String shown, String value) throws UsageException {
        return switch (value) {
            case "true", "1", "t", "T", "TRUE", "True" -> "true";
            case "false", "0", "f", "F", "FALSE", "False" -> "false";
            default ->
                    throw new UsageException(shown + " takes true or false, not '" + value + "'");
        };
    }

    private String suggestion(String typed) {
        List<String> names = new ArrayList<>();
        for (Flag flag : flags) {
            if (flag.kind() != Flag.Kind.REFUSED) {
                names.add(flag.name());
            }
        }
        Optional<String> nearest = Nearest.of(typed, names);
        return nearest.isEmpty() ? "" : "; did you mean --" + nearest.get() + "?";
    }
}
