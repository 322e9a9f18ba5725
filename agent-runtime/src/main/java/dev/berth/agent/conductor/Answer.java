package dev.berth.agent.conductor;

import dev.berth.agent.config.AgentException;

/** Receives the one result of a command. What the conductor holds is already bound to the asker's thread by {@link ConductorProxy}. */
public interface Answer<T> {
    void onResult(T result);

    void onFailure(AgentException failure);

    /** Nobody waits. */
    static <T> Answer<T> ignore() {
        return new Answer<>() {
            @Override
            public void onResult(T result) {}

            @Override
            public void onFailure(AgentException failure) {}
        };
    }
}
