package dev.berth.agent.tasks;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;

import dev.berth.agent.checkpoint.Journal;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskStatus;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The durable part of all tasks: one line for each launch, update, acknowledgement and kill, written before the step is seen outside. It survives a crash of the agent; after a power cut there is no task left to tell of.
 *
 * <p>Thread: conductor.
 */
final class TaskJournal implements AutoCloseable {
    private final Map<TaskKey, TaskEntry> tasks = new LinkedHashMap<>();
    private final Map<String, FrameworkInfo> frameworks = new LinkedHashMap<>();
    private final Set<String> over = new HashSet<>();
    private final Journal journal;
    private Optional<String> agentId = Optional.empty();
    private boolean agentIdWritten = true;

    /** What a line tells. */
    private enum Kind {
        AGENT,
        FRAMEWORK,
        TASK,
        UPDATE,
        ACKNOWLEDGED,
        KILL,
        DROPPED,
        FRAMEWORK_OVER,
        FORGOTTEN_AGENT
    }

    private TaskJournal(Path file) throws AgentException {
        journal = Journal.open(file, this::replay);
    }

    static TaskJournal open(Path directory) throws AgentException {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw AgentException.failed("make " + directory, e);
        }
        return new TaskJournal(directory.resolve("journal"));
    }

    Map<TaskKey, TaskEntry> tasks() {
        return tasks;
    }

    Map<String, FrameworkInfo> frameworks() {
        return frameworks;
    }

    Optional<String> agentId() {
        return agentId;
    }

    /** What cannot be written down is known all the same until this agent ends: one that came without its id would be another one to the master. */
    void keepAgentId(String id) throws AgentException {
        if (!agentId.equals(Optional.of(id)) || !agentIdWritten) {
            agentId = Optional.of(id);
            agentIdWritten = false;
            journal.appendDurably(agent(id));
            agentIdWritten = true;
        }
    }

    void forgetAgentId() throws AgentException {
        agentId = Optional.empty();
        journal.appendDurably(line(Kind.FORGOTTEN_AGENT));
    }

    void framework(FrameworkInfo info) throws AgentException {
        if (!info.equals(frameworks.get(info.getId().getValue()))) {
            frameworks.put(info.getId().getValue(), info);
            journal.append(framework0(info));
        }
    }

    /** Tasks of one framework, all or none of them: half a group must not be found after a crash. */
    void launched(FrameworkInfo info, List<TaskEntry> entries) throws AgentException {
        String id = info.getId().getValue();
        List<ObjectNode> lines = new ArrayList<>();
        // Also where it was over: who launches is back.
        if (!info.equals(frameworks.get(id)) || over.contains(id)) {
            lines.add(framework0(info));
        }
        entries.forEach(entry -> lines.add(task(entry)));
        journal.append(lines);
        frameworks.put(id, info);
        over.remove(id);
        entries.forEach(entry -> tasks.put(entry.key(), entry));
    }

    /** Nobody will acknowledge a framework's updates any more. */
    void over(String framework) throws AgentException {
        if (frameworks.containsKey(framework) && over.add(framework)) {
            journal.append(overLine(framework));
        }
    }

    boolean isOver(String framework) {
        return over.contains(framework);
    }

    /**
     * News of a task. As with all that happens to a task, what cannot be written is known all the same: better news that a crash would lose than none.
     *
     * @param replaces whether it takes the place of the newest one that is pending
     */
    void updated(TaskEntry entry, TaskStatus status, boolean replaces) throws AgentException {
        add(entry, status, replaces);
        journal.append(update(entry, status).put("replaces", replaces));
        compactWhenLong();
    }

    private static void add(TaskEntry entry, TaskStatus status, boolean replaces) {
        if (replaces) {
            entry.pending.pollLast();
        }
        entry.pending.add(status);
        entry.latest = Optional.of(status);
    }

    /** Its oldest update was acknowledged. */
    void acknowledged(TaskEntry entry) throws AgentException {
        TaskStatus first = entry.pending.poll();
        if (first == null) {
            return;
        }
        journal.append(acknowledgement(entry, first));
        // Also here: a task that never ends may have news of its health for months.
        compactWhenLong();
    }

    void killAsked(TaskEntry entry, long graceNs) throws AgentException {
        entry.killGraceNs = OptionalLong.of(graceNs);
        journal.append(of(Kind.KILL, entry).put("grace", graceNs));
    }

    /** The last update was acknowledged. */
    void dropped(TaskEntry entry) throws AgentException {
        forget(entry.key());
        journal.append(of(Kind.DROPPED, entry));
        compactWhenLong();
    }

    private void forget(TaskKey key) {
        tasks.remove(key);
        if (tasks.keySet().stream().noneMatch(k -> k.framework().equals(key.framework()))) {
            frameworks.remove(key.framework());
            over.remove(key.framework());
        }
    }

    /** Where it does not work, the journal goes on as it is: what led here was written. */
    private void compactWhenLong() {
        if (journal.isLong()) {
            try {
                journal.compact(lines());
            } catch (AgentException e) {
                AgentLog.error("the tasks' journal stays long", e);
            }
        }
    }

    private List<ObjectNode> lines() {
        List<ObjectNode> lines = new ArrayList<>();
        agentId.ifPresent(id -> lines.add(agent(id)));
        frameworks.values().forEach(info -> lines.add(framework0(info)));
        over.forEach(id -> lines.add(overLine(id)));
        for (TaskEntry entry : tasks.values()) {
            lines.add(task(entry));
            // The latest one may have been acknowledged and still says where the task is.
            entry.latest
                    .filter(status -> !entry.pending.contains(status))
                    .ifPresent(status -> {
                        lines.add(update(entry, status));
                        lines.add(acknowledgement(entry, status));
                    });
            entry.pending.forEach(status -> lines.add(update(entry, status)));
            entry.killGraceNs.ifPresent(ns -> lines.add(of(Kind.KILL, entry).put("grace", ns)));
        }
        return lines;
    }

    private static ObjectNode line(Kind kind) {
        return JsonNodeFactory.instance.objectNode().put("e", kind.name());
    }

    private static ObjectNode of(Kind kind, TaskEntry entry) {
        return line(kind)
                .put("framework", entry.framework.getValue())
                .put("task", entry.info.getTaskId().getValue());
    }

    private static ObjectNode agent(String id) {
        return line(Kind.AGENT).put("id", id);
    }

    private static ObjectNode framework0(FrameworkInfo info) {
        return line(Kind.FRAMEWORK).put("info", text(info));
    }

    private static ObjectNode overLine(String framework) {
        return line(Kind.FRAMEWORK_OVER).put("framework", framework);
    }

    private static ObjectNode task(TaskEntry entry) {
        ObjectNode line =
                of(Kind.TASK, entry)
                        .put("info", text(entry.info))
                        .put("container", entry.container);
        entry.executor.ifPresent(executor -> line.put("executor", text(executor)));
        return line;
    }

    /** Of which update: one before it may not have been written. */
    private static ObjectNode acknowledgement(TaskEntry entry, TaskStatus status) {
        return of(Kind.ACKNOWLEDGED, entry)
                .put("uuid", Base64.getEncoder().encodeToString(status.getUuid().toByteArray()));
    }

    private static ObjectNode update(TaskEntry entry, TaskStatus status) {
        return of(Kind.UPDATE, entry).put("status", text(status));
    }

    private static String text(MessageLite message) {
        return Base64.getEncoder().encodeToString(message.toByteArray());
    }

    private static ByteString bytes(ObjectNode line, String field) {
        return ByteString.copyFrom(Base64.getDecoder().decode(line.path(field).asText()));
    }

    private void replay(ObjectNode line) {
        try {
            apply(line);
        } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
            AgentLog.warn("a line of the tasks' journal is passed over: " + e.getMessage());
        }
    }

    private void apply(ObjectNode line) throws InvalidProtocolBufferException {
        Kind kind = Kind.valueOf(line.path("e").asText());
        TaskKey key = new TaskKey(line.path("framework").asText(), line.path("task").asText());
        TaskEntry entry = tasks.get(key);
        switch (kind) {
            case AGENT -> agentId = Optional.of(line.path("id").asText());
            case FORGOTTEN_AGENT -> agentId = Optional.empty();
            case FRAMEWORK -> {
                FrameworkInfo info = FrameworkInfo.parseFrom(bytes(line, "info"));
                frameworks.put(info.getId().getValue(), info);
                over.remove(info.getId().getValue());
            }
            case FRAMEWORK_OVER -> over.add(key.framework());
            case TASK ->
                    tasks.put(
                            key,
                            new TaskEntry(
                                    FrameworkID.newBuilder().setValue(key.framework()).build(),
                                    TaskInfo.parseFrom(bytes(line, "info")),
                                    line.has("executor")
                                            ? Optional.of(
                                                    ExecutorInfo.parseFrom(bytes(line, "executor")))
                                            : Optional.empty(),
                                    line.path("container").asText()));
            case UPDATE -> {
                if (entry != null) {
                    add(
                            entry,
                            TaskStatus.parseFrom(bytes(line, "status")),
                            line.path("replaces").asBoolean());
                }
            }
            case ACKNOWLEDGED -> {
                if (entry != null) {
                    acknowledged(entry, line);
                }
            }
            case KILL -> {
                if (entry != null) {
                    entry.killGraceNs = OptionalLong.of(line.path("grace").asLong());
                }
            }
            case DROPPED -> forget(key);
        }
    }

    private static void acknowledged(TaskEntry entry, ObjectNode line) {
        TaskStatus first = entry.pending.peek();
        if (first != null && first.getUuid().equals(bytes(line, "uuid"))) {
            entry.pending.remove();
            entry.forwarded = Optional.of(first);
        }
    }

    @Override
    public void close() {
        journal.close();
    }
}
