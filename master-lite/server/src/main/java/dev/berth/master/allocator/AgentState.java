package dev.berth.master.allocator;

import dev.berth.master.ids.AgentId;
import dev.berth.master.resources.Resources;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** One agent: what it has, who has it, and in which set it stands. */
final class AgentState {
    final AgentId id;
    final Map<Claim, Resources> held = new LinkedHashMap<>();

    /** The first of each claim's filters here. */
    final Map<Claim, Filter> filters = new HashMap<>();

    Resources total = Resources.EMPTY;
    Resources allocated = Resources.EMPTY;
    Resources free = Resources.EMPTY;
    boolean active = true;

    /** Claims that were last widened by an event up to this number are known not to be eligible here; -1: nothing is known. */
    long knownUpTo = -1;

    /** Whether only claims that see GPUs may have it. */
    boolean gpusHidden;

    /** The set in which it stands, and where; none if it is inactive or has nothing free. */
    @Nullable AgentSet set;

    int index;

    AgentState(AgentId id) {
        this.id = id;
    }

    boolean offerable() {
        return active && !free.isEmpty();
    }

    void computeFree() {
        free = total.without(allocated);
    }
}
