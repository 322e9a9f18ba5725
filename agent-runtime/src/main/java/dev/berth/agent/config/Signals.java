package dev.berth.agent.config;

import java.util.List;
import java.util.Locale;

/** Signal names and numbers of Linux on x86-64 and arm64 (signal(7)). */
public final class Signals {
    public static final int SIGKILL = 9;
    public static final int SIGTERM = 15;

    private static final List<String> NAMES =
            List.of(
                    "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1",
                    "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP",
                    "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
                    "PWR", "SYS");

    private Signals() {}

    /** Reads {@code SIGTERM}, {@code term}, {@code 15}, {@code RTMIN+3}. */
    public static int parse(String text) throws AgentException {
        String name = text.strip().toUpperCase(Locale.ROOT);
        if (name.startsWith("SIG")) {
            name = name.substring(3);
        }
        int number = name.isEmpty() ? -1 : NAMES.indexOf(name);
        if (number < 0) {
            number =
                    switch (name) {
                        case "IOT" -> 6;
                        case "POLL" -> 29;
                        case "CLD" -> 17;
                        case "RTMIN" -> 34;
                        case "RTMAX" -> 64;
                        default -> {
                            if (name.matches("RTMIN\\+\\d{1,2}")) {
                                yield 34 + Integer.parseInt(name.substring(6));
                            }
                            if (name.matches("RTMAX-\\d{1,2}")) {
                                yield 64 - Integer.parseInt(name.substring(6));
                            }
                            yield name.matches("\\d{1,3}") ? Integer.parseInt(name) : -1;
                        }
                    };
        }
        if (number < 1 || number > 64) {
            throw AgentException.invalid("Invalid signal: " + text);
        }
        return number;
    }

    /** The name without SIG for 1 to 31, else the number. */
    public static String name(int signal) {
        return signal > 0 && signal < NAMES.size() ? NAMES.get(signal) : String.valueOf(signal);
    }
}
