package dev.berth.agent.conductor;

import java.util.Map;

/**
 * Something that happened, in the words of {@code docker events}.
 *
 * @param type {@code container} or {@code image}
 * @param action {@code create}, {@code start}, {@code die} and so on
 * @param actor id of the container, or reference of the image
 * @param timeNs realtime
 */
public record AgentEvent(
        String type, String action, String actor, Map<String, String> attributes, long timeNs) {}
