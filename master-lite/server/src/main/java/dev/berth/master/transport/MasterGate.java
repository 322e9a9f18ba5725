package dev.berth.master.transport;

import dev.berth.discovery.MasterAddress;
import dev.berth.master.core.MasterCore;

import java.util.Optional;

/** What the transport may ask of whoever runs the core. Any thread. */
public interface MasterGate {
    /** How this master stands in the election. */
    sealed interface Standing {
        /** It leads, and answers. */
        record Leading(MasterAddress self) implements Standing {}

        /** It leads, and still reads its registry. */
        record Recovering(MasterAddress self) implements Standing {}

        /** Another one leads; empty when it is not known who. */
        record Following(Optional<MasterAddress> leader) implements Standing {}
    }

    /** Work for the conductor thread. */
    @FunctionalInterface
    interface Step {
        /**
         * Runs on the conductor thread.
         *
         * @param core empty while this master does not lead
         * @param nowNs the core's time
         */
        void run(Optional<MasterCore> core, long nowNs);
    }

    /** As of now. */
    Standing standing();

    /** Queues a step; steps run in the order in which they were queued. */
    void submit(Step step);
}
