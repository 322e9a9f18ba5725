package dev.berth.agent.cli.devicekit;

import dev.berth.agent.cli.devicekit.Cell.Stage;
import dev.berth.agent.cli.devicekit.Cell.Subject;
import dev.berth.agent.cli.devicekit.Cell.Verdict;
import dev.berth.agent.cli.playground.NodeReport.Way;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Cells that differ in their node alone: a driver has a thousand capability nodes, and nobody reads a thousand equal lines.
 *
 * @param first any of them, for all that they share
 */
record Group(Cell first, List<String> paths) {
    private static final int NAMED = 3;

    /** What a group's cells share. */
    private record Key(
            Stage stage, String container, Subject subject, Way way, String got, String control) {}

    Group {
        paths = List.copyOf(paths);
    }

    /** All cells, grouped, in the order of each group's first. */
    static List<Group> of(List<Cell> cells) {
        Map<Key, List<Cell>> byKey = new LinkedHashMap<>();
        for (Cell cell : cells) {
            String control = cell.needsControl() ? cell.control() : "";
            Key key =
                    new Key(
                            cell.stage(),
                            cell.container(),
                            cell.subject(),
                            cell.way(),
                            cell.got(),
                            control);
            byKey.computeIfAbsent(key, k -> new ArrayList<>()).add(cell);
        }
        List<Group> groups = new ArrayList<>();
        for (List<Cell> alike : byKey.values()) {
            groups.add(new Group(alike.get(0), alike.stream().map(Cell::path).toList()));
        }
        return groups;
    }

    Verdict verdict() {
        return first.verdict();
    }

    /** What is wrong with its cells, in a sentence. */
    String sentence() {
        String what =
                first.stage().title()
                        + ", "
                        + first.container()
                        + ": "
                        + first.subject().title()
                        + ", "
                        + first.way().sentence()
                        + ": ";
        if (verdict() == Verdict.UNPROVEN) {
            what +=
                    first.got()
                            + ", but the control container got "
                            + (first.control().isEmpty() ? "nothing" : first.control())
                            + ", so that something else than the device program denies it here";
        } else {
            what += "got " + first.got() + ", want " + String.join(" or ", first.expected());
        }
        return what + "; " + names();
    }

    private String names() {
        return paths.size() <= NAMED
                ? String.join(", ", paths)
                : String.join(", ", paths.subList(0, NAMED))
                        + " and "
                        + (paths.size() - NAMED)
                        + " more";
    }
}
