package dev.berth.tests.kit;

import java.io.IOException;

/** The agent answered with a status of 400 or above. */
public final class EngineFailure extends IOException {
    private final int status;

    public EngineFailure(int status, String body) {
        super(status + ": " + body);
        this.status = status;
    }

    public int status() {
        return status;
    }
}
