package dev.berth.agent.cli.run;

import dev.berth.agent.cli.args.UsageException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** {@code --env} and {@code --env-file}. */
public final class Environment {
    private Environment() {}

    /** Adds {@code NAME=VALUE} as it is; {@code NAME} alone takes the caller's value and is dropped when the caller has none. */
    public static void add(String variable, Map<String, String> callers, List<String> target)
            throws UsageException {
        if (variable.isEmpty() || variable.startsWith("=")) {
            throw new UsageException("--env: want NAME[=VALUE], got '" + variable + "'");
        }
        if (variable.indexOf('=') > 0) {
            target.add(variable);
        } else {
            String value = callers.get(variable);
            if (value != null) {
                target.add(variable + "=" + value);
            }
        }
    }

    /** Adds the lines of a file; those that are empty or begin with {@code #} are not looked at. */
    public static void file(String file, Map<String, String> callers, List<String> target)
            throws UsageException, IOException {
        int number = 0;
        for (String line : Files.readAllLines(Path.of(file), StandardCharsets.UTF_8)) {
            number++;
            String text = line.stripLeading();
            if (text.isEmpty() || text.startsWith("#")) {
                continue;
            }
            int equals = text.indexOf('=');
            String name = equals < 0 ? text : text.substring(0, equals);
            if (name.isEmpty() || name.indexOf(' ') >= 0 || name.indexOf('\t') >= 0) {
                throw new UsageException(
                        file + ", line " + number + ": want NAME=VALUE, got '" + line + "'");
            }
            if (equals >= 0 || callers.isEmpty()) {
                target.add(text);
            } else {
                add(text, callers, target);
            }
        }
    }
}
