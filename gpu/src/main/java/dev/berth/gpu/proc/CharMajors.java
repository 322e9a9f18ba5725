package dev.berth.gpu.proc;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The major numbers of character devices by their driver's name, from {@code /proc/devices}. Source: proc_devices(5). */
public final class CharMajors {
    private static final Pattern LINE = Pattern.compile("\\s*(\\d{1,4})\\s+(\\S{1,64})");

    private final Map<String, Integer> byName;

    private CharMajors(Map<String, Integer> byName) {
        this.byName = byName;
    }

    /** Reads the section {@code Character devices:}; lines that are none are skipped. The first number of a name counts. */
    public static CharMajors parse(String text) {
        Map<String, Integer> byName = new LinkedHashMap<>();
        boolean characters = false;
        for (String line : text.split("\n")) {
            if (line.endsWith(":")) {
                characters = line.startsWith("Character devices");
                continue;
            }
            Matcher found = LINE.matcher(line);
            if (characters && found.matches() && byName.size() < 1024) {
                byName.putIfAbsent(found.group(2), Integer.parseInt(found.group(1)));
            }
        }
        return new CharMajors(byName);
    }

    public static CharMajors read(HostFiles host) {
        return parse(host.text("proc/devices").orElse(""));
    }

    public OptionalInt of(String name) {
        Integer major = byName.get(name);
        return major == null ? OptionalInt.empty() : OptionalInt.of(major);
    }
}
