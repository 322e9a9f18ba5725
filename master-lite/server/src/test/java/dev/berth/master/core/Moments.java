package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Count;
import dev.berth.master.cluster.Moment;
import dev.berth.master.operator.NaiveViews;
import dev.berth.master.operator.Readings;
import dev.berth.protocol.v1.Protos.Metric;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Response;

import java.util.ArrayDeque;
import java.util.Map;
import java.util.TreeMap;

/** Moments of a history: each is what a walk of the cluster finds then, and stays that whatever happens later. */
final class Moments {
    private static final int EVERY = 5;
    private static final int KEPT = 8;

    private record Kept(Moment moment, Response.GetState state, Map<String, Double> metrics) {
        void check() {
            Readings readings = new Readings(moment);
            assertThat(readings.answer(Call.Type.GET_STATE).getGetState()).isEqualTo(state);
            Map<String, Double> told = new TreeMap<>();
            for (Metric metric :
                    readings.answer(Call.Type.GET_METRICS).getGetMetrics().getMetricsList()) {
                told.put(metric.getName(), metric.getValue());
            }
            assertThat(told).containsAllEntriesOf(metrics);
        }
    }

    private final ArrayDeque<Kept> kept = new ArrayDeque<>();

    void check(World world, int step) {
        if (step % EVERY != 0) {
            return;
        }
        Cluster cluster = world.core.cluster();
        NaiveViews naive = new NaiveViews(cluster);
        Map<String, Double> metrics = new TreeMap<>(naive.gauges());
        for (Count count : Count.values()) {
            metrics.put(count.metric(), (double) cluster.counts().value(count));
        }
        Kept now = new Kept(world.core.moment(false, world.now), naive.state(), metrics);
        now.check();
        kept.add(now);
        if (kept.size() > KEPT) {
            kept.remove().check();
        }
    }
}
