package dev.berth.agent.cli.view;

import dev.berth.agent.cli.session.Cli;

/** Colours, where the output is a terminal and the user has not set {@code NO_COLOR}. */
public final class Paint {
    private final boolean on;

    private Paint(boolean on) {
        this.on = on;
    }

    /** For standard output. */
    public static Paint of(Cli cli) {
        return new Paint(cli.isTerminal(1) && cli.environment("NO_COLOR").isEmpty());
    }

    public static Paint plain() {
        return new Paint(false);
    }

    public String good(String text) {
        return paint("32", text);
    }

    public String warning(String text) {
        return paint("33", text);
    }

    public String bad(String text) {
        return paint("31", text);
    }

    public String accent(String text) {
        return paint("36", text);
    }

    public String bold(String text) {
        return paint("1", text);
    }

    public String faint(String text) {
        return paint("2", text);
    }

    private String paint(String code, String text) {
        return on && !text.isEmpty() ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
    }
}
