package dev.berth.gpu.health;

import dev.berth.gpu.DeviceId;

/**
 * What is kept of a device's health over the agent's end.
 *
 * @param sinceNs CLOCK_REALTIME
 * @param bootId of the boot in which it was written ({@code /proc/sys/kernel/random/boot_id}): a reboot is a cure
 */
public record HealthRecord(
        DeviceId device,
        DeviceHealth.State state,
        DeviceHealth.Cure cure,
        String reason,
        long sinceNs,
        String bootId) {}
