package dev.berth.master.operator;

import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Count;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.Task;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.v1.Protos.TaskState;

import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** The master's numbers by Mesos's names, and the same for Prometheus. */
final class Metrics {
    private static final List<String> SCALARS = List.of("cpus", "mem", "disk", "gpus");

    private final Cluster cluster;

    Metrics(Cluster cluster) {
        this.cluster = cluster;
    }

    /** All metrics, by name. */
    Map<String, Double> all() {
        Map<String, Double> metrics = gauges();
        for (Count count : Count.values()) {
            metrics.put(count.metric(), (double) cluster.counts().value(count));
        }
        others(metrics);
        return metrics;
    }

    /** What Mesos counts twice, or what cannot happen here. Collectors that miss one name of a group drop the group. */
    private void others(Map<String, Double> metrics) {
        double unreachable = cluster.counts().value(Count.AGENTS_UNREACHABLE);
        metrics.put(
                "master/slave_registrations", (double) cluster.counts().value(Count.REGISTRATIONS));
        metrics.put(
                "master/slave_reregistrations",
                (double) cluster.counts().value(Count.REREGISTRATIONS));
        for (String name : List.of("master/slave_unreachable_", "master/slave_shutdowns_")) {
            metrics.put(name + "scheduled", unreachable);
            metrics.put(name + "completed", unreachable);
            // Marked at once: there is no queue that an agent could leave again.
            metrics.put(name + "canceled", 0.0);
        }
        for (String resource : SCALARS) {
            for (String what :
                    List.of("_revocable_total", "_revocable_used", "_revocable_percent")) {
                metrics.put("master/" + resource + what, 0.0);
            }
        }
    }

    private Map<String, Double> gauges() {
        Map<String, Double> gauges = new TreeMap<>();
        gauges.put("master/elected", 1.0);
        gauges.put("master/uptime_secs", (cluster.nowNs() - cluster.startedNs()) / 1e9);
        agents(gauges);
        frameworks(gauges);
        gauges.put("master/outstanding_offers", (double) cluster.offers().open().size());
        return gauges;
    }

    private void agents(Map<String, Double> gauges) {
        Resources total = Resources.EMPTY;
        Resources used = Resources.EMPTY;
        int active = 0;
        int connected = 0;
        for (Agent agent : cluster.agents()) {
            total = total.plus(agent.total().scalars());
            used = used.plus(agent.used().scalars());
            active += agent.isActive() ? 1 : 0;
            connected += agent.link().isPresent() ? 1 : 0;
        }
        int all = cluster.agents().size();
        gauges.put("master/slaves_connected", (double) connected);
        gauges.put("master/slaves_disconnected", (double) all - connected);
        gauges.put("master/slaves_active", (double) active);
        gauges.put("master/slaves_inactive", (double) all - active);
        gauges.put("master/slaves_unreachable", (double) cluster.unreachable().size());
        for (String name : SCALARS) {
            double of = total.millis(name) / 1000.0;
            double in = used.millis(name) / 1000.0;
            gauges.put("master/" + name + "_total", of);
            gauges.put("master/" + name + "_used", in);
            gauges.put("master/" + name + "_percent", of == 0 ? 0 : in / of);
        }
    }

    private void frameworks(Map<String, Double> gauges) {
        Map<TaskState, Integer> states = new EnumMap<>(TaskState.class);
        int connected = 0;
        for (Framework framework : cluster.frameworks()) {
            connected += framework.isConnected() ? 1 : 0;
            for (Task task : framework.live().values()) {
                states.merge(task.state(), 1, Integer::sum);
            }
            states.merge(TaskState.TASK_UNREACHABLE, framework.unreachable().size(), Integer::sum);
        }
        int all = cluster.frameworks().size();
        gauges.put("master/frameworks_connected", (double) connected);
        gauges.put("master/frameworks_disconnected", (double) all - connected);
        gauges.put("master/frameworks_active", (double) connected);
        gauges.put("master/frameworks_inactive", (double) all - connected);
        for (TaskState state :
                List.of(
                        TaskState.TASK_STAGING,
                        TaskState.TASK_STARTING,
                        TaskState.TASK_RUNNING,
                        TaskState.TASK_KILLING,
                        TaskState.TASK_UNREACHABLE)) {
            String name = state.name().toLowerCase(Locale.ROOT).replace("task_", "tasks_");
            gauges.put("master/" + name, (double) states.getOrDefault(state, 0));
        }
    }

    /** Prometheus's text format, version 0.0.4. */
    String prometheus() {
        StringBuilder text = new StringBuilder(8192);
        gauges().forEach((name, value) -> {
            String metric = name(name);
            text.append("# TYPE ").append(metric).append(" gauge\n");
            text.append(metric).append(' ').append(value).append('\n');
        });
        for (Count count : Count.values()) {
            String metric = name(count.metric()) + "_total";
            text.append("# HELP ").append(metric).append(' ').append(count.sentence()).append('\n');
            text.append("# TYPE ").append(metric).append(" counter\n");
            text.append(metric).append(' ').append(cluster.counts().value(count)).append('\n');
        }
        return text.toString();
    }

    private static String name(String metric) {
        String name = metric.replace('/', '_');
        return name.startsWith("berth_") ? name : "berth_" + name;
    }
}
