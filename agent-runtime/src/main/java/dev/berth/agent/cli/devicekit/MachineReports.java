package dev.berth.agent.cli.devicekit;

import dev.berth.agent.cli.devicekit.Cell.Verdict;
import dev.berth.agent.cli.json.Json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The outcome for programs: JSON with every node, and the XML that JUnit's readers know. */
final class MachineReports {
    private static final String SUITE = "berth.devicekit.level1";

    private MachineReports() {}

    /** @param environment facts of the machine: kernel, time */
    static Json json(Outcome outcome, Map<String, String> environment) {
        Map<String, Json> members = new LinkedHashMap<>();
        members.put("Kit", Json.of(SUITE));
        Map<String, Json> facts = new LinkedHashMap<>();
        environment.forEach((name, value) -> facts.put(name, Json.of(value)));
        members.put("Environment", Json.of(facts));
        members.put("Provider", Json.of(outcome.provider()));
        members.put("Kind", Json.of(outcome.hardware().kind()));
        members.put("Source", Json.of(outcome.hardware().source()));
        members.put("Devices", Json.of(outcome.hardware().units().size()));
        members.put("Passed", Json.of(outcome.passed()));
        for (Verdict verdict : Verdict.values()) {
            String name = verdict.name();
            members.put(
                    name.charAt(0) + name.substring(1).toLowerCase(Locale.ROOT),
                    Json.of(outcome.count(verdict)));
        }
        members.put("Skipped", Json.texts(outcome.skipped()));
        members.put("Cells", Json.of(outcome.cells().size()));
        List<Json> groups = new ArrayList<>();
        for (Group group : outcome.groups()) {
            groups.add(json(group));
        }
        members.put("Groups", Json.of(groups));
        return Json.of(members);
    }

    private static Json json(Group group) {
        Cell cell = group.first();
        Map<String, Json> members = new LinkedHashMap<>();
        members.put("Stage", Json.of(word(cell.stage().name())));
        members.put("Container", Json.of(cell.container()));
        members.put("Subject", Json.of(word(cell.subject().name())));
        members.put("Way", Json.of(cell.way().word()));
        members.put("Expected", Json.texts(cell.expected()));
        members.put("Got", Json.of(cell.got()));
        members.put("Control", cell.needsControl() ? Json.of(cell.control()) : Json.NULL);
        members.put("Verdict", Json.of(word(cell.verdict().name())));
        members.put("Paths", Json.texts(group.paths()));
        return Json.of(members);
    }

    private static String word(String name) {
        return name.toLowerCase(Locale.ROOT);
    }

    /** A test case for each stage, container, kind of node and way: the same names in every run, whatever the results. */
    static String junit(Outcome outcome, double seconds) {
        Map<String, List<Group>> cases = new LinkedHashMap<>();
        int failed = 0;
        for (Group group : outcome.groups()) {
            cases.computeIfAbsent(testCase(group.first()), name -> new ArrayList<>()).add(group);
        }
        StringBuilder body = new StringBuilder(1 << 16);
        for (Map.Entry<String, List<Group>> one : cases.entrySet()) {
            List<Group> wrong = new ArrayList<>(one.getValue());
            wrong.removeIf(group -> group.verdict() == Verdict.GREEN);
            failed += wrong.isEmpty() ? 0 : 1;
            body.append("  <testcase").append(one.getKey());
            body.append(wrong.isEmpty() ? "/>\n" : ">\n");
            for (Group group : wrong) {
                body.append("    <failure");
                attribute(body, "type", word(group.verdict().name()));
                attribute(body, "message", group.sentence());
                body.append("/>\n");
            }
            body.append(wrong.isEmpty() ? "" : "  </testcase>\n");
        }
        for (String skip : outcome.skipped()) {
            body.append("  <testcase");
            attribute(body, "classname", SUITE);
            attribute(body, "name", skip);
            body.append("><skipped/></testcase>\n");
        }
        StringBuilder xml = new StringBuilder(body.length() + 512);
        xml.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite");
        attribute(xml, "name", SUITE);
        attribute(xml, "tests", Integer.toString(cases.size() + outcome.skipped().size()));
        attribute(xml, "failures", Integer.toString(failed));
        attribute(xml, "errors", "0");
        attribute(xml, "skipped", Integer.toString(outcome.skipped().size()));
        attribute(xml, "time", String.format(Locale.ROOT, "%.3f", seconds));
        return xml.append(">\n").append(body).append("</testsuite>\n").toString();
    }

    /** Name and class as attributes. */
    private static String testCase(Cell cell) {
        StringBuilder attributes = new StringBuilder();
        attribute(attributes, "classname", SUITE + "." + word(cell.stage().name()));
        attribute(
                attributes,
                "name",
                cell.container() + " " + word(cell.subject().name()) + " " + cell.way().word());
        attribute(attributes, "time", "0");
        return attributes.toString();
    }

    private static void attribute(StringBuilder xml, String name, String value) {
        xml.append(' ').append(name).append("=\"");
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '&' -> xml.append("&amp;");
                case '<' -> xml.append("&lt;");
                case '>' -> xml.append("&gt;");
                case '"' -> xml.append("&quot;");
                default -> xml.append(c < 0x20 ? ' ' : c);
            }
        }
        xml.append('"');
    }
}
