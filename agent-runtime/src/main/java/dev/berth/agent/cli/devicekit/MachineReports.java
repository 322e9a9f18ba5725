package dev.berth.agent.cli.devicekit;

import dev.berth.agent.cli.devicekit.Cell.Verdict;
import dev.berth.agent.cli.json.Json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The outcome for programs: JSON with every cell, and the XML that JUnit's readers know. */
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
        List<Json> cells = new ArrayList<>();
        for (Cell cell : outcome.cells()) {
            cells.add(json(cell));
        }
        members.put("Cells", Json.of(cells));
        return Json.of(members);
    }

    private static Json json(Cell cell) {
        Map<String, Json> members = new LinkedHashMap<>();
        members.put("Stage", Json.of(word(cell.stage().name())));
        members.put("Container", Json.of(cell.container()));
        members.put("Subject", Json.of(word(cell.subject().name())));
        members.put("Path", Json.of(cell.path()));
        members.put("Way", Json.of(cell.way().word()));
        members.put("Expected", Json.texts(cell.expected()));
        members.put("Got", Json.of(cell.got()));
        members.put("Control", cell.needsControl() ? Json.of(cell.control()) : Json.NULL);
        members.put("Verdict", Json.of(word(cell.verdict().name())));
        return Json.of(members);
    }

    private static String word(String name) {
        return name.toLowerCase(Locale.ROOT);
    }

    /** One test case a cell. */
    static String junit(Outcome outcome, double seconds) {
        StringBuilder xml = new StringBuilder(1 << 18);
        xml.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite");
        attribute(xml, "name", SUITE);
        attribute(
                xml, "tests", Integer.toString(outcome.cells().size() + outcome.skipped().size()));
        attribute(
                xml,
                "failures",
                Long.toString(outcome.count(Verdict.RED) + outcome.count(Verdict.UNPROVEN)));
        attribute(xml, "errors", "0");
        attribute(xml, "skipped", Integer.toString(outcome.skipped().size()));
        attribute(xml, "time", String.format(Locale.ROOT, "%.3f", seconds));
        xml.append(">\n");
        for (Cell cell : outcome.cells()) {
            xml.append("  <testcase");
            attribute(xml, "classname", SUITE + "." + word(cell.stage().name()));
            attribute(
                    xml,
                    "name",
                    cell.container()
                            + " "
                            + word(cell.subject().name())
                            + " "
                            + cell.path()
                            + " "
                            + cell.way().word());
            attribute(xml, "time", "0");
            if (cell.verdict() == Verdict.GREEN) {
                xml.append("/>\n");
            } else {
                xml.append("><failure");
                attribute(xml, "type", word(cell.verdict().name()));
                attribute(xml, "message", TextReport.sentence(cell));
                xml.append("/></testcase>\n");
            }
        }
        for (String skip : outcome.skipped()) {
            xml.append("  <testcase");
            attribute(xml, "classname", SUITE);
            attribute(xml, "name", skip);
            xml.append("><skipped/></testcase>\n");
        }
        return xml.append("</testsuite>\n").toString();
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
