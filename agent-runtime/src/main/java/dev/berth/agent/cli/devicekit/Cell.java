package dev.berth.agent.cli.devicekit;

import dev.berth.agent.cli.playground.NodeReport.Way;

import java.util.List;

/**
 * One use of one node at one stage.
 *
 * @param stage what had happened just before
 * @param container which of the kit's containers tried
 * @param path of the node in the container
 * @param got result: {@code OK} or an errno's name
 * @param control what the same use gave the control container; empty where none is asked for
 */
record Cell(
        Stage stage,
        String container,
        Subject subject,
        String path,
        Way way,
        String got,
        String control) {
    /** Stages of a container's life at which everything is tried. */
    enum Stage {
        START("at start"),
        EXEC("by a process that joined (exec)"),
        BESIDE("beside a second container"),
        ALONE("after the second container's end"),
        ATTACH("after a live attach"),
        DETACH("after a live detach"),
        ORPHANED("while no agent runs (kill -9)"),
        RESTART("after the agent's restart"),
        EXEC_AGAIN("by a process that joined after the restart");

        private final String title;

        Stage(String title) {
            this.title = title;
        }

        String title() {
            return title;
        }
    }

    /** What a node is to the container that tries it. */
    enum Subject {
        GRANTED("its own devices", true),
        CONTROL("control nodes of the driver", true),
        SIBLING("other devices", false),
        WITHHELD("withheld from everyone", false),
        FOREIGN("devices of other kinds", false),
        ABSENT("other devices' places in /dev", false);

        private final String title;
        private final boolean allowed;

        Subject(String title, boolean allowed) {
            this.title = title;
            this.allowed = allowed;
        }

        String title() {
            return title;
        }
    }

    /** How a cell is judged. */
    enum Verdict {
        /** As it must be, and the control shows that it is the fence's doing. */
        GREEN,
        /** Not as it must be. */
        RED,
        /** Denied, but to the control as well: on this host it proves nothing. */
        UNPROVEN
    }

    /** No driver behind the number, or one that answered: every fence let the call pass. */
    private static final List<String> PASSED = List.of("ENXIO", "OK");

    /** The results that a fence gives. Anything else comes from behind all of them. */
    private static final List<String> STOPPED = List.of("EPERM", "EACCES", "ENOENT", "");

    /** What the result may be. */
    List<String> expected() {
        if (subject == Subject.ABSENT) {
            return List.of("ENOENT");
        }
        if (way == Way.PATH) {
            // It opens nothing: what counts is what can be done with it, the next column.
            return List.of("OK");
        }
        if (way == Way.MAKE) {
            // A holder may use its device, never make nodes (no "m" in its rules).
            return List.of("EPERM");
        }
        return subject.allowed ? PASSED : List.of("EPERM");
    }

    /** Whether the cell is a denial by the device program, which needs a positive control. */
    boolean needsControl() {
        return expected().contains("EPERM");
    }

    Verdict verdict() {
        if (!expected().contains(got)) {
            return Verdict.RED;
        }
        return needsControl() && STOPPED.contains(control) ? Verdict.UNPROVEN : Verdict.GREEN;
    }
}
