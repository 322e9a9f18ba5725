package dev.berth.agent.conductor;

import dev.berth.agent.config.AgentException;

import java.util.concurrent.ConcurrentHashMap;

/** The published state of all execs. Readers on any thread; the conductor writes. */
public final class ExecViews {
    private final ConcurrentHashMap<String, ExecView> byId = new ConcurrentHashMap<>();

    void publish(ExecView view) {
        byId.put(view.id(), view);
    }

    void remove(String id) {
        byId.remove(id);
    }

    /** By full id or unambiguous prefix. */
    public ExecView resolve(String reference) throws AgentException {
        ExecView exact = byId.get(reference);
        if (exact != null) {
            return exact;
        }
        ExecView found = null;
        for (ExecView view : byId.values()) {
            if (!reference.isEmpty() && view.id().startsWith(reference)) {
                if (found != null) {
                    throw AgentException.invalid("multiple exec IDs with prefix: " + reference);
                }
                found = view;
            }
        }
        if (found == null) {
            throw AgentException.notFound("No such exec instance: " + reference);
        }
        return found;
    }
}
