package dev.berth.gpu;

/**
 * One source of devices of one kind: NVML in its worker, the kernel's own files, a vendor's CDI files, character devices by configuration, or what a vendor writes. Commands return at once, whatever the driver does;
 * their answers are events.
 *
 * <p>Thread: conductor, except {@link #onNews}'s callback, which runs on whatever thread has the news.
 */
public interface DeviceProvider extends AutoCloseable {
    /** For messages and {@code --format json}: {@code nvml}, {@code proc}, {@code char/NAME}. */
    String name();

    /** The kind of its devices, such as {@code nvidia.com/gpu}. */
    String resourceName();

    /** Registers what wakes the conductor when {@link #poll} has something, then starts discovery. Once, first. */
    void onNews(Runnable wake);

    /** Delivers at most {@code limit} events; returns how many. Never blocks. */
    int poll(DeviceEventHandler handler, int limit);

    /** Asks whether the device is clean: {@link DeviceEvent.Verified} follows, within the provider's deadline. */
    void verify(DeviceId id);

    /** Asks for a reset: {@link DeviceEvent.ResetEnded} follows. The caller has seen to it that nobody uses the device. */
    void reset(DeviceId id);

    /** Asks for a reading of every device: {@link DeviceEvent.Sampled} follows. While one is under way another is not begun. */
    void sample();

    /** Ends the source and everything it started. Idempotent. */
    @Override
    void close();

    /** Receives events on the conductor's thread. */
    @FunctionalInterface
    interface DeviceEventHandler {
        void onEvent(DeviceEvent event);
    }
}
