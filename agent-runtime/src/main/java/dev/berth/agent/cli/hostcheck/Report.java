package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.hostcheck.Finding.Area;
import dev.berth.agent.cli.hostcheck.Finding.State;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.view.Paint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What the check has found so far. */
final class Report {
    private static final int NAME_WIDTH = 34;

    private final List<Finding> findings = new ArrayList<>();
    private final Map<String, Json> facts = new LinkedHashMap<>();
    private final Map<String, Timing> timings = new LinkedHashMap<>();

    void add(Finding finding) {
        findings.add(finding);
    }

    void addAll(List<Finding> more) {
        findings.addAll(more);
    }

    void tell(Area area, String name, String detail) {
        add(new Finding(area, name, State.TOLD, detail));
    }

    void skip(Area area, String name, String why) {
        add(new Finding(area, name, State.SKIPPED, why));
    }

    /** Something that is right or wrong. */
    void judge(Area area, String name, boolean right, String detail) {
        add(new Finding(area, name, right ? State.PASSED : State.FAILED, detail));
    }

    /** For the JSON report alone. */
    void fact(String name, Json value) {
        facts.put(name, value);
    }

    void timing(Area area, Timing timing) {
        timings.put(timing.name(), timing);
        tell(area, timing.name(), timing.words());
    }

    List<Finding> findings() {
        return List.copyOf(findings);
    }

    long count(State state) {
        return findings.stream().filter(finding -> finding.state() == state).count();
    }

    boolean passed() {
        return count(State.FAILED) == 0;
    }

    Json json() {
        Map<String, Json> all = new LinkedHashMap<>();
        all.put("Passed", Json.of(passed()));
        all.put("Failed", Json.of(count(State.FAILED)));
        all.put("Skipped", Json.of(count(State.SKIPPED)));
        all.put("Facts", Json.of(facts));
        Map<String, Json> times = new LinkedHashMap<>();
        timings.forEach((name, timing) -> times.put(name, timing.json()));
        all.put("TimingsMs", Json.of(times));
        all.put("Findings", Json.of(findings.stream().map(Finding::json).toList()));
        return Json.of(all);
    }

    String text(Paint paint) {
        StringBuilder text = new StringBuilder();
        for (Area area : Area.values()) {
            List<Finding> its = findings.stream().filter(f -> f.area() == area).toList();
            if (its.isEmpty()) {
                continue;
            }
            text.append(paint.bold(area.title())).append('\n');
            for (Finding finding : its) {
                text.append("  ").append(mark(finding.state(), paint));
                text.append(' ').append(finding.name());
                text.append(" ".repeat(Math.max(1, NAME_WIDTH - finding.name().length())));
                text.append(finding.detail().replace("\n", "\n" + " ".repeat(45))).append('\n');
            }
            text.append('\n');
        }
        String sum =
                count(State.PASSED)
                        + " passed, "
                        + count(State.FAILED)
                        + " failed, "
                        + count(State.SKIPPED)
                        + " skipped";
        text.append(passed() ? paint.good("PASSED: ") : paint.bad("FAILED: "));
        boolean any =
                findings.stream()
                        .anyMatch(f -> f.area() == Area.NVML && f.state() != State.SKIPPED);
        return text.append(sum).append(any ? "" : "; no GPU was looked at").append('\n').toString();
    }

    private static String mark(State state, Paint paint) {
        String word = String.format(Locale.ROOT, "%-7s", state.word());
        return switch (state) {
            case PASSED -> paint.good(word);
            case FAILED -> paint.bad(word);
            case SKIPPED -> paint.warning(word);
            case TOLD -> word;
        };
    }
}
