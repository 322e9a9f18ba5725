package dev.berth.gpu.choice;

import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceRequest.Selection;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Why a request would get these devices now, or none.
 *
 * @param chosen empty when refused
 * @param refused why not, naming devices
 * @param candidates the best groups, best first
 * @param unavailable every device that was not considered, in the order of the table
 */
public record Explanation(
        List<DeviceId> chosen,
        Optional<String> refused,
        List<Candidate> candidates,
        List<Unavailable> unavailable) {
    public Explanation {
        chosen = List.copyOf(chosen);
        candidates = List.copyOf(candidates);
        unavailable = List.copyOf(unavailable);
    }

    /** @param why a sentence: what speaks for it, or where it is worse than the one chosen */
    public record Candidate(List<DeviceId> devices, Figures figures, String why) {
        public Candidate {
            devices = List.copyOf(devices);
        }
    }

    /** @param reason such as {@code granted to 0123456789ab} */
    public record Unavailable(DeviceId id, String reason) {}

    /**
     * Explains; for people, takes milliseconds on large tables.
     *
     * @param unavailable devices that cannot be given out now, and why
     * @param limit how many candidates at most
     */
    public static Explanation of(
            Chooser chooser, Selection selection, Map<DeviceId, String> unavailable, int limit) {
        return new Question(chooser, unavailable, limit).answer(selection);
    }
}
