package dev.berth.agent.conductor;

/** Told about events: first those that are kept, then {@link #onCaughtUp}, then new ones. */
public interface EventListener {
    void onEvent(AgentEvent event);

    void onCaughtUp();
}
