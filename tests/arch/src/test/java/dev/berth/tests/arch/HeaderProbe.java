package dev.berth.tests.arch;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.process.HelperCommand;
import dev.berth.linux.process.HelperProcess;
import dev.berth.linux.process.HelperResult;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Lets gcc say what C expressions are worth under a set of headers. What the headers do not know is left out of the answer. */
final class HeaderProbe {
    private static final Pattern ERROR =
            Pattern.compile("facts\\.c:(\\d+):\\d+: (?:fatal )?error: ");
    private static final Duration DEADLINE = Duration.ofMinutes(2);

    private final Path directory;
    private final String compiler;

    HeaderProbe(Path directory) {
        this.directory = directory;
        this.compiler =
                List.of("/usr/bin/gcc", "/usr/bin/cc", "/usr/local/bin/gcc").stream()
                        .filter(path -> Files.isExecutable(Path.of(path)))
                        .findFirst()
                        .orElseThrow(() ->
                                new IllegalStateException(
                                        "no gcc: install gcc and linux-libc-dev, which the shim is built with too"));
    }

    /** Values by expression. */
    Map<String, Long> values(List<String> options, String include, List<String> expressions)
            throws IOException, ErrnoException {
        List<String> known = new ArrayList<>(expressions);
        while (true) {
            Path source = write(include, known);
            HelperResult compiled = compile(options, source);
            if (compiled.succeeded()) {
                return run(known);
            }
            String errors = new String(compiled.errors(), StandardCharsets.UTF_8);
            TreeSet<Integer> bad = new TreeSet<>();
            ERROR.matcher(errors).results().forEach(m -> bad.add(Integer.parseInt(m.group(1))));
            // Line 1 is the include: an error there is not about one expression.
            if (bad.isEmpty()
                    || bad.first() <= FIRST_LINE
                    || bad.last() > FIRST_LINE + known.size()) {
                throw new IllegalStateException("headers do not compile: " + errors);
            }
            for (int line : bad.descendingSet()) {
                known.remove(line - FIRST_LINE - 1);
            }
        }
    }

    private static final int FIRST_LINE = 4;

    private Path write(String include, List<String> expressions) throws IOException {
        StringBuilder c = new StringBuilder();
        c.append("#include \"").append(include).append("\"\n");
        c.append("#include <stddef.h>\n");
        c.append("int printf(const char *, ...);\n");
        c.append("static const long long values[] = {\n");
        expressions.forEach(e -> c.append("(long long)(").append(e).append("),\n"));
        c.append("0};\nint main(void) { for (int i = 0; i < ")
                .append(expressions.size())
                .append("; i++) printf(\"%lld\\n\", values[i]); return 0; }\n");
        return Files.writeString(directory.resolve("facts.c"), c);
    }

    private HelperResult compile(List<String> options, Path source) throws ErrnoException {
        List<String> argv = new ArrayList<>(List.of("gcc", "-w", "-fmax-errors=0"));
        argv.addAll(options);
        argv.addAll(List.of("-o", directory.resolve("facts").toString(), source.toString()));
        Map<String, String> environment =
                Map.of(
                        "PATH",
                        "/usr/local/bin:/usr/bin:/bin",
                        "LC_ALL",
                        "C",
                        "TMPDIR",
                        "" + directory);
        HelperCommand command = HelperCommand.of(compiler, argv, environment);
        return HelperProcess.run(Linux.host(), command, new byte[0], DEADLINE, 1 << 22);
    }

    private Map<String, Long> run(List<String> expressions) throws ErrnoException {
        HelperCommand command =
                HelperCommand.of(directory.resolve("facts").toString(), List.of("facts"), Map.of());
        HelperResult result =
                HelperProcess.run(Linux.host(), command, new byte[0], DEADLINE, 1 << 22);
        if (!result.succeeded()) {
            throw new IllegalStateException("the probe failed: " + result.describe());
        }
        String[] lines = new String(result.output(), StandardCharsets.UTF_8).split("\n");
        Map<String, Long> values = new LinkedHashMap<>();
        for (int i = 0; i < expressions.size(); i++) {
            values.put(expressions.get(i), Long.parseLong(lines[i]));
        }
        return values;
    }
}
