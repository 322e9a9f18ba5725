package dev.berth.agent.tasks;

import dev.berth.agent.conductor.Answer;
import dev.berth.agent.conductor.ConductorProxy;
import dev.berth.isolator.ContainerId;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** An agent whose clock the test moves, and whose lanes run at once unless it says otherwise. It has no containers. */
public class HandDrivenHost implements TaskHost {
    private static final long BEGIN_NS = 1_700_000_000_000_000_000L;

    private record Timer(long atNs, Runnable step) {}

    private final List<Timer> timers = new ArrayList<>();
    private long nowNs;
    private final ArrayDeque<Runnable> lane = new ArrayDeque<>();
    double usage;

    /** Whether jobs wait for {@link #runLane}. */
    boolean laneWaits;

    /** Whether those who want an image wait for ever. */
    boolean imagesTakeLong;

    /** Lets time pass; what is due meanwhile runs at its moment. */
    public void pass(long ns) {
        long end = nowNs + ns;
        while (true) {
            Timer first =
                    timers.stream()
                            .filter(timer -> timer.atNs() <= end)
                            .min(Comparator.comparingLong(Timer::atNs))
                            .orElse(null);
            if (first == null) {
                nowNs = end;
                return;
            }
            timers.remove(first);
            nowNs = Math.max(nowNs, first.atNs());
            first.step().run();
        }
    }

    @Override
    public long monotonicNs() {
        return nowNs;
    }

    @Override
    public long realtimeNs() {
        return BEGIN_NS + nowNs;
    }

    @Override
    public Runnable at(long atNs, Runnable step) {
        Timer timer = new Timer(atNs, step);
        timers.add(timer);
        return () -> timers.remove(timer);
    }

    @Override
    public void onLane(Runnable job) {
        if (laneWaits) {
            lane.add(job);
        } else {
            job.run();
        }
    }

    /** Runs the first job that waits on the lane; false when none does. */
    boolean runLane() {
        Runnable job = lane.poll();
        if (job != null) {
            job.run();
        }
        return job != null;
    }

    @Override
    public void offer(Runnable step) {
        step.run();
    }

    @Override
    public double diskUsage() {
        return usage;
    }

    @Override
    public String address() {
        return "192.0.2.1";
    }

    @Override
    public void image(String reference, boolean fresh, Answer<Boolean> answer) {
        if (!imagesTakeLong) {
            throw new UnsupportedOperationException("no images");
        }
    }

    @Override
    public ConductorProxy containers() {
        throw new UnsupportedOperationException("no containers");
    }

    @Override
    public Path logOf(ContainerId id) {
        throw new UnsupportedOperationException("no logs");
    }

    @Override
    public Probes probes() {
        throw new UnsupportedOperationException("no probes");
    }
}
