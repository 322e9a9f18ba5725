package dev.berth.gpu.nvml;

import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceEvent.SourceChanged;

import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** Whether the source works, as it was last said: only changes are said. Thread: the lane. */
final class SourceState {
    private final LongSupplier clock;
    private final Consumer<DeviceEvent> out;
    private Optional<SourceChanged> said = Optional.empty();
    private long notWorkingSinceNs;

    SourceState(LongSupplier clock, Consumer<DeviceEvent> out) {
        this.clock = clock;
        this.out = out;
        this.notWorkingSinceNs = clock.getAsLong();
    }

    void say(boolean working, String reason) {
        SourceChanged now = new SourceChanged(working, reason);
        if (said.equals(Optional.of(now))) {
            return;
        }
        if (working() && !working) {
            notWorkingSinceNs = clock.getAsLong();
        }
        said = Optional.of(now);
        out.accept(now);
    }

    boolean working() {
        return said.map(SourceChanged::working).orElse(false);
    }

    /** Why it does not work. */
    String reason() {
        return said.map(SourceChanged::reason).orElse("the GPU worker has not started yet");
    }

    long notWorkingSinceNs() {
        return notWorkingSinceNs;
    }
}
