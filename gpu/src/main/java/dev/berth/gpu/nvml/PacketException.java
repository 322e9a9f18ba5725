package dev.berth.gpu.nvml;

/** A packet between agent and worker that is not of the protocol. */
final class PacketException extends Exception {
    PacketException(String message) {
        super(message);
    }

    PacketException(String message, Throwable cause) {
        super(message, cause);
    }
}
