package dev.berth.agent.cli.playground;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the probe found when it used device nodes: path, way, result ({@code OK} or an errno's name). */
public final class NodeReport {
    /** Ways to use a node, as the probe names them. */
    public enum Way {
        READ("read", "open to read"),
        WRITE("write", "open to write"),
        BOTH("both", "open for both"),
        PATH("path", "open with O_PATH"),
        REOPEN("reopen", "open again through the O_PATH descriptor"),
        MAKE("make", "mknod of the same number");

        private final String word;
        private final String sentence;

        Way(String word, String sentence) {
            this.word = word;
            this.sentence = sentence;
        }

        public String word() {
            return word;
        }

        public String sentence() {
            return sentence;
        }
    }

    private static final String END = "end";

    private final Map<String, Map<String, String>> results;

    private NodeReport(Map<String, Map<String, String>> results) {
        this.results = results;
    }

    /** Of nothing. */
    public static NodeReport none() {
        return new NodeReport(Map.of());
    }

    /** All whole reports of an output, in order; what is not theirs is passed over. */
    public static List<NodeReport> all(String output) {
        List<NodeReport> reports = new ArrayList<>();
        Map<String, Map<String, String>> results = new LinkedHashMap<>();
        for (String line : output.split("\n")) {
            String[] words = line.strip().split(" ");
            if (words[0].equals("node") && words.length > 1) {
                Map<String, String> ways = new LinkedHashMap<>();
                for (int i = 2; i < words.length; i++) {
                    int equals = words[i].indexOf('=');
                    if (equals > 0) {
                        ways.put(words[i].substring(0, equals), words[i].substring(equals + 1));
                    }
                }
                results.put(words[1], ways);
            } else if (words[0].equals(END) && words.length == 1) {
                reports.add(new NodeReport(results));
                results = new LinkedHashMap<>();
            }
        }
        return reports;
    }

    /** Empty when the node was not tried. */
    public Optional<String> result(String path, Way way) {
        return Optional.ofNullable(results.getOrDefault(path, Map.of()).get(way.word()));
    }
}
