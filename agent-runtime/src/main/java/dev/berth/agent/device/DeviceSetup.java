package dev.berth.agent.device;

import dev.berth.gpu.health.HealthSettings;
import dev.berth.gpu.ledger.GrantSteps;
import dev.berth.gpu.ledger.LedgerSettings;
import dev.berth.isolator.ContainerId;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * What a desk is made of.
 *
 * @param supplies one for each kind
 * @param journal the file of grants and health
 * @param bootId content of {@code /proc/sys/kernel/random/boot_id}
 * @param owner the container of a process in the host's pid namespace
 */
public record DeviceSetup(
        List<DeviceSupply> supplies,
        CdiSource cdi,
        Path journal,
        LedgerSettings ledger,
        HealthSettings health,
        GrantSteps steps,
        String bootId,
        IntFunction<Optional<ContainerId>> owner) {
    public DeviceSetup {
        supplies = List.copyOf(supplies);
    }

    /** No device at all. */
    public static DeviceSetup none(Path journal) {
        return new DeviceSetup(
                List.of(),
                CdiSource.NONE,
                journal,
                LedgerSettings.DEFAULT,
                HealthSettings.DEFAULT,
                GrantSteps.UNWATCHED,
                "",
                _ -> Optional.empty());
    }
}
