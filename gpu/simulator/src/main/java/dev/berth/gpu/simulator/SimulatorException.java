package dev.berth.gpu.simulator;

import java.io.Serial;

/** The simulator cannot do what it was asked; the message names the thing and what to do about it. */
public final class SimulatorException extends Exception {
    @Serial private static final long serialVersionUID = 1;

    public SimulatorException(String message) {
        super(message);
    }

    public SimulatorException(String message, Throwable cause) {
        super(message, cause);
    }
}
