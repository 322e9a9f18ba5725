package dev.berth.isolator.cgroup2;

import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.ResourceLimits;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** {@code memory.max}, {@code memory.swap.max}, {@code memory.low}; {@code memory.oom.group} is on: half a container is worse than none. */
record MemoryController() implements Controller {
    @Override
    public String name() {
        return "memory";
    }

    @Override
    public boolean asked(ResourceLimits limits) {
        return set(limits.memoryBytes())
                || set(limits.memorySwapBytes())
                || set(limits.memoryReservationBytes());
    }

    @Override
    public List<Setting> settings(ResourceLimits limits) throws IsolatorException {
        List<Setting> settings = new ArrayList<>();
        String swap = swapMax(limits.memoryBytes(), limits.memorySwapBytes());
        if (!swap.isEmpty()) {
            // A kernel without swap accounting has no such file: then "no swap" and "any swap" hold
            // anyhow.
            settings.add(
                    swap.equals("max") || swap.equals("0")
                            ? Setting.optional("memory.swap.max", swap)
                            : Setting.of("memory.swap.max", swap));
        }
        if (set(limits.memoryBytes())) {
            settings.add(Setting.of("memory.max", orMax(limits.memoryBytes().getAsLong())));
        }
        if (set(limits.memoryReservationBytes())) {
            settings.add(
                    Setting.of("memory.low", orMax(limits.memoryReservationBytes().getAsLong())));
        }
        return settings;
    }

    @Override
    public List<Setting> defaults() {
        return List.of(Setting.optional("memory.oom.group", "1"));
    }

    /**
     * OCI counts memory plus swap, cgroup v2 swap alone. Empty: nothing to write (the kernel would read an empty string as 0).
     */
    private static String swapMax(OptionalLong memory, OptionalLong swap) throws IsolatorException {
        if (!set(swap)) {
            return set(memory) && memory.getAsLong() < 0 ? "max" : "";
        }
        if (swap.getAsLong() < 0) {
            return "max";
        }
        if (!set(memory)) {
            throw new IsolatorException(
                    "cgroup2/memory: memory+swap limit "
                            + swap.getAsLong()
                            + " needs a memory limit");
        }
        if (memory.getAsLong() < 0) {
            return Long.toString(swap.getAsLong());
        }
        if (swap.getAsLong() < memory.getAsLong()) {
            throw new IsolatorException(
                    "cgroup2/memory: memory+swap limit "
                            + swap.getAsLong()
                            + " is less than the memory limit "
                            + memory.getAsLong());
        }
        return Long.toString(swap.getAsLong() - memory.getAsLong());
    }

    private static boolean set(OptionalLong value) {
        return value.isPresent() && value.getAsLong() != 0;
    }

    private static String orMax(long bytes) {
        return bytes < 0 ? "max" : Long.toString(bytes);
    }
}
