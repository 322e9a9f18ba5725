package dev.berth.isolator.seccomp;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** An independent reading of a profile: walks the JSON tree for each question, knows neither ranges nor BPF, and shares no code with the compiler. */
final class NaiveProfile {
    private static final BigInteger WORD = BigInteger.ONE.shiftLeft(64);

    private final Map<String, Object> root;
    private final Map<String, Integer> numbers;
    private final String arch;

    /** MAJOR * 1000 + MINOR. */
    private final int kernel;

    NaiveProfile(String text, Map<String, Integer> numbers, String arch, int kernel)
            throws IOException {
        try (JsonParser parser = new JsonFactory().createParser(text)) {
            parser.nextToken();
            root = map(tree(parser));
        }
        this.numbers = numbers;
        this.arch = arch;
        this.kernel = kernel;
    }

    private static Object tree(JsonParser parser) throws IOException {
        JsonToken token = parser.currentToken();
        if (token == JsonToken.START_OBJECT) {
            Map<String, Object> map = new LinkedHashMap<>();
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String name = parser.currentName();
                parser.nextToken();
                map.put(name, tree(parser));
            }
            return map;
        }
        if (token == JsonToken.START_ARRAY) {
            List<Object> list = new ArrayList<>();
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                list.add(tree(parser));
            }
            return list;
        }
        return token == JsonToken.VALUE_NUMBER_INT ? parser.getBigIntegerValue() : parser.getText();
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(@Nullable Object value) {
        return value == null ? Map.of() : (Map<String, Object>) value;
    }

    private static List<?> list(@Nullable Object value) {
        return value == null ? List.of() : (List<?>) value;
    }

    /** Every number that the profile compares an argument with. */
    List<Long> mentionedValues() {
        List<Long> values = new ArrayList<>();
        for (Object rule : list(root.get("syscalls"))) {
            for (Object arg : list(map(rule).get("args"))) {
                values.add(
                        ((BigInteger) map(arg).getOrDefault("value", BigInteger.ZERO)).longValue());
                values.add(
                        ((BigInteger) map(arg).getOrDefault("valueTwo", BigInteger.ZERO))
                                .longValue());
            }
        }
        return values;
    }

    /** Whether a rule of this call looks at arguments. */
    boolean looksAtArguments(int nr) {
        for (Object rule : list(root.get("syscalls"))) {
            for (Object name : list(map(rule).get("names"))) {
                Integer number = numbers.get((String) name);
                if (number != null && number == nr && map(rule).containsKey("args")) {
                    return true;
                }
            }
        }
        return false;
    }

    int verdict(int nr, boolean nativeArch, boolean x86, Set<String> caps, long... args) {
        if (!nativeArch) {
            return 0x50001;
        }
        if (x86 && (nr & 0x40000000) != 0 || x86 && nr < 0) {
            return 0x50026;
        }
        int defaultAction = action(root.get("defaultAction"), root.get("defaultErrnoRet"));
        boolean known = false;
        boolean beyond = true;
        for (Object each : list(root.get("syscalls"))) {
            Map<String, Object> rule = map(each);
            for (Object name : list(rule.get("names"))) {
                Integer number = numbers.get((String) name);
                known |= number != null;
                beyond &= number == null || Integer.compareUnsigned(nr, number) > 0;
                if (number != null && number == nr && counts(rule, caps) && matches(rule, args)) {
                    return action(rule.get("action"), rule.get("errnoRet"));
                }
            }
        }
        boolean lenient =
                defaultAction == 0x7fff0000
                        || defaultAction == 0x7ffc0000
                        || defaultAction >>> 16 == 0x7ff0;
        return known && beyond && !lenient ? 0x50026 : defaultAction;
    }

    private boolean counts(Map<String, Object> rule, Set<String> caps) {
        Map<String, Object> in = map(rule.get("includes"));
        Map<String, Object> out = map(rule.get("excludes"));
        for (Object cap : list(in.get("caps"))) {
            if (!caps.contains(((String) cap).replace("CAP_", ""))) {
                return false;
            }
        }
        for (Object cap : list(out.get("caps"))) {
            if (caps.contains(((String) cap).replace("CAP_", ""))) {
                return false;
            }
        }
        if (!list(in.get("arches")).isEmpty() && !list(in.get("arches")).contains(arch)) {
            return false;
        }
        if (list(out.get("arches")).contains(arch)) {
            return false;
        }
        Object min = in.get("minKernel");
        if (min == null) {
            return true;
        }
        String[] version = ((String) min).split("\\.");
        return kernel >= Integer.parseInt(version[0]) * 1000 + Integer.parseInt(version[1]);
    }

    private static boolean matches(Map<String, Object> rule, long... args) {
        for (Object each : list(rule.get("args"))) {
            Map<String, Object> arg = map(each);
            int index = ((BigInteger) arg.getOrDefault("index", BigInteger.ZERO)).intValue();
            BigInteger have = BigInteger.valueOf(args[index]).mod(WORD);
            BigInteger value = (BigInteger) arg.getOrDefault("value", BigInteger.ZERO);
            BigInteger two = (BigInteger) arg.getOrDefault("valueTwo", BigInteger.ZERO);
            int order = have.compareTo(value);
            boolean holds =
                    switch ((String) arg.get("op")) {
                        case "SCMP_CMP_EQ" -> order == 0;
                        case "SCMP_CMP_NE" -> order != 0;
                        case "SCMP_CMP_LT" -> order < 0;
                        case "SCMP_CMP_LE" -> order <= 0;
                        case "SCMP_CMP_GT" -> order > 0;
                        case "SCMP_CMP_GE" -> order >= 0;
                        default -> have.and(value).equals(two);
                    };
            if (!holds) {
                return false;
            }
        }
        return true;
    }

    private static int action(@Nullable Object word, @Nullable Object errno) {
        int data = errno == null ? 1 : ((BigInteger) errno).intValue();
        return switch ((String) word) {
            case "SCMP_ACT_ALLOW" -> 0x7fff0000;
            case "SCMP_ACT_LOG" -> 0x7ffc0000;
            case "SCMP_ACT_TRACE" -> 0x7ff00000 + data;
            case "SCMP_ACT_ERRNO" -> 0x00050000 + data;
            case "SCMP_ACT_TRAP" -> 0x00030000;
            case "SCMP_ACT_KILL_PROCESS" -> 0x80000000;
            default -> 0;
        };
    }
}
