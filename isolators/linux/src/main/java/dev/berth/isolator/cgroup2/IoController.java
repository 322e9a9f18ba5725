package dev.berth.isolator.cgroup2;

import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.ResourceLimits.IoDevice;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** {@code io.weight} (or {@code io.bfq.weight}) and {@code io.max}. */
record IoController() implements Controller {
    @Override
    public String name() {
        return "io";
    }

    @Override
    public String legacyName() {
        return "blkio";
    }

    @Override
    public String limits() {
        return "block I/O limits";
    }

    @Override
    public boolean asked(ResourceLimits limits) {
        return weight(limits) != 0 || !limits.ioDevices().isEmpty();
    }

    @Override
    public List<Setting> settings(ResourceLimits limits) throws IsolatorException {
        List<Setting> settings = new ArrayList<>();
        long weight = weight(limits);
        if (weight != 0) {
            if (weight < 10 || weight > 1000) {
                throw new IsolatorException("cgroup2/io: weight must be 10 to 1000: " + weight);
            }
            settings.add(
                    new Setting(
                            List.of(
                                    new Choice("io.bfq.weight", Long.toString(weight)),
                                    new Choice("io.weight", Long.toString(fromBlkio(weight)))),
                            false));
        }
        for (IoDevice device : limits.ioDevices()) {
            String name = device.major() + ":" + device.minor();
            add(settings, name, "rbps", device.readBps());
            add(settings, name, "wbps", device.writeBps());
            add(settings, name, "riops", device.readIops());
            add(settings, name, "wiops", device.writeIops());
        }
        return settings;
    }

    /** OCI's 10 to 1000 on the kernel's 1 to 10000. */
    static long fromBlkio(long weight) {
        return 1 + (weight - 10) * 9999 / 990;
    }

    private static long weight(ResourceLimits limits) {
        return limits.ioWeight().orElse(0);
    }

    private static void add(List<Setting> to, String device, String key, OptionalLong rate) {
        if (rate.isPresent()) {
            String value = rate.getAsLong() <= 0 ? "max" : Long.toString(rate.getAsLong());
            to.add(Setting.of("io.max", device + " " + key + "=" + value));
        }
    }
}
