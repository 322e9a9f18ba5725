import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Adds up Surefire's reports and prints every skip with its reason. A skip that tests/skips.txt does not allow fails: a missing capability must not silently turn a test off. Run as a single source file:
 * {@code java tests/Results.java ROOT}.
 */
public final class Results {
    private int tests;
    private int failures;
    private int errors;
    private final TreeMap<String, String> skips = new TreeMap<>();

    public static void main(String[] args) throws Exception {
        Path root = Path.of(args[0]).toRealPath();
        Results results = new Results();
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.filter(p -> p.toString().contains("target/surefire-reports/TEST-")).sorted().toList()) {
                results.add(file);
            }
        }
        boolean skipsAllowed = results.skipsAllowed(allowed(root.resolve("tests/skips.txt")));
        System.out.printf(
                "%nTests run: %d, Failures: %d, Errors: %d, Skipped: %d%n", results.tests, results.failures, results.errors, results.skips.size());
        System.exit(results.tests > 0 && results.failures + results.errors == 0 && skipsAllowed ? 0 : 1);
    }

    private void add(Path report) throws Exception {
        Element suite = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(report.toFile()).getDocumentElement();
        tests += number(suite, "tests");
        failures += number(suite, "failures");
        errors += number(suite, "errors");
        NodeList cases = suite.getElementsByTagName("testcase");
        for (int i = 0; i < cases.getLength(); i++) {
            Element test = (Element) cases.item(i);
            NodeList skipped = test.getElementsByTagName("skipped");
            if (skipped.getLength() > 0) {
                String name = test.getAttribute("classname").replaceFirst(".*\\.", "") + "." + test.getAttribute("name");
                skips.put(name, ((Element) skipped.item(0)).getAttribute("message"));
            }
        }
    }

    private static int number(Element suite, String attribute) {
        return Integer.parseInt(suite.getAttribute(attribute));
    }

    private static List<Pattern> allowed(Path file) throws IOException {
        List<Pattern> patterns = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            if (!line.isBlank() && !line.startsWith("#")) {
                patterns.add(Pattern.compile(line.strip()));
            }
        }
        return patterns;
    }

    private boolean skipsAllowed(List<Pattern> allowed) {
        boolean good = true;
        if (!skips.isEmpty()) {
            System.out.println("\nSkipped:");
        }
        for (var skip : skips.entrySet()) {
            String line = skip.getKey() + ": " + skip.getValue();
            boolean known = allowed.stream().anyMatch(p -> p.matcher(line).matches());
            System.out.println("  " + line + (known ? "" : "   <- not in tests/skips.txt"));
            good &= known;
        }
        return good;
    }
}
