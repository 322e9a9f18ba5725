package dev.berth.agent.operator;

import com.google.protobuf.ByteString;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.tasks.ContainerStatuses;
import dev.berth.agent.tasks.TaskView;
import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.FileInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Metric;
import dev.berth.protocol.v1.Protos.TimeInfo;
import dev.berth.protocol.v1.agent.Protos.Call;
import dev.berth.protocol.v1.agent.Protos.Response;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Operator calls of v1 that need no more than a picture of the agent, or a file. */
final class OperatorCalls {
    private OperatorCalls() {}

    /** The answer of a call that only reads state; empty for one that there is not. */
    static Optional<Response> answer(Call call, AgentState.Picture now) {
        Response.Builder out = Response.newBuilder();
        switch (call.getType()) {
            case GET_HEALTH ->
                    out.setType(Response.Type.GET_HEALTH)
                            .setGetHealth(Response.GetHealth.newBuilder().setHealthy(true));
            case GET_VERSION -> {
                out.setType(Response.Type.GET_VERSION);
                out.getGetVersionBuilder().getVersionInfoBuilder().setVersion(now.version());
            }
            case GET_METRICS -> {
                out.setType(Response.Type.GET_METRICS);
                now.allMetrics()
                        .forEach((name, value) ->
                                out.getGetMetricsBuilder()
                                        .addMetrics(
                                                Metric.newBuilder().setName(name).setValue(value)));
            }
            case GET_STATE -> {
                out.setType(Response.Type.GET_STATE);
                out.getGetStateBuilder()
                        .setGetTasks(tasks(now))
                        .setGetExecutors(executors(now))
                        .setGetFrameworks(frameworks(now));
            }
            case GET_TASKS -> out.setType(Response.Type.GET_TASKS).setGetTasks(tasks(now));
            case GET_EXECUTORS ->
                    out.setType(Response.Type.GET_EXECUTORS).setGetExecutors(executors(now));
            case GET_FRAMEWORKS ->
                    out.setType(Response.Type.GET_FRAMEWORKS).setGetFrameworks(frameworks(now));
            case GET_CONTAINERS ->
                    out.setType(Response.Type.GET_CONTAINERS).setGetContainers(containers(now));
            case GET_AGENT -> {
                out.setType(Response.Type.GET_AGENT);
                out.getGetAgentBuilder().setAgentInfo(now.info());
            }
            case GET_OPERATIONS ->
                    out.setType(Response.Type.GET_OPERATIONS)
                            .setGetOperations(Response.GetOperations.getDefaultInstance());
            case GET_RESOURCE_PROVIDERS ->
                    out.setType(Response.Type.GET_RESOURCE_PROVIDERS)
                            .setGetResourceProviders(
                                    Response.GetResourceProviders.getDefaultInstance());
            default -> {
                return Optional.empty();
            }
        }
        return Optional.of(out.build());
    }

    private static Response.GetTasks tasks(AgentState.Picture now) {
        Response.GetTasks.Builder out = Response.GetTasks.newBuilder();
        for (TaskView view : now.tasks()) {
            if (view.acknowledged()) {
                out.addCompletedTasks(view.task());
            } else if (view.terminal()) {
                out.addTerminatedTasks(view.task());
            } else {
                out.addLaunchedTasks(view.task());
            }
        }
        return out.build();
    }

    private static Response.GetExecutors executors(AgentState.Picture now) {
        Map<String, TaskView> live = new LinkedHashMap<>();
        Map<String, TaskView> over = new LinkedHashMap<>();
        for (TaskView view : now.tasks()) {
            (view.acknowledged() ? over : live)
                    .putIfAbsent(
                            view.framework().getId().getValue() + "/" + view.executorId(), view);
        }
        Response.GetExecutors.Builder out = Response.GetExecutors.newBuilder();
        live.values().forEach(v -> out.addExecutorsBuilder().setExecutorInfo(executor(v)));
        live.keySet().forEach(over::remove);
        over.values().forEach(v -> out.addCompletedExecutorsBuilder().setExecutorInfo(executor(v)));
        return out.build();
    }

    private static ExecutorInfo executor(TaskView view) {
        if (view.executor().isPresent()) {
            return view.executor().get();
        }
        ExecutorInfo.Builder out =
                ExecutorInfo.newBuilder()
                        .setFrameworkId(view.framework().getId())
                        .setCommand(view.info().getCommand())
                        .setName("Command Executor (Task: " + view.info().getName() + ")")
                        .addAllResources(view.info().getResourcesList());
        out.getExecutorIdBuilder().setValue(view.executorId());
        return out.build();
    }

    private static Response.GetFrameworks frameworks(AgentState.Picture now) {
        Map<String, FrameworkInfo> live = new LinkedHashMap<>();
        Map<String, FrameworkInfo> over = new LinkedHashMap<>();
        for (TaskView view : now.tasks()) {
            (view.acknowledged() ? over : live)
                    .put(view.framework().getId().getValue(), view.framework());
        }
        Response.GetFrameworks.Builder out = Response.GetFrameworks.newBuilder();
        live.values().forEach(f -> out.addFrameworksBuilder().setFrameworkInfo(f));
        live.keySet().forEach(over::remove);
        over.values().forEach(f -> out.addCompletedFrameworksBuilder().setFrameworkInfo(f));
        return out.build();
    }

    private static Response.GetContainers containers(AgentState.Picture now) {
        Response.GetContainers.Builder out = Response.GetContainers.newBuilder();
        for (TaskView view : now.tasks()) {
            if (view.terminal() || view.container().isEmpty()) {
                continue;
            }
            Response.GetContainers.Container.Builder one = out.addContainersBuilder();
            one.setFrameworkId(view.framework().getId()).setExecutorName(view.info().getName());
            one.getExecutorIdBuilder().setValue(view.executorId());
            String id = view.container().get().id().value();
            one.getContainerIdBuilder().setValue(id);
            one.setContainerStatus(ContainerStatuses.of(view.container().get(), now.address()));
        }
        return out.build();
    }

    static Response list(SandboxFiles files, String path) throws AgentException {
        Response.Builder out = Response.newBuilder().setType(Response.Type.LIST_FILES);
        for (SandboxFiles.Entry entry : files.list(path)) {
            out.getListFilesBuilder()
                    .addFileInfos(
                            FileInfo.newBuilder()
                                    .setPath(entry.path())
                                    .setNlink(entry.stat().links())
                                    .setSize(entry.stat().sizeBytes())
                                    .setMode(entry.stat().mode())
                                    .setMtime(
                                            TimeInfo.newBuilder()
                                                    .setNanoseconds(entry.stat().mtimeNs()))
                                    .setUid(String.valueOf(entry.stat().uid()))
                                    .setGid(String.valueOf(entry.stat().gid())));
        }
        out.getListFilesBuilder();
        return out.build();
    }

    static Response read(SandboxFiles files, Call.ReadFile call) throws AgentException {
        // Both are unsigned: what looks negative is very large.
        boolean all = !call.hasLength() || call.getLength() < 0;
        SandboxFiles.Piece piece =
                files.read(
                        call.getPath(), call.getOffset(), all ? Long.MAX_VALUE : call.getLength());
        return Response.newBuilder()
                .setType(Response.Type.READ_FILE)
                .setReadFile(
                        Response.ReadFile.newBuilder()
                                .setSize(piece.sizeBytes())
                                .setData(ByteString.copyFrom(piece.data())))
                .build();
    }
}
