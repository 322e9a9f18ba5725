package dev.berth.agent.cli.devicekit;

import dev.berth.agent.cli.devicekit.Cell.Stage;
import dev.berth.agent.cli.devicekit.Cell.Subject;
import dev.berth.agent.cli.devicekit.Cell.Verdict;
import dev.berth.agent.cli.playground.NodeReport.Way;
import dev.berth.agent.cli.view.Paint;
import dev.berth.agent.cli.view.Table;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The matrix for people: one row for nodes that are alike, then each cell that is not as it must be. */
final class TextReport {
    private static final int MOST_WRONG = 24;

    private final Outcome outcome;
    private final Paint paint;
    private final StringBuilder text = new StringBuilder(8192);

    private TextReport(Outcome outcome, Paint paint) {
        this.outcome = outcome;
        this.paint = paint;
    }

    static String of(Outcome outcome, Paint paint) {
        return new TextReport(outcome, paint).render();
    }

    private record Key(Stage stage, String container) {}

    private String render() {
        Hardware hardware = outcome.hardware();
        text.append("Device isolation, level 1: ").append(hardware.units().size());
        text.append(" devices of ").append(hardware.kind());
        text.append(" (provider ").append(outcome.provider());
        text.append(", source ").append(hardware.source()).append(")\n");
        text.append(
                """
                EPERM: the device program denied it.  ENXIO: every fence let it pass and no driver is behind the number.
                CONTROL: the same nodes, used in the same ways, by a container whose device rules allow everything.
                """);
        Map<Key, List<Cell>> groups = new LinkedHashMap<>();
        for (Cell cell : outcome.cells()) {
            groups.computeIfAbsent(new Key(cell.stage(), cell.container()), k -> new ArrayList<>())
                    .add(cell);
        }
        for (Map.Entry<Key, List<Cell>> group : groups.entrySet()) {
            text.append('\n').append(paint.bold(group.getKey().stage().title()));
            text.append(", container ").append(group.getKey().container()).append('\n');
            text.append(table(group.getValue()).toString().indent(2));
        }
        wrong();
        for (String skip : outcome.skipped()) {
            text.append(paint.warning("skipped: ")).append(skip).append('\n');
        }
        return text.toString();
    }

    private Table table(List<Cell> cells) {
        List<String> headings = new ArrayList<>(List.of("WHAT", "NODES"));
        for (Way way : Way.values()) {
            headings.add(
                    way == Way.PATH ? "O_PATH" : way.word().toUpperCase(java.util.Locale.ROOT));
        }
        headings.add("CONTROL");
        headings.add("");
        Table table = new Table(headings.toArray(new String[0]));
        for (Subject subject : Subject.values()) {
            List<Cell> alike = cells.stream().filter(c -> c.subject() == subject).toList();
            if (!alike.isEmpty()) {
                row(table, subject, alike);
            }
        }
        return table;
    }

    private void row(Table table, Subject subject, List<Cell> cells) {
        List<String> row = new ArrayList<>(List.of(subject.title()));
        row.add(Long.toString(cells.stream().map(Cell::path).distinct().count()));
        Set<String> control = new LinkedHashSet<>();
        long green = 0;
        for (Way way : Way.values()) {
            Set<String> results = new LinkedHashSet<>();
            for (Cell cell : cells) {
                if (cell.way() == way) {
                    results.add(cell.got());
                }
            }
            row.add(String.join(" ", results));
        }
        for (Cell cell : cells) {
            green += cell.verdict() == Verdict.GREEN ? 1 : 0;
            if (cell.needsControl() && cell.way() != Way.MAKE) {
                control.add(cell.control());
            }
        }
        row.add(control.isEmpty() ? "--" : String.join(" ", control));
        row.add(
                green == cells.size()
                        ? paint.good("ok")
                        : paint.bad((cells.size() - green) + " WRONG"));
        table.row(row.toArray(new String[0]));
    }

    private void wrong() {
        List<Group> wrong = outcome.groups();
        wrong.removeIf(group -> group.verdict() == Verdict.GREEN);
        if (!wrong.isEmpty()) {
            text.append('\n').append(paint.bad("Not as it must be")).append('\n');
        }
        for (Group group : wrong.subList(0, Math.min(MOST_WRONG, wrong.size()))) {
            text.append("  ").append(group.sentence()).append('\n');
        }
        if (wrong.size() > MOST_WRONG) {
            text.append("  … and ").append(wrong.size() - MOST_WRONG);
            text.append(" more such lines: --json FILE has all\n");
        }
        text.append('\n').append(outcome.passed() ? paint.good("GREEN") : paint.bad("RED"));
        text.append(": ").append(outcome.cells().size()).append(" cells, ");
        text.append(outcome.count(Verdict.RED)).append(" wrong, ");
        text.append(outcome.count(Verdict.UNPROVEN)).append(" unproven\n");
    }
}
