package dev.berth.agent.conductor;

/** Told about one container from {@code onWatching} on until it is removed or nobody watches any more. */
public interface ContainerWatcher {
    /** The first call: the state at the moment from which on nothing is missed. */
    void onWatching(ContainerView now);

    /** A run has begun: its program runs. */
    default void onStarted(ContainerView now) {}

    /** A run has ended, all its output is in the log; or a start has failed. Nothing of the container is removed before this has returned: who still wants its log holds it here. */
    void onEnded(ContainerView now);

    /** It is gone; the last call. */
    void onRemoved(ContainerView last);
}
