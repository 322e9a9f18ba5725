package dev.berth.isolator.cgroup2;

import dev.berth.isolator.ResourceLimits;

import java.util.List;

/** {@code pids.max}; 0 is a limit like any other (runtime-spec 1.3), −1 is none. */
record PidsController() implements Controller {
    @Override
    public String name() {
        return "pids";
    }

    @Override
    public boolean asked(ResourceLimits limits) {
        return limits.pids().isPresent();
    }

    @Override
    public List<Setting> settings(ResourceLimits limits) {
        if (limits.pids().isEmpty()) {
            return List.of();
        }
        long pids = limits.pids().getAsLong();
        return List.of(Setting.of("pids.max", pids < 0 ? "max" : Long.toString(pids)));
    }
}
