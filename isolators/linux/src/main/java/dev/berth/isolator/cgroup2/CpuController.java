package dev.berth.isolator.cgroup2;

import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.ResourceLimits;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** {@code cpu.weight} and {@code cpu.max}. */
record CpuController() implements Controller {
    private static final long DEFAULT_PERIOD_US = 100_000;

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public boolean asked(ResourceLimits limits) {
        return set(limits.cpuShares()) || set(limits.cpuQuotaUs()) || set(limits.cpuPeriodUs());
    }

    @Override
    public List<Setting> settings(ResourceLimits limits) throws IsolatorException {
        List<Setting> settings = new ArrayList<>();
        if (set(limits.cpuShares())) {
            long shares = limits.cpuShares().getAsLong();
            if (shares < 0) {
                throw new IsolatorException("cgroup2/cpu: shares must not be negative: " + shares);
            }
            settings.add(Setting.of("cpu.weight", Long.toString(weight(shares))));
        }
        if (set(limits.cpuQuotaUs()) || set(limits.cpuPeriodUs())) {
            long quota = limits.cpuQuotaUs().orElse(0);
            long period = limits.cpuPeriodUs().orElse(0);
            settings.add(
                    Setting.of(
                            "cpu.max",
                            (quota > 0 ? Long.toString(quota) : "max")
                                    + " "
                                    + (period > 0 ? period : DEFAULT_PERIOD_US)));
        }
        return settings;
    }

    /**
     * Shares (2 to 262144, 1024 is everybody's) as weight (1 to 10000, 100 is everybody's): the curve that runc and crun agreed on, which maps the two defaults onto each other. The older straight line made 1024
     * shares a weight of 39.
     */
    static long weight(long shares) {
        if (shares <= 2) {
            return 1;
        }
        if (shares >= 262_144) {
            return 10_000;
        }
        double l = Math.log((double) shares) / Math.log(2);
        return (long) Math.ceil(Math.pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0));
    }

    private static boolean set(OptionalLong value) {
        return value.isPresent() && value.getAsLong() != 0;
    }
}
