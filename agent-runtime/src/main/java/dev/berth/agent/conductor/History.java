package dev.berth.agent.conductor;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.checkpoint.Journal;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.isolator.ContainerId;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the journal says of starts and ends. Conductor thread. */
final class History {
    private final Journal journal;
    private final Map<String, List<ObjectNode>> replayed = new HashMap<>();

    History(ConductorParts parts) throws AgentException {
        journal =
                Journal.open(
                        parts.journalFile(),
                        entry ->
                                replayed.computeIfAbsent(
                                                entry.path("id").asText(), _ -> new ArrayList<>())
                                        .add(entry));
    }

    /** Before a launch: from now on the container may run. */
    void starting(Container container) throws AgentException {
        ObjectNode entry = entry("starting", container.id);
        entry.put("run", container.run);
        journal.append(entry);
    }

    void started(Container container) {
        note(started(container.id, container));
    }

    private static ObjectNode started(ContainerId id, Container container) {
        ObjectNode entry = entry("started", id);
        entry.put("run", container.run).put("pid", container.pid);
        entry.put("atNs", container.startedNs).put("restarts", container.restartCount);
        return entry;
    }

    void ended(Container container) {
        note(ended(container.id, container));
    }

    private static ObjectNode ended(ContainerId id, Container container) {
        ObjectNode entry = entry("ended", id);
        entry.put("run", container.run).put("code", container.exitCode);
        entry.put("oom", container.oomKilled).put("atNs", container.finishedNs);
        entry.put("startedNs", container.startedNs).put("error", container.error);
        entry.put("stopped", container.stoppedByUser);
        entry.put(
                "ran", container.status == Status.EXITED || container.status == Status.RESTARTING);
        return entry;
    }

    void stopAsked(Container container) {
        note(entry("stop", container.id));
    }

    void removed(Container container) {
        note(entry("removed", container.id));
    }

    private static ObjectNode entry(String what, ContainerId id) {
        ObjectNode entry = JsonNodeFactory.instance.objectNode();
        entry.put("what", what).put("id", id.value());
        return entry;
    }

    private void note(ObjectNode entry) {
        try {
            journal.append(entry);
        } catch (AgentException e) {
            // The kernel and the monitor's exit record know the same: only history is poorer.
            AgentLog.warn(e.chain());
        }
    }

    /** Brings a container that was read from its record up to what the journal says; whether it may run. */
    boolean replay(Container container) {
        boolean mayRun = false;
        for (ObjectNode entry : replayed.getOrDefault(container.id.value(), List.of())) {
            switch (entry.path("what").asText()) {
                case "starting" -> {
                    container.run = entry.path("run").asInt();
                    container.startedNs = 0; // of this run nothing is known yet
                    container.stoppedByUser = false;
                    mayRun = true;
                }
                case "started" -> {
                    container.run = entry.path("run").asInt();
                    container.pid = entry.path("pid").asInt();
                    container.startedNs = entry.path("atNs").asLong();
                    container.restartCount = entry.path("restarts").asInt();
                    container.finishedNs = 0;
                    container.error = "";
                    mayRun = true;
                }
                case "stop" -> container.stoppedByUser = true;
                case "ended" -> {
                    replayEnd(container, entry);
                    mayRun = false;
                }
                default -> {}
            }
        }
        if (mayRun) {
            container.status = Status.RUNNING;
        }
        return mayRun;
    }

    private static void replayEnd(Container container, ObjectNode entry) {
        container.run = entry.path("run").asInt();
        container.pid = 0;
        container.exitCode = entry.path("code").asInt();
        container.oomKilled = entry.path("oom").asBoolean();
        container.startedNs = entry.path("startedNs").asLong();
        container.finishedNs = entry.path("atNs").asLong();
        container.error = entry.path("error").asText();
        container.stoppedByUser = entry.path("stopped").asBoolean();
        container.status = entry.path("ran").asBoolean() ? Status.EXITED : Status.CREATED;
        if (entry.path("ran").asBoolean()) {
            container.keepExit();
        }
    }

    /** Writes the journal anew with what is still true, when it has become long. */
    void compactWhenLong(Collection<Container> containers) {
        if (journal.isLong()) {
            compact(containers);
        }
    }

    void compact(Collection<Container> containers) {
        List<ObjectNode> entries = new ArrayList<>();
        for (Container container : containers) {
            for (ContainerView.Exit exit : container.exits) {
                ObjectNode entry = entry("ended", container.id);
                entry.put("run", exit.run()).put("code", exit.code()).put("oom", exit.oomKilled());
                entry.put("atNs", exit.finishedNs()).put("startedNs", exit.startedNs());
                entry.put("error", "").put("stopped", container.stoppedByUser).put("ran", true);
                entries.add(entry);
            }
            if (container.status.isAlive()) {
                entries.add(started(container.id, container));
            } else if (container.status == Status.STARTING) {
                ObjectNode entry = entry("starting", container.id);
                entry.put("run", container.run);
                entries.add(entry);
            } else if (container.run > 0 && container.exits.isEmpty()) {
                entries.add(ended(container.id, container));
            }
        }
        try {
            journal.compact(entries);
        } catch (AgentException e) {
            AgentLog.warn(e.chain());
        }
        replayed.clear();
    }

    void close() {
        journal.close();
    }
}
