package dev.berth.agent.conductor;

import dev.berth.agent.checkpoint.ContainerRecord;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.ContainerSpec;
import dev.berth.agent.config.CreateRequest;
import dev.berth.agent.config.Fields;
import dev.berth.agent.config.GeneratedFiles;
import dev.berth.agent.config.MountTranslation;
import dev.berth.agent.config.SpecMerge;
import dev.berth.agent.config.SpecTranslation.Identity;
import dev.berth.agent.device.DevicePlan;
import dev.berth.containerizer.Containerizer.ResolvedUser;
import dev.berth.containerizer.Containerizer.RootSource;
import dev.berth.containerizer.ContainerizerException;
import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.Image;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.Platform;
import dev.berth.gpu.edits.EditsMerge;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Makes and removes containers: names and state on the conductor's thread, files on the lane. */
final class Creation {
    private final Conductor conductor;
    private final ConductorParts parts;
    private final Registry registry;
    private final History history;
    private final Names names = new Names();

    Creation(Conductor conductor, ConductorParts parts, Registry registry, History history) {
        this.conductor = conductor;
        this.parts = parts;
        this.registry = registry;
        this.history = history;
    }

    /** What a creation gave. */
    record Created(ContainerId id, List<String> warnings) {}

    /** Everything that can be known to be wrong is refused here; the rest happens on the lane. */
    void create(CreateRequest request, Answer<Created> answer) {
        try {
            conductor.grants().afterFiles(request.hostConfig(), () -> createNow(request, answer));
        } catch (AgentException e) {
            answer.onFailure(e);
        }
    }

    private void createNow(CreateRequest request, Answer<Created> answer) {
        ContainerId id = new ContainerId(names.id());
        String name = request.name().orElseGet(() -> names.name(registry::isTaken));
        ContainerSpec spec;
        Optional<Image> image;
        DevicePlan plan;
        try {
            image = image(request);
            spec =
                    SpecMerge.merge(
                            request,
                            image.map(i -> i.id().toString()).orElse(""),
                            image.map(Image::config),
                            id.shortForm());
            parts.translation().translate(id, spec, Identity.ROOT);
            plan = conductor.grants().predict(id, spec).orElse(DevicePlan.NONE);
            registry.reserve(name, id);
        } catch (AgentException e) {
            answer.onFailure(e);
            return;
        } catch (RuntimeException e) {
            // Who asks must not wait for ever because of our bug.
            AgentLog.error("create " + name, e);
            answer.onFailure(AgentException.failed("create " + name, e));
            return;
        }
        long now = parts.clock().realtimeNs();
        conductor.onLane(
                parts.roots(),
                () -> {
                    try {
                        Built built = build(id, name, now, spec, plan);
                        conductor.offer(() -> created(built, answer));
                    } catch (AgentException e) {
                        undo(id);
                        conductor.offer(() -> {
                            registry.unreserve(name);
                            answer.onFailure(e);
                        });
                    } catch (RuntimeException e) {
                        undo(id);
                        conductor.offer(() -> {
                            registry.unreserve(name);
                            answer.onFailure(AgentException.failed("create " + name, e));
                        });
                        throw e;
                    }
                });
    }

    /** @param plan the devices that {@code config} was prepared with */
    private record Built(ContainerRecord record, ContainerConfig config, DevicePlan plan) {}

    private void created(Built built, Answer<Created> answer) {
        Container container = new Container(built.record());
        container.config = built.config();
        container.plan = built.plan();
        container.rootKnown = true;
        container.prepared = true;
        registry.add(container);
        parts.counters().increment(Counter.CONTAINERS_CREATED);
        conductor.tell(container, "create", Map.of());
        List<String> warnings = warnings(container.spec);
        warnings.addAll(built.plan().edits().warnings());
        answer.onResult(new Created(container.id, warnings));
    }

    /** What this host cannot enforce of what was asked. */
    private List<String> warnings(ContainerSpec spec) {
        List<String> enforced = parts.containerizer().enforcement().enforced();
        Fields host = new Fields(spec.hostConfig(), "HostConfig");
        List<String> out = new java.util.ArrayList<>();
        warn(out, enforced, host, "memory", List.of("Memory", "MemorySwap", "MemoryReservation"));
        warn(out, enforced, host, "cpu", List.of("NanoCpus", "CpuQuota", "CpuShares"));
        warn(out, enforced, host, "cpuset", List.of("CpusetCpus", "CpusetMems"));
        warn(out, enforced, host, "pids", List.of("PidsLimit"));
        warn(
                out,
                enforced,
                host,
                "io",
                List.of(
                        "BlkioWeight",
                        "BlkioDeviceReadBps",
                        "BlkioDeviceWriteBps",
                        "BlkioDeviceReadIOps",
                        "BlkioDeviceWriteIOps"));
        return out;
    }

    private static void warn(
            List<String> out,
            List<String> enforced,
            Fields host,
            String resource,
            List<String> fields) {
        if (enforced.contains(resource)) {
            return;
        }
        for (String field : fields) {
            if (!Fields.isEmpty(host.node().path(field))) {
                out.add(
                        field
                                + " is not enforced: this host has no cgroup v2 "
                                + resource
                                + " controller");
            }
        }
    }

    private Optional<Image> image(CreateRequest request) throws AgentException {
        if (request.rootfs().isPresent()) {
            return Optional.empty();
        }
        try {
            Optional<Image> image = parts.images().find(request.image());
            if (image.isEmpty()) {
                throw AgentException.notFound("No such image: " + request.image());
            }
            if (request.platform().isPresent()) {
                Platform wanted = Platform.parse(request.platform().get());
                if (!wanted.architecture().equals(image.get().config().architecture())) {
                    throw AgentException.notFound(
                            "image with reference "
                                    + request.image()
                                    + " was found but its platform ("
                                    + image.get().config().os()
                                    + "/"
                                    + image.get().config().architecture()
                                    + ") does not match the specified platform ("
                                    + request.platform().get()
                                    + ")");
                }
            }
            return image;
        } catch (ImageException e) {
            throw new AgentException(
                    AgentException.Kind.INVALID, String.valueOf(e.getMessage()), e);
        }
    }

    private Built build(ContainerId id, String name, long now, ContainerSpec spec, DevicePlan plan)
            throws AgentException {
        try {
            Fields host = new Fields(spec.hostConfig(), "HostConfig");
            bindSources(host);
            parts.records().begin(id);
            generate(id, spec);
            prepareRoot(id, spec);
            ResolvedUser user =
                    parts.containerizer()
                            .resolveUser(
                                    id,
                                    spec.config().path("User").asText(""),
                                    host.list("GroupAdd"));
            Identity identity = new Identity(user.uid(), user.gid(), user.groups(), user.home());
            ContainerConfig config =
                    EditsMerge.apply(
                            parts.translation().translate(id, spec, identity), plan.edits());
            parts.containerizer().prepareStart(config);
            ContainerRecord record = new ContainerRecord(id, name, now, spec, identity);
            parts.records().save(record);
            return new Built(record, config, plan);
        } catch (ContainerizerException e) {
            throw AgentException.failed("create container " + name, e);
        }
    }

    /** Tells the containerizer where a container's root comes from. Lane. */
    void prepareRoot(ContainerId id, ContainerSpec spec)
            throws AgentException, ContainerizerException {
        if (spec.rootfs().isPresent()) {
            parts.containerizer().prepareRoot(id, new RootSource.Directory(spec.rootfs().get()));
            return;
        }
        try {
            parts.containerizer()
                    .prepareRoot(
                            id,
                            new RootSource.Layers(
                                    parts.images()
                                            .acquireLayers(
                                                    Digest.parse(spec.imageId()), id.value()),
                                    spec.durable()));
        } catch (ImageException e) {
            throw AgentException.failed("layers of " + spec.image(), e);
        }
    }

    private void generate(ContainerId id, ContainerSpec spec) throws AgentException {
        try {
            for (Map.Entry<String, String> file :
                    GeneratedFiles.of(spec, id.shortForm()).entrySet()) {
                Path path = parts.generatedFile().apply(id, file.getKey());
                Files.createDirectories(path.toAbsolutePath().getParent());
                Files.writeString(path, file.getValue());
            }
        } catch (IOException e) {
            throw AgentException.failed("write generated files of " + id.shortForm(), e);
        }
    }

    private static void bindSources(Fields host) throws AgentException {
        for (String source : MountTranslation.requiredSources(host)) {
            if (!Files.exists(Path.of(source))
                    && !MountTranslation.missingSourcesToMake(host).contains(source)) {
                throw AgentException.invalid(
                        "invalid mount config for type \"bind\": bind source path does not exist: "
                                + source);
            }
        }
        for (String source : MountTranslation.missingSourcesToMake(host)) {
            Path path = Path.of(source);
            try {
                if (!Files.exists(path)) {
                    Files.createDirectories(path);
                }
            } catch (IOException e) {
                throw AgentException.failed("make bind source " + source, e);
            }
        }
    }

    private void undo(ContainerId id) {
        try {
            parts.containerizer().removeRoot(id);
            parts.images().release(id.value());
            parts.records().remove(id);
        } catch (ContainerizerException | ImageException | AgentException e) {
            AgentLog.error("undo creation of " + id.shortForm(), e);
        }
    }

    /** Takes an ended container away: root, lease, record, then its name. */
    void remove(Container container, Answer<Boolean> answer) {
        container.removeAnswers.add(answer);
        if (container.status == Status.REMOVING) {
            return;
        }
        container.cancelTimer();
        container.status = Status.REMOVING;
        registry.publish(container);
        if (container.untold > 0) {
            container.whenTold = Optional.of(() -> takeAway(container));
        } else {
            takeAway(container);
        }
    }

    private void takeAway(Container container) {
        ContainerId id = container.id;
        conductor.onLane(
                parts.roots(),
                () -> {
                    try {
                        parts.containerizer().removeRoot(id);
                        parts.images().release(id.value());
                        parts.records().remove(id);
                        conductor.offer(() -> removed(container));
                    } catch (ContainerizerException
                            | ImageException
                            | AgentException
                            | RuntimeException e) {
                        conductor.offer(() ->
                                removeFailed(
                                        container,
                                        AgentException.failed(
                                                "remove container " + id.shortForm(), e)));
                    }
                });
    }

    private void removed(Container container) {
        registry.remove(container);
        history.removed(container);
        history.compactWhenLong(registry.all());
        conductor.execs().forget(container);
        parts.counters().increment(Counter.CONTAINERS_REMOVED);
        conductor.tell(container, "destroy", Map.of());
        ContainerView last = container.view();
        List.copyOf(container.watchers).forEach(watcher -> watcher.onRemoved(last));
        container.watchers.clear();
        Lifecycle.drain(container.removeAnswers).forEach(answer -> answer.onResult(true));
    }

    private void removeFailed(Container container, AgentException failure) {
        container.status = Status.DEAD;
        container.error = failure.chain();
        registry.publish(container);
        AgentLog.error("remove container " + container.id.shortForm(), failure);
        Lifecycle.drain(container.removeAnswers).forEach(answer -> answer.onFailure(failure));
    }

    /** Changes a name durably; the answer comes when it would survive a power cut. */
    void rename(Container container, String name, Answer<Boolean> answer) {
        try {
            registry.reserve(name, container.id);
        } catch (AgentException e) {
            answer.onFailure(e);
            return;
        }
        String old = container.name;
        container.name = name;
        save(
                container,
                answer,
                () -> {
                    registry.unreserve(old);
                    registry.publish(container);
                    conductor.tell(container, "rename", Map.of("oldName", "/" + old));
                },
                () -> {
                    container.name = old;
                    registry.unreserve(name);
                });
    }

    /** Saves a container's record on the lane. */
    void save(Container container, Answer<Boolean> answer, Runnable done, Runnable undo) {
        ContainerRecord record = container.record();
        conductor.onLane(
                parts.roots(),
                () -> {
                    try {
                        parts.records().save(record);
                        conductor.offer(() -> {
                            done.run();
                            answer.onResult(true);
                        });
                    } catch (AgentException e) {
                        conductor.offer(() -> {
                            undo.run();
                            answer.onFailure(e);
                        });
                    }
                });
    }

    /** Both levels of the launch of a request, as text. */
    void plan(CreateRequest request, Answer<String> answer) {
        try {
            ContainerId id = new ContainerId(names.id());
            Optional<Image> image = image(request);
            ContainerSpec spec =
                    SpecMerge.merge(
                            request,
                            image.map(i -> i.id().toString()).orElse(""),
                            image.map(Image::config),
                            id.shortForm());
            DevicePlan plan = conductor.grants().predict(id, spec).orElse(DevicePlan.NONE);
            ContainerConfig config =
                    EditsMerge.apply(
                            parts.translation().translate(id, spec, Identity.ROOT), plan.edits());
            answer.onResult(parts.containerizer().plan(config));
        } catch (AgentException e) {
            answer.onFailure(e);
        } catch (ContainerizerException e) {
            answer.onFailure(AgentException.failed("plan " + request.image(), e));
        }
    }
}
