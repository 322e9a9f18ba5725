package dev.berth.master.cluster;

import dev.berth.master.ids.FrameworkId;
import dev.berth.protocol.v1.Protos.FrameworkInfo;

import java.util.Optional;
import java.util.Set;

/**
 * A framework as it is at one moment, without what it has. Immutable: any thread.
 *
 * @param roles that it is subscribed for
 * @param suppressed roles that it wants no offers for
 * @param recovered whether the master knows it from agents only
 */
public record FrameworkFacts(
        FrameworkId id,
        FrameworkInfo info,
        Set<String> roles,
        Set<String> suppressed,
        boolean connected,
        boolean recovered,
        long registeredNs,
        Optional<Long> reregisteredNs,
        Optional<Long> unregisteredNs) {}
