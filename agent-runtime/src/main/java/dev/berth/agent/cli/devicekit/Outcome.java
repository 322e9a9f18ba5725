package dev.berth.agent.cli.devicekit;

import dev.berth.agent.cli.devicekit.Cell.Verdict;

import java.util.List;

/**
 * What a run of the kit found.
 *
 * @param skipped stages that could not be run, with the reason
 */
record Outcome(String provider, Hardware hardware, List<Cell> cells, List<String> skipped) {
    Outcome {
        cells = List.copyOf(cells);
        skipped = List.copyOf(skipped);
    }

    /** Its cells, those together that differ in their node alone; the caller's to change. */
    List<Group> groups() {
        return Group.of(cells);
    }

    long count(Verdict verdict) {
        return cells.stream().filter(cell -> cell.verdict() == verdict).count();
    }

    /** Every cell as it must be, every denial proven. */
    boolean passed() {
        return !cells.isEmpty() && count(Verdict.GREEN) == cells.size();
    }
}
