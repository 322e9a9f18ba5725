package dev.berth.agent.cli.args;

import java.util.List;

/**
 * One flag of a verb.
 *
 * @param name long name without dashes
 * @param letter short form, 0 when there is none
 * @param aliases further long names, not shown in help
 * @param placeholder the value's name in help; empty for a toggle
 * @param help one line; for {@link Kind#REFUSED} the reason and the alternative
 */
public record Flag(
        String name,
        char letter,
        List<String> aliases,
        Kind kind,
        String placeholder,
        String help) {
    /** How often and with what a flag is given. */
    public enum Kind {
        /** No value, or {@code =true} and {@code =false}. */
        TOGGLE,
        /** One value; the last one counts. */
        VALUE,
        /** A value at each use. */
        LIST,
        /** Known from docker, not there in Berth: an error that says why. */
        REFUSED
    }

    public static Flag toggle(String name, String help) {
        return new Flag(name, '\0', List.of(), Kind.TOGGLE, "", help);
    }

    public static Flag value(String name, String placeholder, String help) {
        return new Flag(name, '\0', List.of(), Kind.VALUE, placeholder, help);
    }

    public static Flag list(String name, String placeholder, String help) {
        return new Flag(name, '\0', List.of(), Kind.LIST, placeholder, help);
    }

    /** The reason reads after the flag's name: {@code "--publish: " + reason}. */
    public static Flag refused(String name, String reason) {
        return new Flag(name, '\0', List.of(), Kind.REFUSED, "", reason);
    }

    /** The same flag with a short form. */
    public Flag letter(char shortForm) {
        return new Flag(name, shortForm, aliases, kind, placeholder, help);
    }

    /** The same flag with a further long name. */
    public Flag also(String alias) {
        return new Flag(name, letter, List.of(alias), kind, placeholder, help);
    }

    boolean takesValue() {
        return kind == Kind.VALUE || kind == Kind.LIST;
    }

    boolean isNamed(String longName) {
        return name.equals(longName) || aliases.contains(longName);
    }
}
