package dev.berth.jobs;

import dev.berth.discovery.DiscoveryException;
import dev.berth.discovery.LeaderWatch;
import dev.berth.discovery.MasterAddress;
import dev.berth.discovery.ZooKeeperUrl;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** Finds the leading master: by ZooKeeper, or by asking those that are named, who say who leads. Any thread. */
public final class Masters implements AutoCloseable {
    private static final long LOOK_NS = 5_000_000L;

    private final String named;
    private final List<MasterAddress> all;
    private volatile Optional<MasterAddress> elected = Optional.empty();
    private volatile Optional<String> trouble = Optional.empty();
    private volatile Optional<MasterAddress> hinted = Optional.empty();
    private final Optional<LeaderWatch> watch;
    private final AtomicInteger next = new AtomicInteger();

    private Masters(String named, List<MasterAddress> all, Optional<ZooKeeperUrl> url) {
        this.named = named;
        this.all = all;
        watch = url.map(it -> LeaderWatch.open(it, this::elected, what -> trouble = what));
    }

    /** Of {@code http://HOST:PORT}, several with commas, or {@code zk://HOST:PORT,…/PATH}. */
    public static Masters of(String text) throws JobException {
        try {
            if (ZooKeeperUrl.matches(text)) {
                ZooKeeperUrl url = ZooKeeperUrl.parse(text);
                return new Masters(url.toString(), List.of(), Optional.of(url));
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

    /** As it was given, without a password. */
    @Override
    public String toString() {
        return named;
    }

    /** What ZooKeeper says; it is told at changes only. */
    final void elected(Optional<MasterAddress> leader) {
        hinted = Optional.empty();
        elected = leader;
    }

    /** Who leads, as far as is known; waits for ZooKeeper, for so long at most. */
    MasterAddress leader(long deadlineNs) throws JobException {
        while (true) {
            Optional<MasterAddress> known = hinted.or(() -> elected);
            if (known.isPresent()) {
                return known.get();
            }
            if (!all.isEmpty()) {
                return all.get(Math.floorMod(next.get(), all.size()));
            }
            if (System.nanoTime() - deadlineNs > 0) {
                throw new JobException(
                        "no master leads at "
                                + named
                                + trouble.map(why -> ": " + why)
                                        .orElse(": is one running with this as its --zk?"));
            }
            LockSupport.parkNanos(LOOK_NS);
        }
    }

    /** The last one named did not answer: the next try asks another. A master that did not know yet that it leads may have named the one before it, of which ZooKeeper will not speak again. */
    void failed() {
        hinted = Optional.empty();
        next.incrementAndGet();
    }

    /** A master has said who leads: {@code //host:port/path}. */
    void redirected(String location) throws JobException {
        try {
            URI uri = URI.create(location.startsWith("//") ? "http:" + location : location);
            hinted = Optional.of(MasterAddress.parse("http://" + uri.getRawAuthority()));
        } catch (IllegalArgumentException | DiscoveryException e) {
            throw new JobException("a master names a leader that is none: " + location, e);
        }
    }

    @Override
    public void close() {
        watch.ifPresent(LeaderWatch::close);
    }
}
