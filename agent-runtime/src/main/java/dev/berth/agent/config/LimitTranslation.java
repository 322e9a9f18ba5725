package dev.berth.agent.config;

import dev.berth.isolator.ContainerConfig.Rlimit;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.ResourceLimits.IoDevice;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Resource limits and rlimits in Docker's words to OCI's. */
public final class LimitTranslation {
    private static final long MINIMUM_MEMORY_BYTES = 6L << 20;
    private static final long PERIOD_US = 100_000;
    private static final int RLIMIT_NOFILE = 7;

    /** In the order of their numbers (getrlimit(2)). */
    private static final List<String> RLIMITS =
            List.of(
                    "cpu",
                    "fsize",
                    "data",
                    "stack",
                    "core",
                    "rss",
                    "nproc",
                    "nofile",
                    "memlock",
                    "as",
                    "locks",
                    "sigpending",
                    "msgqueue",
                    "nice",
                    "rtprio",
                    "rttime");

    private final HostLookup host;

    public LimitTranslation(HostLookup host) {
        this.host = host;
    }

    /** The limits of a complete {@code HostConfig}, or of an update's body. */
    public ResourceLimits limits(Fields config, List<String> required) throws AgentException {
        long memory = config.number("Memory");
        long swap = config.number("MemorySwap");
        if (memory != 0 && memory < MINIMUM_MEMORY_BYTES) {
            throw AgentException.invalid("Minimum memory limit allowed is 6MB");
        }
        if (swap > 0 && memory == 0) {
            throw AgentException.invalid(
                    "You should always set the Memory limit when using Memoryswap limit");
        }
        if (swap > 0 && swap < memory) {
            throw AgentException.invalid(
                    "Minimum memoryswap limit should be larger than memory limit");
        }
        if (memory > 0 && swap == 0) {
            swap = memory > Long.MAX_VALUE / 2 ? -1 : memory * 2;
        }
        long reservation = config.number("MemoryReservation");
        if (reservation < 0 || (memory > 0 && reservation > memory)) {
            throw AgentException.invalid(
                    "Minimum memory limit can not be less than memory reservation limit");
        }
        long[] quota = quota(config);
        long pids = config.has("PidsLimit") ? config.number("PidsLimit") : 0;
        long weight = config.number("BlkioWeight");
        if (weight != 0 && (weight < 10 || weight > 1000)) {
            throw AgentException.invalid("Range of blkio weight is from 10 to 1000");
        }
        long shares = config.number("CpuShares");
        if (shares < 0) {
            throw AgentException.invalid("invalid CPU shares (" + shares + "): must be positive");
        }
        return new ResourceLimits(
                some(quota[0]),
                some(quota[1]),
                some(shares),
                set(config, "CpusetCpus"),
                set(config, "CpusetMems"),
                some(memory),
                some(swap),
                some(reservation),
                pids <= 0 ? OptionalLong.empty() : OptionalLong.of(pids),
                some(weight),
                throttles(config),
                Set.copyOf(required));
    }

    private long[] quota(Fields config) throws AgentException {
        long nano = config.number("NanoCpus");
        long quota = config.number("CpuQuota");
        long period = config.number("CpuPeriod");
        if (nano != 0 && (quota != 0 || period != 0)) {
            throw AgentException.invalid(
                    "Conflicting options: Nano CPUs and CPU Period or Quota cannot both be set");
        }
        if (nano < 0 || nano > host.cpus() * 1_000_000_000L) {
            throw AgentException.invalid(
                    String.format(
                            Locale.ROOT,
                            "range of CPUs is from 0.01 to %d.00, as there are only %d CPUs available",
                            host.cpus(),
                            host.cpus()));
        }
        if (nano > 0) {
            return new long[] {Math.max(1000, nano * PERIOD_US / 1_000_000_000L), PERIOD_US};
        }
        if (quota > 0 && quota < 1000) {
            throw AgentException.invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
        }
        if (period != 0 && (period < 1000 || period > 1_000_000)) {
            throw AgentException.invalid(
                    "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
        }
        return new long[] {Math.max(quota, -1), period};
    }

    private static Optional<String> set(Fields config, String name) throws AgentException {
        String value = config.text(name).strip();
        if (value.isEmpty()) {
            return Optional.empty();
        }
        if (!value.matches("\\d{1,5}(-\\d{1,5})?(,\\d{1,5}(-\\d{1,5})?)*")) {
            throw AgentException.invalid("Invalid value " + value + " for " + name);
        }
        return Optional.of(value);
    }

    private List<IoDevice> throttles(Fields config) throws AgentException {
        Map<String, long[]> byPath = new LinkedHashMap<>();
        List<String> names =
                List.of(
                        "BlkioDeviceReadBps",
                        "BlkioDeviceWriteBps",
                        "BlkioDeviceReadIOps",
                        "BlkioDeviceWriteIOps");
        for (int i = 0; i < names.size(); i++) {
            for (Fields entry : config.objects(names.get(i))) {
                long rate = entry.number("Rate");
                if (rate <= 0) {
                    throw AgentException.invalid("invalid rate for device: " + entry.node());
                }
                byPath.computeIfAbsent(entry.text("Path"), _ -> new long[4])[i] = rate;
            }
        }
        List<IoDevice> out = new ArrayList<>();
        for (Map.Entry<String, long[]> entry : byPath.entrySet()) {
            int[] device = host.blockDevice(entry.getKey());
            long[] rate = entry.getValue();
            out.add(
                    new IoDevice(
                            device[0],
                            device[1],
                            some(rate[0]),
                            some(rate[1]),
                            some(rate[2]),
                            some(rate[3])));
        }
        return out;
    }

    private static OptionalLong some(long value) {
        return value == 0 ? OptionalLong.empty() : OptionalLong.of(value);
    }

    /** Asked-for ulimits, and open files at today's usual 1024:524288 instead of the JVM's own raised ones. */
    List<Rlimit> rlimits(Fields config, boolean privileged) throws AgentException {
        List<Rlimit> out = new ArrayList<>();
        boolean nofile = false;
        for (Fields entry : config.objects("Ulimits")) {
            String name = entry.text("Name").toLowerCase(Locale.ROOT);
            int resource = RLIMITS.indexOf(name);
            if (resource < 0) {
                throw AgentException.invalid("invalid ulimit type: " + name);
            }
            long soft = entry.number("Soft");
            long hard = entry.number("Hard");
            if (hard != -1 && (soft == -1 || soft > hard)) {
                throw AgentException.invalid(
                        "ulimit soft limit must be less than or equal to hard limit: "
                                + name
                                + "="
                                + soft
                                + ":"
                                + hard);
            }
            nofile |= resource == RLIMIT_NOFILE;
            out.add(
                    new Rlimit(
                            resource, "RLIMIT_" + name.toUpperCase(Locale.ROOT), soft, hard, true));
        }
        if (!nofile) {
            long hard = host.hardLimit(RLIMIT_NOFILE);
            long most = privileged ? 1_048_576 : 524_288;
            hard = hard < 0 ? most : Math.min(hard, most);
            out.add(new Rlimit(RLIMIT_NOFILE, "RLIMIT_NOFILE", Math.min(1024, hard), hard, false));
        }
        return out;
    }
}
