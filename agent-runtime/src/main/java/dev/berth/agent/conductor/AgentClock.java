package dev.berth.agent.conductor;

import java.time.Clock;
import java.time.Instant;

/** Time; tests drive it by hand. */
public interface AgentClock {
    /** CLOCK_MONOTONIC. */
    long monotonicNs();

    /** Nanoseconds since the epoch. */
    long realtimeNs();

    /** The machine's clocks. */
    AgentClock SYSTEM =
            new AgentClock() {
                private final Clock wall = Clock.systemUTC();

                @Override
                public long monotonicNs() {
                    return System.nanoTime();
                }

                @Override
                public long realtimeNs() {
                    Instant now = wall.instant();
                    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
                }
            };
}
