package dev.berth.isolator.cgroup2;

import dev.berth.isolator.ResourceLimits;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@code cpuset.cpus} and {@code cpuset.mems}: lists such as {@code 0-3,8}, as they are; the kernel judges them. */
record CpusetController() implements Controller {
    @Override
    public String name() {
        return "cpuset";
    }

    @Override
    public String limits() {
        return "cpuset bindings";
    }

    @Override
    public boolean asked(ResourceLimits limits) {
        return set(limits.cpusetCpus()) || set(limits.cpusetMems());
    }

    @Override
    public List<Setting> settings(ResourceLimits limits) {
        List<Setting> settings = new ArrayList<>();
        limits.cpusetCpus()
                .filter(s -> !s.isEmpty())
                .ifPresent(cpus -> settings.add(Setting.of("cpuset.cpus", cpus)));
        limits.cpusetMems()
                .filter(s -> !s.isEmpty())
                .ifPresent(mems -> settings.add(Setting.of("cpuset.mems", mems)));
        return settings;
    }

    private static boolean set(Optional<String> value) {
        return value.filter(s -> !s.isEmpty()).isPresent();
    }
}
