package dev.berth.isolator.seccomp;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.seccomp.SeccompProfile.Condition;
import dev.berth.isolator.seccomp.SeccompProfile.Operator;
import dev.berth.isolator.seccomp.SeccompProfile.Rule;
import dev.berth.isolator.seccomp.SeccompProfile.Selector;

import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * Reads both spellings of a profile in one pass: Docker's file and runtime-spec {@code linux.seccomp} differ only in members that the other one lacks. Members without meaning for a filter ({@code archMap},
 * {@code comment}) are skipped; words and numbers that could change a verdict are never guessed.
 */
final class SeccompProfileReader {
    private static final int EPERM = 1;
    private static final int MAX_ERRNO = 4095;
    private static final JsonFactory JSON = new JsonFactory();
    private static final Map<String, Long> FLAGS =
            Map.of(
                    "SECCOMP_FILTER_FLAG_TSYNC", 1L,
                    "SECCOMP_FILTER_FLAG_LOG", 2L,
                    "SECCOMP_FILTER_FLAG_SPEC_ALLOW", 4L);

    private final JsonParser parser;

    private SeccompProfileReader(JsonParser parser) {
        this.parser = parser;
    }

    static SeccompProfile read(String text) throws IsolatorException {
        try (JsonParser parser = JSON.createParser(text)) {
            return new SeccompProfileReader(parser).profile();
        } catch (IOException e) {
            throw new IsolatorException("seccomp: read profile as JSON", e);
        }
    }

    private SeccompProfile profile() throws IOException, IsolatorException {
        Optional<String> defaultAction = Optional.empty();
        OptionalInt defaultErrno = OptionalInt.empty();
        List<Rule> rules = new ArrayList<>();
        long flags = 0;
        expect(parser.nextToken() == JsonToken.START_OBJECT, "a profile is a JSON object");
        for (String member = member(); member != null; member = member()) {
            switch (member) {
                case "defaultAction" -> defaultAction = Optional.of(string(member));
                case "defaultErrnoRet" -> defaultErrno = OptionalInt.of(errno(member));
                case "flags" -> {
                    for (String flag : strings(member)) {
                        Long bit = FLAGS.get(flag);
                        expect(bit != null, "flag " + flag + " is not supported");
                        flags |= bit == null ? 0 : bit;
                    }
                }
                case "listenerPath" ->
                        expect(
                                string(member).isEmpty(),
                                "listenerPath needs a notify agent, which is not supported");
                case "syscalls" -> rules = rules();
                default -> parser.skipChildren();
            }
        }
        expect(parser.nextToken() == null, "text after the profile");
        String word =
                defaultAction.orElseThrow(
                        () -> new IsolatorException("seccomp: profile has no defaultAction"));
        return new SeccompProfile(action(word, defaultErrno), List.copyOf(rules), flags);
    }

    private List<Rule> rules() throws IOException, IsolatorException {
        List<Rule> rules = new ArrayList<>();
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return rules;
        }
        expect(parser.currentToken() == JsonToken.START_ARRAY, "syscalls must be an array");
        while (parser.nextToken() == JsonToken.START_OBJECT) {
            rules.add(rule());
        }
        expect(parser.currentToken() == JsonToken.END_ARRAY, "syscalls must hold objects");
        return rules;
    }

    private Rule rule() throws IOException, IsolatorException {
        List<String> names = new ArrayList<>();
        String action = "";
        OptionalInt errno = OptionalInt.empty();
        List<Condition> conditions = List.of();
        Selector onlyWith = Selector.NONE;
        Selector notWith = Selector.NONE;
        for (String member = member(); member != null; member = member()) {
            switch (member) {
                case "names" -> names.addAll(strings(member));
                case "name" -> names.add(string(member));
                case "action" -> action = string(member);
                case "errnoRet" -> {
                    if (parser.currentToken() != JsonToken.VALUE_NULL) {
                        errno = OptionalInt.of(errno(member));
                    }
                }
                case "args" -> conditions = conditions();
                case "includes" -> onlyWith = selector();
                case "excludes" -> notWith = selector();
                default -> parser.skipChildren();
            }
        }
        names.removeIf(String::isEmpty);
        expect(!names.isEmpty(), "a rule names no system call");
        return new Rule(List.copyOf(names), action(action, errno), conditions, onlyWith, notWith);
    }

    private List<Condition> conditions() throws IOException, IsolatorException {
        List<Condition> conditions = new ArrayList<>();
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return conditions;
        }
        expect(parser.currentToken() == JsonToken.START_ARRAY, "args must be an array");
        while (parser.nextToken() == JsonToken.START_OBJECT) {
            conditions.add(condition());
        }
        expect(parser.currentToken() == JsonToken.END_ARRAY, "args must hold objects");
        return List.copyOf(conditions);
    }

    private Condition condition() throws IOException, IsolatorException {
        long index = 0;
        long value = 0;
        long valueTwo = 0;
        Operator operator = null;
        for (String member = member(); member != null; member = member()) {
            switch (member) {
                case "index" -> index = unsigned(member);
                case "value" -> value = unsigned(member);
                case "valueTwo" -> valueTwo = unsigned(member);
                case "op" -> operator = operator(string(member));
                default -> parser.skipChildren();
            }
        }
        expect(index >= 0 && index < 6, "argument index must be 0 to 5");
        if (operator == null) {
            throw new IsolatorException("seccomp: an argument has no op");
        }
        return new Condition((int) index, operator, value, valueTwo);
    }

    private static Operator operator(String word) throws IsolatorException {
        for (Operator operator : Operator.values()) {
            if (word.equals("SCMP_CMP_" + operator.name())) {
                return operator;
            }
        }
        throw new IsolatorException("seccomp: unknown op " + word);
    }

    private Selector selector() throws IOException, IsolatorException {
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return Selector.NONE;
        }
        expect(
                parser.currentToken() == JsonToken.START_OBJECT,
                "includes and excludes must be objects");
        Set<String> capabilities = new TreeSet<>();
        Set<String> architectures = Set.of();
        Optional<int[]> minKernel = Optional.empty();
        for (String member = member(); member != null; member = member()) {
            switch (member) {
                case "caps" -> strings(member).forEach(c -> capabilities.add(capability(c)));
                case "arches" -> architectures = Set.copyOf(strings(member));
                case "minKernel" -> minKernel = kernel(string(member));
                default -> throw new IsolatorException("seccomp: unknown condition " + member);
            }
        }
        return new Selector(Set.copyOf(capabilities), architectures, minKernel);
    }

    /** A capability's name without {@code CAP_}, upper case. */
    static String capability(String name) {
        String upper = name.toUpperCase(Locale.ROOT);
        return upper.startsWith("CAP_") ? upper.substring(4) : upper;
    }

    private static Optional<int[]> kernel(String version) throws IsolatorException {
        if (version.isEmpty()) {
            return Optional.empty();
        }
        int[] parsed = KernelVersion.parse(version);
        if (parsed.length == 0) {
            throw new IsolatorException("seccomp: minKernel must be MAJOR.MINOR: " + version);
        }
        return Optional.of(parsed);
    }

    private static int action(String word, OptionalInt errno) throws IsolatorException {
        if (word.equals("SCMP_ACT_NOTIFY")) {
            throw new IsolatorException(
                    "seccomp: action SCMP_ACT_NOTIFY needs a notify agent, which is not supported");
        }
        int action =
                SeccompProfile.action(word)
                        .orElseThrow(
                                () -> new IsolatorException("seccomp: unknown action " + word));
        boolean carriesData =
                action == SeccompProfile.RET_ERRNO || action == SeccompProfile.RET_TRACE;
        return carriesData ? action | errno.orElse(EPERM) : action;
    }

    private int errno(String member) throws IOException, IsolatorException {
        long value = unsigned(member);
        expect(value >= 0 && value <= MAX_ERRNO, member + " must be 0 to " + MAX_ERRNO);
        return (int) value;
    }

    /** The next member's name with the parser on its value, null at the object's end. */
    private @org.jspecify.annotations.Nullable String member() throws IOException {
        String name = parser.nextFieldName();
        if (name != null) {
            parser.nextToken();
        }
        return name;
    }

    private String string(String member) throws IOException, IsolatorException {
        expect(parser.currentToken() == JsonToken.VALUE_STRING, member + " must be a string");
        return parser.getText();
    }

    private List<String> strings(String member) throws IOException, IsolatorException {
        List<String> strings = new ArrayList<>();
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return strings;
        }
        expect(
                parser.currentToken() == JsonToken.START_ARRAY,
                member + " must be an array of strings");
        while (parser.nextToken() == JsonToken.VALUE_STRING) {
            strings.add(parser.getText());
        }
        expect(
                parser.currentToken() == JsonToken.END_ARRAY,
                member + " must be an array of strings");
        return strings;
    }

    /** A whole number of 0 to 2^64 − 1, as its 64 bits. */
    private long unsigned(String member) throws IOException, IsolatorException {
        expect(
                parser.currentToken() == JsonToken.VALUE_NUMBER_INT,
                member + " must be a whole number");
        BigInteger value = parser.getBigIntegerValue();
        expect(
                value.signum() >= 0 && value.bitLength() <= 64,
                member + " must fit 64 unsigned bits: " + value);
        return value.longValue();
    }

    private static void expect(boolean holds, String otherwise) throws IsolatorException {
        if (!holds) {
            throw new IsolatorException("seccomp: profile: " + otherwise);
        }
    }
}
