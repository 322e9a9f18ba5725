package dev.berth.agent.operator;

import dev.berth.agent.config.ProcFacts;
import dev.berth.agent.tasks.TaskView;
import dev.berth.protocol.v1.Protos.AgentInfo;

import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;

/** What the API shows. Any thread; answers come on the conductor's. */
public interface AgentState {
    /** All that is known at one moment. */
    void look(Consumer<Picture> answer);

    /** Brings the output of a running task with this sandbox up to date, then goes on. */
    void freshOutput(Path sandbox, Runnable then);

    /** Below it are all sandboxes. */
    Path sandboxes();

    /** Of this agent's local API too, in Prometheus's text. */
    String exposition();

    /**
     * @param info with the id that the master gave, if one did
     * @param address of this host, as the master is told
     * @param registered whether a master knows it now
     * @param startedNs when this agent began, realtime
     * @param version of the API that is spoken
     * @param metrics in Mesos's names
     */
    record Picture(
            AgentInfo info,
            String address,
            boolean registered,
            List<String> masters,
            long startedNs,
            String version,
            List<TaskView> tasks,
            SortedMap<String, Double> metrics) {
        /** With the host's own, which are looked up now: not on the conductor. */
        SortedMap<String, Double> allMetrics() {
            SortedMap<String, Double> all = new TreeMap<>(metrics);
            all.put("system/cpus_total", (double) Runtime.getRuntime().availableProcessors());
            all.put("system/mem_total_bytes", (double) ProcFacts.memoryBytes());
            all.put("system/mem_free_bytes", (double) ProcFacts.freeMemoryBytes());
            List<Double> loads = ProcFacts.loads();
            for (int i = 0; i < loads.size(); i++) {
                all.put("system/load_" + List.of("1min", "5min", "15min").get(i), loads.get(i));
            }
            return all;
        }
    }
}
