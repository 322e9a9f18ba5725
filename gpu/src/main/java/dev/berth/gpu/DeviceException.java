package dev.berth.gpu;

/** Devices could not be found, given or taken; the message names the operation, the device and the fix where there is one. */
public final class DeviceException extends Exception {
    public DeviceException(String message) {
        super(message);
    }

    public DeviceException(String message, Throwable cause) {
        super(message, cause);
    }
}
