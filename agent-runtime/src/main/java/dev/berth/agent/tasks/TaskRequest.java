package dev.berth.agent.tasks;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Message;

import dev.berth.agent.config.AgentException;
import dev.berth.protocol.v1.Protos.CommandInfo;
import dev.berth.protocol.v1.Protos.ContainerInfo;
import dev.berth.protocol.v1.Protos.Environment;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Image;
import dev.berth.protocol.v1.Protos.TaskInfo;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A task as the creation of a container in the local API's words. What Berth does not do is refused by name, never left out silently.
 *
 * @param image what to run in; empty: the host's programs
 * @param fresh ask the registry even when the image is here
 */
record TaskRequest(Optional<String> image, boolean fresh, ObjectNode body) {
    static final String LABEL_TASK = "dev.berth.task.id";
    static final String LABEL_FRAMEWORK = "dev.berth.framework.id";
    static final String LABEL_EXECUTOR = "dev.berth.executor.id";
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    /** @throws AgentException INVALID for what no agent could run as asked */
    static TaskRequest of(
            TaskEntry entry, FrameworkInfo framework, TaskPaths paths, int hostCpus, String address)
            throws AgentException {
        TaskInfo task = entry.info;
        check(task);
        for (String id :
                List.of(
                        entry.framework.getValue(),
                        entry.executorId(),
                        task.getTaskId().getValue())) {
            if (id.isEmpty() || id.equals(".") || id.equals("..") || id.indexOf('/') >= 0) {
                throw AgentException.invalid(
                        "an id that is no name of a directory: \"" + id + "\"");
            }
        }
        ContainerInfo container = task.getContainer();
        boolean docker = container.getType() == ContainerInfo.Type.DOCKER && task.hasContainer();
        Optional<String> image = image(container, docker);
        boolean fresh =
                docker
                        ? container.getDocker().getForcePullImage()
                        : container.getMesos().hasImage()
                                && !container.getMesos().getImage().getCached();
        ObjectNode body = NODES.objectNode();
        ObjectNode host = body.putObject("HostConfig");
        command(body, task.getCommand(), docker, image.isPresent());
        environment(body.putArray("Env"), entry, framework, address);
        String user =
                task.getCommand().hasUser()
                        ? task.getCommand().getUser()
                        : image.isPresent() ? "" : framework.getUser();
        body.put("User", user);
        if (!docker) {
            body.put("WorkingDir", TaskPaths.INSIDE);
        }
        if (container.hasHostname()) {
            body.put("Hostname", container.getHostname());
        }
        labels(body.putObject("Labels"), entry);
        host.put("Init", true);
        ObjectNode berth = body.putObject("Berth");
        // After a power cut there is no task left, so nothing of its container is waited for.
        berth.put("Durable", false);
        ArrayNode mounts = host.putArray("Mounts");
        if (image.isPresent()) {
            body.put("Image", image.get());
        } else {
            berth.put("Rootfs", paths.hostRoot().toString());
            host.put("ReadonlyRootfs", true);
            host.putObject("Tmpfs").put("/tmp", "").put("/run", "").put("/var/tmp", "");
            HostRoot.mounts().forEach(path -> bind(mounts, path, path, true));
        }
        bind(mounts, paths.sandbox(entry).toString(), TaskPaths.INSIDE, false);
        TaskVolumes.add(mounts, entry, paths);
        TaskLimits.add(host, task, hostCpus);
        TaskSecurity.add(body, host, container, docker);
        return new TaskRequest(image, fresh, body);
    }

    private static void check(TaskInfo task) throws AgentException {
        if (!task.hasCommand() || task.hasExecutor()) {
            throw AgentException.refused("a task with an executor of its own", "use command");
        }
        if (task.getCommand().getUrisCount() > 0) {
            throw AgentException.refused(
                    "command.uris", "put the files into the image or on a volume");
        }
        for (var resource : task.getResourcesList()) {
            if (resource.getDisk().hasPersistence()) {
                throw AgentException.refused("a persistent volume", "use a host_path volume");
            }
        }
    }

    private static Optional<String> image(ContainerInfo container, boolean docker)
            throws AgentException {
        if (docker) {
            if (has(container.getDocker(), "volume_driver")) {
                throw AgentException.refused(
                        "docker.volume_driver", "use volumes of the type HOST_PATH");
            }
            return Optional.of(container.getDocker().getImage());
        }
        if (!container.getMesos().hasImage()) {
            return Optional.empty();
        }
        Image image = container.getMesos().getImage();
        if (image.getType() != Image.Type.DOCKER) {
            throw AgentException.refused("image type " + image.getType(), "use DOCKER");
        }
        if (image.getDocker().hasConfig()) {
            throw AgentException.refused(
                    "image.docker.config", "pull the image with berth pull beforehand");
        }
        return Optional.of(image.getDocker().getName());
    }

    private static void command(ObjectNode body, CommandInfo command, boolean docker, boolean image)
            throws AgentException {
        if (command.getShell()) {
            if (!command.hasValue()) {
                throw AgentException.invalid("command.value is missing: shell is true");
            }
            body.putArray("Entrypoint").add("/bin/sh");
            body.putArray("Cmd").add("-c").add(command.getValue());
            return;
        }
        List<String> words = new ArrayList<>(command.getArgumentsList());
        if (docker) {
            // Docker's executor hands value and arguments to the image's entry point.
            if (command.hasValue()) {
                words.addFirst(command.getValue());
            }
        } else if (command.hasValue()) {
            // Mesos's arguments begin with argv[0]; a container's argv has the program there.
            if (!words.isEmpty()) {
                words.removeFirst();
            }
            body.putArray("Entrypoint").add(command.getValue());
        } else if (!image) {
            throw AgentException.invalid("command.value is missing");
        }
        if (!words.isEmpty()) {
            ArrayNode cmd = body.putArray("Cmd");
            words.forEach(cmd::add);
        }
    }

    private static void environment(
            ArrayNode out, TaskEntry entry, FrameworkInfo framework, String address)
            throws AgentException {
        Map<String, String> all = new LinkedHashMap<>();
        TaskInfo task = entry.info;
        all.put("MESOS_TASK_ID", task.getTaskId().getValue());
        all.put("MESOS_FRAMEWORK_ID", entry.framework.getValue());
        all.put("MESOS_EXECUTOR_ID", entry.executorId());
        all.put("MESOS_AGENT_ID", task.getAgentId().getValue());
        all.put("MESOS_SLAVE_ID", task.getAgentId().getValue());
        all.put("MESOS_CONTAINER_NAME", entry.container);
        if (entry.executor.isPresent()) {
            // Groups have the host's network.
            all.put("MESOS_CONTAINER_IP", address);
        }
        all.put("MESOS_CHECKPOINT", framework.getCheckpoint() ? "1" : "0");
        task.getResourcesList().stream()
                .filter(r -> r.getAllocationInfo().hasRole())
                .findFirst()
                .ifPresent(r -> all.put("MESOS_ALLOCATION_ROLE", r.getAllocationInfo().getRole()));
        for (Environment.Variable variable :
                task.getCommand().getEnvironment().getVariablesList()) {
            if (variable.getName().isEmpty() || variable.getName().indexOf('=') >= 0) {
                throw AgentException.invalid(
                        "environment variable with the name \"" + variable.getName() + "\"");
            }
            if (variable.getType() != Environment.Variable.Type.VALUE) {
                throw AgentException.refused(
                        "environment variable "
                                + variable.getName()
                                + " of type "
                                + variable.getType(),
                        "use VALUE");
            }
            all.put(variable.getName(), variable.getValue());
        }
        all.put("MESOS_SANDBOX", TaskPaths.INSIDE);
        all.put("MESOS_DIRECTORY", TaskPaths.INSIDE);
        all.forEach((name, value) -> out.add(name + "=" + value));
    }

    private static void labels(ObjectNode labels, TaskEntry entry) {
        for (var label : entry.info.getLabels().getLabelsList()) {
            labels.put(label.getKey(), label.getValue());
        }
        labels.put(LABEL_TASK, entry.info.getTaskId().getValue());
        labels.put(LABEL_FRAMEWORK, entry.framework.getValue());
        labels.put(LABEL_EXECUTOR, entry.executorId());
    }

    /** Whether a field is set that the API itself calls deprecated. */
    static boolean has(Message message, String field) {
        return message.hasField(message.getDescriptorForType().findFieldByName(field));
    }

    static ObjectNode bind(ArrayNode mounts, String source, String target, boolean readOnly) {
        return mounts.addObject()
                .put("Type", "bind")
                .put("Source", source)
                .put("Target", target)
                .put("ReadOnly", readOnly);
    }
}
