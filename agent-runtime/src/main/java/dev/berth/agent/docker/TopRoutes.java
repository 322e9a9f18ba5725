package dev.berth.agent.docker;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.config.AgentException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** {@code GET /containers/ID/top}: from {@code /proc}, with no ps program. */
final class TopRoutes {
    private static final List<String> TITLES =
            List.of("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD");
    private static final int TICKS_PER_SECOND = 100;

    private TopRoutes() {}

    static void add(Route.Table table) {
        table.add("GET", "/containers/*/top", TopRoutes::top);
    }

    private static void top(Exchange exchange) throws AgentException {
        String arguments = exchange.text("ps_args");
        if (!List.of("", "-ef", "ef").contains(arguments)) {
            throw AgentException.refused(
                    "ps_args \"" + arguments + "\"", "leave it out for the columns of ps -ef");
        }
        exchange.context()
                .conductor()
                .processes(
                        exchange.star(0),
                        exchange.then(pids ->
                                // /proc/PID/cmdline can block on a process's memory lock.
                                exchange.context()
                                        .lane()
                                        .run(() -> {
                                            ObjectNode out = table(pids);
                                            exchange.loop(() -> exchange.answer(200, out));
                                        })));
    }

    private static ObjectNode table(List<Integer> pids) {
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        ArrayNode titles = out.putArray("Titles");
        TITLES.forEach(titles::add);
        ArrayNode rows = out.putArray("Processes");
        long bootSeconds = bootSeconds();
        for (int pid : pids) {
            row(pid, bootSeconds)
                    .ifPresent(row -> {
                        ArrayNode cells = rows.addArray();
                        row.forEach(cells::add);
                    });
        }
        return out;
    }

    /** Empty when the process has ended. */
    private static Optional<List<String>> row(int pid, long bootSeconds) {
        try {
            Path proc = Path.of("/proc/" + pid);
            String stat = Files.readString(proc.resolve("stat"), StandardCharsets.ISO_8859_1);
            String name = stat.substring(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            String uid = "0";
            for (String line :
                    Files.readAllLines(proc.resolve("status"), StandardCharsets.ISO_8859_1)) {
                if (line.startsWith("Uid:")) {
                    uid = line.split("\\s+")[1];
                }
            }
            String command =
                    new String(Files.readAllBytes(proc.resolve("cmdline")), StandardCharsets.UTF_8)
                            .replace('\0', ' ')
                            .strip();
            long cpuSeconds =
                    (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
            long started = bootSeconds + Long.parseLong(fields[19]) / TICKS_PER_SECOND;
            String clock =
                    DateTimeFormatter.ofPattern("HH:mm", Locale.ROOT)
                            .format(Instant.ofEpochSecond(started).atZone(ZoneId.systemDefault()));
            int tty = Integer.parseInt(fields[4]);
            return Optional.of(
                    List.of(
                            uid.equals("0") ? "root" : uid,
                            String.valueOf(pid),
                            fields[1],
                            "0",
                            clock,
                            tty == 0 ? "?" : "pts/" + (tty & 0xff),
                            String.format(
                                    Locale.ROOT,
                                    "%02d:%02d:%02d",
                                    cpuSeconds / 3600,
                                    cpuSeconds / 60 % 60,
                                    cpuSeconds % 60),
                            command.isEmpty() ? "[" + name + "]" : command));
        } catch (IOException | IndexOutOfBoundsException | NumberFormatException _) {
            return Optional.empty();
        }
    }

    private static long bootSeconds() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/stat"))) {
                if (line.startsWith("btime ")) {
                    return Long.parseLong(line.substring(6).strip());
                }
            }
        } catch (IOException | NumberFormatException _) {
            return 0;
        }
        return 0;
    }
}
