package dev.berth.jobs;

import dev.berth.discovery.DiscoveryException;
import dev.berth.discovery.LeaderWatch;
import dev.berth.discovery.MasterAddress;
import dev.berth.discovery.ZooKeeperUrl;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/** Finds the leading master: by ZooKeeper, or by asking those that are named, who say who leads. Any thread. */
public final class Masters implements AutoCloseable {
    private static final long LOOK_NS = 5_000_000L;

    private final String named;
    private final List<MasterAddress> all;
    private final AtomicReference<Optional<MasterAddress>> leader =
            new AtomicReference<>(Optional.empty());
    private final Optional<LeaderWatch> watch;
    private int next;

    private Masters(String named, List<MasterAddress> all, Optional<ZooKeeperUrl> url) {
        this.named = named;
        this.all = all;
        watch = url.map(it -> LeaderWatch.open(it, leader::set));
    }

    /** Of {@code http://HOST:PORT}, several with commas, or {@code zk://HOST:PORT,…/PATH}. */
    public static Masters of(String text) throws JobException {
        try {
            if (text.startsWith("zk://")) {
                return new Masters(text, List.of(), Optional.of(ZooKeeperUrl.parse(text)));
            }
            List<MasterAddress> all = new ArrayList<>();
            for (String one : text.split(",", -1)) {
                all.add(MasterAddress.parse(one));
            }
            return new Masters(text, List.copyOf(all), Optional.empty());
        } catch (DiscoveryException e) {
            throw new JobException(String.valueOf(e.getMessage()), e);
        }
    }

    /** As it was given. */
    @Override
    public String toString() {
        return named;
    }

    /** Who leads, as far as is known; waits for ZooKeeper, for so long at most. */
    MasterAddress leader(long deadlineNs) throws JobException {
        while (leader.get().isEmpty()) {
            if (!all.isEmpty()) {
                return all.get(Math.floorMod(next, all.size()));
            }
            if (System.nanoTime() - deadlineNs > 0) {
                throw new JobException("no master leads at " + named);
            }
            LockSupport.parkNanos(LOOK_NS);
        }
        return leader.get().get();
    }

    /** The last one named did not answer: the next try asks another. */
    void failed() {
        if (watch.isEmpty()) {
            leader.set(Optional.empty());
            next++;
        }
    }

    /** A master has said who leads: {@code //host:port/path}. */
    void redirected(String location) throws JobException {
        try {
            URI uri = URI.create(location.startsWith("//") ? "http:" + location : location);
            leader.set(Optional.of(MasterAddress.parse("http://" + uri.getRawAuthority())));
        } catch (IllegalArgumentException | DiscoveryException e) {
            throw new JobException("a master names a leader that is none: " + location, e);
        }
    }

    @Override
    public void close() {
        watch.ifPresent(LeaderWatch::close);
    }
}
