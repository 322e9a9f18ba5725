package dev.berth.agent.conductor;

import dev.berth.agent.config.AgentException;
import dev.berth.isolator.ContainerId;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/** All containers, and the names that are taken, also by creations under way. Conductor thread. */
final class Registry {
    private final Map<String, Container> containers = new HashMap<>();
    private final Map<String, String> names = new HashMap<>();
    private final ContainerViews views;

    Registry(ContainerViews views) {
        this.views = views;
    }

    /** Takes a name for an id; a taken one is a conflict that says by whom. */
    void reserve(String name, ContainerId id) throws AgentException {
        String holder = names.putIfAbsent(name, id.value());
        if (holder != null) {
            throw AgentException.conflict(
                    "Conflict. The container name \"/"
                            + name
                            + "\" is already in use by container \""
                            + holder
                            + "\". You have to remove (or rename) that container to be able to reuse that name.");
        }
    }

    boolean isTaken(String name) {
        return names.containsKey(name);
    }

    void unreserve(String name) {
        names.remove(name);
        views.forgetName(name);
    }

    void add(Container container) {
        containers.put(container.id.value(), container);
        names.put(container.name, container.id.value());
        publish(container);
    }

    void remove(Container container) {
        containers.remove(container.id.value());
        names.remove(container.name, container.id.value());
        views.remove(container.view());
    }

    /** Shows the container's present state to readers. */
    void publish(Container container) {
        views.publish(container.view());
    }

    @Nullable Container byId(ContainerId id) {
        return containers.get(id.value());
    }

    /** Everything that is published is here too, so the lookup rules are those of the views. */
    Container resolve(String reference) throws AgentException {
        Container container = containers.get(reference);
        if (container == null) {
            container = containers.get(views.resolve(reference).id().value());
        }
        if (container == null) {
            throw AgentException.notFound("No such container: " + reference);
        }
        return container;
    }

    Collection<Container> all() {
        return containers.values();
    }

    boolean anyAlive() {
        for (Container container : containers.values()) {
            if (container.status.isAlive()
                    || container.status == Status.STARTING
                    || container.status == Status.RESTARTING
                    || container.status == Status.REMOVING) {
                return true;
            }
        }
        return false;
    }
}
