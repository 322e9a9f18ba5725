package dev.berth.agent.cli.args;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A parsed command line: values by a flag's long name, and the operands in order. */
public final class Arguments {
    private final VerbSpec spec;
    private final Map<String, List<String>> values;
    private final List<String> operands;

    Arguments(VerbSpec spec, Map<String, List<String>> values, List<String> operands) {
        this.spec = spec;
        this.values = Map.copyOf(values);
        this.operands = List.copyOf(operands);
    }

    public VerbSpec spec() {
        return spec;
    }

    public List<String> operands() {
        return operands;
    }

    /** Whether a toggle is on. */
    public boolean has(String toggle) {
        return has(toggle, false);
    }

    /** Whether a toggle is on, with what it is when it was not given. */
    public boolean has(String toggle, boolean otherwise) {
        Optional<String> value = value(toggle);
        return value.isEmpty() ? otherwise : value.get().equals("true");
    }

    /** Whether the flag was given at all. */
    public boolean given(String flag) {
        return values.containsKey(flag);
    }

    public Optional<String> value(String flag) {
        List<String> all = values(flag);
        return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
    }

    public List<String> values(String flag) {
        List<String> all = values.get(flag);
        return all == null ? List.of() : all;
    }

    /** A whole number of at least {@code least}. */
    public long number(String flag, long otherwise, long least) throws UsageException {
        Optional<String> value = value(flag);
        if (value.isEmpty()) {
            return otherwise;
        }
        try {
            long number = Long.parseLong(value.get());
            if (number >= least) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Falls through to the one message for both.
        }
        throw new UsageException(
                "--" + flag + ": not a whole number of at least " + least + ": " + value.get());
    }
}
