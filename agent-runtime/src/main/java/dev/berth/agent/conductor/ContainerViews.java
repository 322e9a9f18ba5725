package dev.berth.agent.conductor;

import dev.berth.agent.config.AgentException;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The published state of all containers: each view is immutable, the set of them is as fresh as the conductor's last step. Readers on any thread; the conductor writes. */
public final class ContainerViews {
    private final ConcurrentHashMap<String, ContainerView> byId = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<String, String> idByName = new ConcurrentHashMap<>();

    void publish(ContainerView view) {
        byId.put(view.id().value(), view);
        idByName.put(view.name(), view.id().value());
    }

    void forgetName(String name) {
        idByName.remove(name);
    }

    void remove(ContainerView view) {
        byId.remove(view.id().value());
        idByName.remove(view.name(), view.id().value());
    }

    /** Newest first. */
    public List<ContainerView> all() {
        List<ContainerView> all = new ArrayList<>(byId.values());
        all.sort(Comparator.comparingLong(ContainerView::createdNs).reversed());
        return all;
    }

    public int size() {
        return byId.size();
    }

    public Optional<ContainerView> byId(String id) {
        return Optional.ofNullable(byId.get(id));
    }

    /** By full id, name (with or without Docker's slash) or unambiguous id prefix. */
    public ContainerView resolve(String reference) throws AgentException {
        ContainerView exact = byId.get(reference);
        if (exact != null) {
            return exact;
        }
        String named = idByName.get(reference.startsWith("/") ? reference.substring(1) : reference);
        ContainerView holder = named == null ? null : byId.get(named);
        if (holder != null) {
            return holder;
        }
        ContainerView found = null;
        if (!reference.isEmpty() && reference.length() < 64) {
            for (ContainerView view : byId.values()) {
                if (view.id().value().startsWith(reference)) {
                    if (found != null) {
                        throw AgentException.invalid(
                                "multiple IDs found with provided prefix: " + reference);
                    }
                    found = view;
                }
            }
        }
        if (found == null) {
            throw AgentException.notFound("No such container: " + reference);
        }
        return found;
    }
}
