package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.session.CliException;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.process.HelperCommand;
import dev.berth.linux.process.HelperProcess;
import dev.berth.linux.process.HelperResult;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code nvidia-smi} and its tables of comma-separated values. */
final class SmiTool {
    private static final Pattern UNKNOWN =
            Pattern.compile("Field \"([^\"]+)\" is not a valid field to query");
    private static final Duration DEADLINE = Duration.ofSeconds(60);
    private static final int LIMIT = 1 << 20;

    private final Path tool;
    private final Map<String, String> environment;

    SmiTool(Path tool, Map<String, String> environment) {
        this.tool = tool;
        this.environment = environment;
    }

    /**
     * Rows by field. A field that this version of the tool does not know is left out of all rows.
     *
     * @param kind {@code gpu} or {@code compute-apps}
     */
    List<Map<String, String>> query(String kind, List<String> fields) throws CliException {
        List<String> known = new ArrayList<>(fields);
        while (!known.isEmpty()) {
            List<String> argv =
                    List.of(
                            "nvidia-smi",
                            "--query-" + kind + "=" + String.join(",", known),
                            "--format=csv,noheader,nounits");
            HelperResult result = run(argv);
            String output = new String(result.output(), StandardCharsets.UTF_8);
            Matcher unknown = UNKNOWN.matcher(output);
            if (unknown.find() && known.remove(unknown.group(1))) {
                continue;
            }
            if (!result.succeeded()) {
                throw new CliException(
                        1,
                        String.join(" ", argv)
                                + ": "
                                + result.describe()
                                + " "
                                + output.lines().findFirst().orElse(""));
            }
            return parse(known, output);
        }
        return List.of();
    }

    private HelperResult run(List<String> argv) throws CliException {
        try {
            return HelperProcess.run(
                    Linux.host(),
                    HelperCommand.of(tool.toString(), argv, environment),
                    new byte[0],
                    DEADLINE,
                    LIMIT);
        } catch (ErrnoException e) {
            throw new CliException(1, "cannot run " + tool + ": " + e.getMessage(), e);
        }
    }

    /** One line a row, one value for each field. */
    static List<Map<String, String>> parse(List<String> fields, String output) throws CliException {
        List<Map<String, String>> rows = new ArrayList<>();
        for (String line : output.lines().filter(text -> !text.isBlank()).toList()) {
            String[] values = line.split(",", -1);
            if (values.length != fields.size()) {
                throw new CliException(
                        1,
                        "nvidia-smi was asked for "
                                + fields.size()
                                + " fields and printed: "
                                + line);
            }
            Map<String, String> row = new LinkedHashMap<>();
            for (int i = 0; i < values.length; i++) {
                row.put(fields.get(i), values[i].strip());
            }
            rows.add(row);
        }
        return rows;
    }
}
