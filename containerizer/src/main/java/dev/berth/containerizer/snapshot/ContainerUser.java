package dev.berth.containerizer.snapshot;

import java.util.List;

/**
 * A user as the kernel wants it. Ids are unsigned 32-bit numbers in an {@code int}: {@link Integer#toUnsignedString(int)} for people.
 *
 * @param groups supplementary groups, ascending, without duplicates
 * @param home from the root's {@code /etc/passwd}; {@code /} when it has none
 */
public record ContainerUser(int uid, int gid, List<Integer> groups, String home) {}
