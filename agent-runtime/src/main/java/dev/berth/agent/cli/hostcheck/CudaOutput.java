package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.hostcheck.Finding.Area;
import dev.berth.agent.cli.hostcheck.Finding.State;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.json.JsonReader;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What our CUDA program printed: one JSON object a line. */
final class CudaOutput {
    private final List<Json> lines = new ArrayList<>();
    private final String text;

    private CudaOutput(String text) {
        this.text = text;
    }

    static CudaOutput of(String output) throws IOException {
        CudaOutput parsed = new CudaOutput(output.strip());
        for (String line : output.lines().filter(l -> l.startsWith("{")).toList()) {
            parsed.lines.add(
                    JsonReader.read(
                            new ByteArrayInputStream(line.getBytes(StandardCharsets.UTF_8))));
        }
        return parsed;
    }

    /** It sees the granted devices and no other, and computed right on each. */
    List<Finding> judge(Area area, Set<String> granted, long code) {
        Set<String> seen = new TreeSet<>();
        List<String> computed = new ArrayList<>();
        List<String> failed = new ArrayList<>();
        long count = -1;
        for (Json line : lines) {
            if (!line.at("failed").isNull()) {
                failed.add(
                        line.at("failed").text()
                                + ": "
                                + line.at("code").number()
                                + " "
                                + line.at("name").text());
            }
            if (!line.at("count").isNull()) {
                count = line.at("count").number();
            }
            if (!line.at("uuid").isNull()) {
                seen.add(line.at("uuid").text());
                long wrong = line.at("wrong").number();
                String words =
                        line.at("elements").number() + " additions on " + line.at("name").text();
                if (wrong == 0) {
                    computed.add(words);
                } else {
                    failed.add(words + ": " + (wrong < 0 ? "not done" : wrong + " wrong"));
                }
            }
        }
        boolean same = seen.equals(new TreeSet<>(granted)) && count == granted.size();
        boolean right = code == 0 && failed.isEmpty() && computed.size() == granted.size();
        return List.of(
                new Finding(
                        area,
                        area == Area.CUDA ? "sees the granted GPUs alone" : "CUDA sees NVML's GPUs",
                        same ? State.PASSED : State.FAILED,
                        same
                                ? seen.toString()
                                : "saw " + count + " GPUs " + seen + ", granted " + granted),
                new Finding(
                        area,
                        area == Area.CUDA ? "computes" : "CUDA computes",
                        right ? State.PASSED : State.FAILED,
                        right
                                ? String.join(", ", computed) + ", all right"
                                : "exit code "
                                        + code
                                        + ": "
                                        + (failed.isEmpty() ? text : String.join("; ", failed))));
    }
}
