package dev.berth.gpu;

import java.util.List;
import java.util.Optional;

/**
 * What was found on a device after its holder was gone.
 *
 * @param pids processes that still use it, host namespace
 * @param memoryUsedBytes without the driver's own reserve; −1 when the source cannot say
 * @param baselineBytes what an idle device of this kind uses
 * @param problem what stands against giving it out, in words with figures; empty when it is clean
 * @param resetHelps whether a reset may cure it
 */
public record Cleanliness(
        List<Integer> pids,
        long memoryUsedBytes,
        long baselineBytes,
        Optional<String> problem,
        boolean resetHelps) {
    public Cleanliness {
        pids = List.copyOf(pids);
    }

    public boolean clean() {
        return problem.isEmpty();
    }
}
