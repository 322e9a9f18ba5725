package dev.berth.master.operator;

import dev.berth.master.cluster.Count;
import dev.berth.master.cluster.FrameworkFacts;
import dev.berth.master.cluster.Moment;
import dev.berth.master.cluster.Tally;
import dev.berth.protocol.v1.Protos.TaskState;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** The master's numbers by Mesos's names, and the same for Prometheus. */
final class Metrics {
    private final Moment moment;

    Metrics(Moment moment) {
        this.moment = moment;
    }

    /** All metrics, by name. */
    Map<String, Double> all() {
        Map<String, Double> metrics = gauges();
        for (Count count : Count.values()) {
            metrics.put(count.metric(), (double) moment.counts().value(count));
        }
        others(metrics);
        return metrics;
    }

    /** What Mesos counts twice, or what cannot happen here. Collectors that miss one name of a group drop the group. */
    private void others(Map<String, Double> metrics) {
        double unreachable = moment.counts().value(Count.AGENTS_UNREACHABLE);
        metrics.put(
                "master/slave_registrations", (double) moment.counts().value(Count.REGISTRATIONS));
        metrics.put(
                "master/slave_reregistrations",
                (double) moment.counts().value(Count.REREGISTRATIONS));
        for (String name : List.of("master/slave_unreachable_", "master/slave_shutdowns_")) {
            metrics.put(name + "scheduled", unreachable);
            metrics.put(name + "completed", unreachable);
            // Marked at once: there is no queue that an agent could leave again.
            metrics.put(name + "canceled", 0.0);
        }
        for (String resource : Tally.AMOUNTS) {
            for (String what :
                    List.of("_revocable_total", "_revocable_used", "_revocable_percent")) {
                metrics.put("master/" + resource + what, 0.0);
            }
        }
    }

    private Map<String, Double> gauges() {
        Map<String, Double> gauges = new TreeMap<>();
        gauges.put("master/elected", 1.0);
        gauges.put("master/uptime_secs", (moment.atNs() - moment.startedNs()) / 1e9);
        agents(gauges);
        frameworks(gauges);
        gauges.put("master/outstanding_offers", (double) moment.offers().size());
        return gauges;
    }

    private void agents(Map<String, Double> gauges) {
        Tally tally = moment.tally();
        gauges.put("master/slaves_connected", (double) tally.connected());
        gauges.put("master/slaves_disconnected", (double) tally.agents() - tally.connected());
        gauges.put("master/slaves_active", (double) tally.active());
        gauges.put("master/slaves_inactive", (double) tally.agents() - tally.active());
        gauges.put("master/slaves_unreachable", (double) moment.unreachable());
        for (String name : Tally.AMOUNTS) {
            double of = tally.totalMillis(name) / 1000.0;
            double in = tally.usedMillis(name) / 1000.0;
            gauges.put("master/" + name + "_total", of);
            gauges.put("master/" + name + "_used", in);
            gauges.put("master/" + name + "_percent", of == 0 ? 0 : in / of);
        }
    }

    private void frameworks(Map<String, Double> gauges) {
        double connected = moment.frameworks().stream().filter(FrameworkFacts::connected).count();
        double others = moment.frameworks().size() - connected;
        gauges.put("master/frameworks_connected", connected);
        gauges.put("master/frameworks_disconnected", others);
        gauges.put("master/frameworks_active", connected);
        gauges.put("master/frameworks_inactive", others);
        for (TaskState state :
                List.of(
                        TaskState.TASK_STAGING,
                        TaskState.TASK_STARTING,
                        TaskState.TASK_RUNNING,
                        TaskState.TASK_KILLING)) {
            gauges.put(tasks(state), (double) moment.tally().live(state));
        }
        // Agents may report a task in this state themselves, and it is theirs still.
        gauges.put(
                tasks(TaskState.TASK_UNREACHABLE),
                (double) moment.tally().unreachable()
                        + moment.tally().live(TaskState.TASK_UNREACHABLE));
    }

    private static String tasks(TaskState state) {
        return "master/" + state.name().toLowerCase(Locale.ROOT).replace("task_", "tasks_");
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
            text.append(metric).append(' ').append(moment.counts().value(count)).append('\n');
        }
        return text.toString();
    }

    private static String name(String metric) {
        String name = metric.replace('/', '_');
        return name.startsWith("berth_") ? name : "berth_" + name;
    }
}
