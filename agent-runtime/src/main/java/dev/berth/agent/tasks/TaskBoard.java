package dev.berth.agent.tasks;

import com.google.protobuf.ByteString;

import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.SandboxRetention;
import dev.berth.linux.Linux;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos.ExecutorID;
import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.KillPolicy;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/**
 * All tasks of an agent: launches, kills, groups, and what a new master must know.
 *
 * <p>Thread: conductor.
 */
public final class TaskBoard implements AutoCloseable {
    private static final long DEFAULT_GRACE_NS = 3_000_000_000L;
    private static final long COPY_EVERY_NS = 1_000_000_000L;

    private final TaskHost host;
    private final Linux linux;
    private final TaskPaths paths;
    private final TaskJournal journal;
    private final TaskUpdates updates;
    private final TaskSteps steps;
    private final TaskGroups groups;
    private final SandboxCollector collector;
    private final TaskViews views;
    private final SplittableRandom random = new SplittableRandom();
    private MasterSide master = _ -> {};
    private boolean hostRootMade;
    private boolean ticking;
    private Runnable whenEmpty = () -> {};

    /** Reads the journal; {@link #recover} goes on with what it tells. */
    public TaskBoard(TaskHost host, Linux linux, TaskPaths paths, SandboxRetention retention)
            throws AgentException {
        this.host = host;
        this.linux = linux;
        this.paths = paths;
        journal = TaskJournal.open(paths.journalDirectory());
        steps = TaskSteps.fromProperty(linux);
        groups = new TaskGroups(journal, steps);
        updates = new TaskUpdates(host, journal, steps, this::acknowledgedToTheEnd);
        views = new TaskViews(journal, paths);
        collector =
                new SandboxCollector(
                        host, linux, paths, retention, () -> paths.runs(journal.tasks().values()));
    }

    /** What became of sandboxes. */
    public SandboxCollector collector() {
        return collector;
    }

    TaskPaths paths() {
        return paths;
    }

    Linux linux() {
        return linux;
    }

    TaskSteps steps() {
        return steps;
    }

    TaskGroups groups() {
        return groups;
    }

    TaskUpdates updates() {
        return updates;
    }

    int hostCpus() {
        return Runtime.getRuntime().availableProcessors();
    }

    /**
     * Goes on with the tasks of an earlier agent; after the conductor has recovered.
     *
     * @param containers all that there are
     */
    public void recover(List<ContainerView> containers) {
        new TaskRecovery(this, host, journal, steps).run(containers);
        collector.start();
    }

    FrameworkInfo framework(TaskEntry entry) {
        FrameworkInfo info = journal.frameworks().get(entry.framework.getValue());
        return info != null
                ? info
                : FrameworkInfo.newBuilder().setId(entry.framework).setUser("").setName("").build();
    }

    /** Where news goes from now on. */
    public void master(MasterSide side) {
        master = side;
        updates.master(side);
    }

    /** The id that a master gave this agent; empty before the first registration. */
    public Optional<String> agentId() {
        return journal.agentId();
    }

    /** A master has taken this agent: it is told what was not acknowledged yet. */
    public void registered(String agentId) {
        try {
            journal.keepAgentId(agentId);
            steps.reached(TaskStep.AGENT_ID_KEPT);
        } catch (AgentException e) {
            AgentLog.error("keep the agent's id", e);
        }
        journal.tasks().values().forEach(updates::resend);
    }

    /** Adds the whole truth to a registration, but for frameworks that are over: what is left of them is this agent's own affair. */
    public void describe(Link.Register.Builder register) {
        journal.frameworks().values().stream()
                .filter(info -> !journal.isOver(info.getId().getValue()))
                .forEach(register::addFrameworks);
        Map<String, ExecutorInfo> executors = new LinkedHashMap<>();
        for (TaskEntry entry : journal.tasks().values()) {
            if (journal.isOver(entry.framework.getValue())) {
                continue;
            }
            register.addTasks(entry.task());
            entry.executor.ifPresent(executor -> {
                if (!entry.isTerminal()) {
                    executors.put(entry.framework.getValue() + "/" + entry.executorId(), executor);
                }
            });
        }
        register.addAllExecutors(executors.values());
    }

    /** Runs commands. A task that is here already is not launched again. */
    public void launch(FrameworkInfo framework, List<TaskInfo> tasks) {
        List<TaskEntry> entries = new ArrayList<>();
        for (TaskInfo task : tasks) {
            entries.add(new TaskEntry(framework.getId(), task, Optional.empty(), containerName()));
        }
        for (TaskEntry entry : begin(framework, entries)) {
            run(entry).launch(framework);
        }
    }

    /** Runs the tasks of a group, all or none: none starts before all are created. */
    public void launchGroup(FrameworkInfo framework, ExecutorInfo executor, List<TaskInfo> tasks) {
        String name = containerName();
        List<TaskEntry> entries = new ArrayList<>();
        for (TaskInfo task : tasks) {
            entries.add(
                    new TaskEntry(
                            framework.getId(),
                            task,
                            Optional.of(executor),
                            name + "-" + entries.size()));
        }
        List<TaskEntry> group = begin(framework, entries);
        List<TaskRun> runs = new ArrayList<>();
        for (TaskEntry entry : group) {
            TaskRun run = run(entry);
            run.hold();
            runs.add(run);
        }
        List<TaskRequest> requests = new ArrayList<>();
        try {
            GroupRules.check(executor, tasks);
            for (TaskRun run : runs) {
                requests.add(run.plan(framework));
            }
        } catch (AgentException e) {
            runs.forEach(TaskRun::abandon);
            runs.forEach(run -> run.refuse(e.chain()));
            return;
        }
        for (int i = 0; i < runs.size(); i++) {
            runs.get(i).launch(requests.get(i));
        }
    }

    TaskRun run(TaskEntry entry) {
        TaskRun run = new TaskRun(entry, this, host);
        entry.run = run;
        return run;
    }

    /** Makes tasks durable; returns those that are to be run. */
    private List<TaskEntry> begin(FrameworkInfo framework, List<TaskEntry> asked) {
        List<TaskEntry> entries = new ArrayList<>(asked);
        entries.removeIf(entry -> {
            boolean here = journal.tasks().containsKey(entry.key());
            if (here) {
                AgentLog.warn("task " + entry.key() + " is here already: not launched again");
            }
            return here;
        });
        try {
            journal.launched(framework, entries);
        } catch (AgentException e) {
            for (TaskEntry entry : entries) {
                AgentLog.error("launch " + entry.key(), e);
                // Known all the same, or its acknowledgement would find nobody.
                journal.tasks().put(entry.key(), entry);
                updates.publish(
                        entry,
                        TaskStatus.newBuilder()
                                .setState(TaskState.TASK_FAILED)
                                .setSource(TaskStatus.Source.SOURCE_AGENT)
                                .setReason(TaskStatus.Reason.REASON_CONTAINER_LAUNCH_FAILED)
                                .setMessage(e.chain()));
            }
            entries.stream()
                    .filter(entry -> entry.executor.isPresent())
                    .findFirst()
                    .ifPresent(entry -> groups.tellWhenAllEnded(entry, master));
            return List.of();
        }
        for (TaskEntry entry : entries) {
            steps.reached(TaskStep.TASK_JOURNALED, entry);
            starting(entry);
        }
        return entries;
    }

    void starting(TaskEntry entry) {
        TaskStatus.Builder status =
                TaskStatus.newBuilder()
                        .setState(TaskState.TASK_STARTING)
                        .setSource(TaskStatus.Source.SOURCE_EXECUTOR);
        CheckTarget.unknown(entry.info).ifPresent(status::setCheckStatus);
        updates.publish(entry, status);
    }

    private String containerName() {
        return TaskPaths.CONTAINER + HexFormat.of().toHexDigits(random.nextLong());
    }

    /** One of a group that did not end well takes the others with it. */
    void onEnded(TaskEntry entry, TaskState state) {
        if (entry.executor.isPresent()) {
            if (state != TaskState.TASK_FINISHED) {
                endGroup(entry);
            }
            groups.tellWhenAllEnded(entry, master);
        }
        if (journal.tasks().values().stream().allMatch(TaskEntry::isTerminal)) {
            whenEmpty.run();
        }
    }

    private void endGroup(TaskEntry entry) {
        for (TaskEntry member : groups.of(entry)) {
            kill(member, Optional.empty());
        }
    }

    /** Ends a task: SIGTERM, after the grace period SIGKILL. In a group, the whole group; {@code policy} is of the one that is named, as in Mesos. */
    public void kill(FrameworkID framework, String task, Optional<KillPolicy> policy) {
        TaskEntry entry = journal.tasks().get(new TaskKey(framework.getValue(), task));
        if (entry == null) {
            AgentLog.warn("kill of task " + task + ", which is not here");
            return;
        }
        List<TaskEntry> all = entry.executor.isPresent() ? groups.of(entry) : List.of();
        kill(entry, policy);
        all.stream()
                .filter(member -> member != entry)
                .forEach(member -> kill(member, Optional.empty()));
    }

    private void kill(TaskEntry entry, Optional<KillPolicy> policy) {
        TaskRun run = entry.run;
        if (run != null) {
            run.kill(graceNs(entry, policy), tellsKilling(entry));
        }
    }

    boolean tellsKilling(TaskEntry entry) {
        return framework(entry).getCapabilitiesList().stream()
                .anyMatch(c -> c.getType() == FrameworkInfo.Capability.Type.TASK_KILLING_STATE);
    }

    long graceNs(TaskEntry entry, Optional<KillPolicy> asked) {
        KillPolicy policy = asked.orElse(entry.info.getKillPolicy());
        return policy.hasGracePeriod()
                ? policy.getGracePeriod().getNanoseconds()
                : DEFAULT_GRACE_NS;
    }

    void killAsked(TaskEntry entry, long graceNs) {
        try {
            journal.killAsked(entry, graceNs);
        } catch (AgentException e) {
            AgentLog.error("note the kill of " + entry.key(), e);
        }
        steps.reached(TaskStep.KILL_JOURNALED, entry);
    }

    /** The scheduler has an update. */
    public void acknowledge(FrameworkID framework, String task, ByteString uuid) {
        TaskEntry entry = journal.tasks().get(new TaskKey(framework.getValue(), task));
        if (entry != null) {
            updates.acknowledged(entry, uuid);
        }
    }

    private void acknowledgedToTheEnd(TaskEntry entry) {
        try {
            journal.dropped(entry);
        } catch (AgentException e) {
            AgentLog.error("forget " + entry.key(), e);
        }
        steps.reached(TaskStep.DROPPED, entry);
        Path run = paths.run(entry);
        if (!paths.runs(journal.tasks().values()).contains(run)) {
            collector.ended(run);
        }
        views.completed(entry);
        host.onLane(() -> {
            try {
                Files.deleteIfExists(paths.position(entry.container));
            } catch (IOException e) {
                AgentLog.warn("remove " + paths.position(entry.container) + ": " + e);
            }
        });
    }

    /** Ends what {@code which} accepts, with its grace period. */
    private void killAll(Predicate<TaskEntry> which) {
        for (TaskEntry entry : List.copyOf(journal.tasks().values())) {
            if (which.test(entry)) {
                kill(entry, Optional.empty());
            }
        }
    }

    /** The framework is gone: its tasks are ended, and nobody is left to acknowledge that. */
    public void shutdownFramework(FrameworkID framework) {
        try {
            journal.over(framework.getValue());
            steps.reached(TaskStep.FRAMEWORK_OVER_JOURNALED);
        } catch (AgentException e) {
            AgentLog.error("note the end of framework " + framework.getValue(), e);
        }
        killAll(entry -> entry.framework.equals(framework));
        List.copyOf(journal.tasks().values()).stream()
                .filter(entry -> entry.framework.equals(framework))
                .forEach(updates::settle);
    }

    public void shutdownExecutor(FrameworkID framework, ExecutorID executor) {
        killAll(entry ->
                entry.framework.equals(framework)
                        && entry.executorId().equals(executor.getValue()));
    }

    /** A framework has changed, or its scheduler is back: it may not have heard what it was told last. */
    public void updateFramework(FrameworkInfo info) {
        try {
            if (journal.frameworks().containsKey(info.getId().getValue())) {
                journal.framework(info);
                steps.reached(TaskStep.FRAMEWORK_JOURNALED);
            }
        } catch (AgentException e) {
            AgentLog.error("keep framework " + info.getId().getValue(), e);
        }
        journal.tasks().values().stream()
                .filter(entry -> entry.framework.equals(info.getId()))
                .forEach(updates::resend);
    }

    /** The master does not want this agent any more: ends all tasks, forgets them and the agent's id, then runs {@code then}. */
    public void shutdown(Runnable then) {
        whenEmpty =
                () -> {
                    whenEmpty = () -> {};
                    try {
                        for (TaskEntry entry : List.copyOf(journal.tasks().values())) {
                            entry.cancelRetry.run();
                            entry.pending.clear();
                            journal.dropped(entry);
                            collector.ended(paths.run(entry));
                        }
                        journal.forgetAgentId();
                        steps.reached(TaskStep.AGENT_ID_FORGOTTEN);
                    } catch (AgentException e) {
                        AgentLog.error("forget this agent's id", e);
                    }
                    then.run();
                };
        killAll(_ -> true);
        if (journal.tasks().values().stream().allMatch(TaskEntry::isTerminal)) {
            whenEmpty.run();
        }
    }

    /** The root of commands without an image, once per agent, and places in it for what this one mounts; file lane. */
    void makeHostRoot(TaskRequest request) throws AgentException {
        // Two at the same time do the same.
        if (!hostRootMade) {
            HostRoot.make(paths.hostRoot());
            host.offer(() -> hostRootMade = true);
        }
        HostRoot.place(paths.hostRoot(), request.body().path("HostConfig").path("Mounts"));
    }

    /** Copies output every second while something runs. */
    void onRunning() {
        if (!ticking) {
            ticking = true;
            host.at(host.monotonicNs() + COPY_EVERY_NS, this::copyAll);
        }
    }

    private void copyAll() {
        ticking = false;
        for (TaskEntry entry : journal.tasks().values()) {
            TaskRun run = entry.run;
            if (run != null && !entry.isTerminal()) {
                run.copyOutput();
                onRunning();
            }
        }
    }

    /** What there is, for the agent's API. */
    public List<TaskView> views() {
        return views.all(this::framework);
    }

    /** Brings the output of running tasks below {@code directory} up to date, then runs {@code then}. */
    public void freshOutput(Path directory, Runnable then) {
        for (TaskEntry entry : journal.tasks().values()) {
            TaskRun run = entry.run;
            if (run != null && !entry.isTerminal() && directory.startsWith(paths.sandbox(entry))) {
                run.copyOutput(then);
                return;
            }
        }
        then.run();
    }

    @Override
    public void close() {
        collector.stop();
        journal.close();
    }
}
