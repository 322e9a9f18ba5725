package dev.berth.tests.witness;

import com.mesosphere.mesos.rx.java.AwaitableSubscription;
import com.mesosphere.mesos.rx.java.SinkOperation;
import com.mesosphere.mesos.rx.java.SinkOperations;
import com.mesosphere.mesos.rx.java.protobuf.ProtobufMesosClientBuilder;
import com.mesosphere.mesos.rx.java.protobuf.SchedulerCalls;
import com.mesosphere.mesos.rx.java.util.UserAgentEntries;

import org.apache.mesos.v1.Protos.CommandInfo;
import org.apache.mesos.v1.Protos.ContainerInfo;
import org.apache.mesos.v1.Protos.Filters;
import org.apache.mesos.v1.Protos.FrameworkID;
import org.apache.mesos.v1.Protos.FrameworkInfo;
import org.apache.mesos.v1.Protos.Offer;
import org.apache.mesos.v1.Protos.Resource;
import org.apache.mesos.v1.Protos.TaskID;
import org.apache.mesos.v1.Protos.TaskInfo;
import org.apache.mesos.v1.Protos.TaskStatus;
import org.apache.mesos.v1.Protos.Value;
import org.apache.mesos.v1.Protos.Volume;
import org.apache.mesos.v1.scheduler.Protos.Call;
import org.apache.mesos.v1.scheduler.Protos.Event;

import rx.Observable;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A framework on the public mesos-rxjava client: protobuf, an id of its own choice as the client's own samples have it. The client ends with its stream; the framework then makes a new one, with the same id, and asks how its tasks are.
 *
 * <p>Arguments: master URIs with commas (user info is what the client authenticates with), the host's directory that tasks share, the prefix of task ids.
 */
public final class RxFramework {
    private static final long PAUSE_MS = 200;
    private static final long FAREWELL_SECONDS = 5;

    private final FrameworkID id =
            FrameworkID.newBuilder().setValue("rx-" + UUID.randomUUID()).build();
    private final Work work;
    private final Path shared;
    private final CountDownLatch tornDown = new CountDownLatch(1);
    private volatile boolean leaving;

    private RxFramework(Work work, Path shared) {
        this.work = work;
        this.shared = shared;
    }

    /** Runs until all tasks have ended and the master has taken the farewell. */
    public static void main(String[] args) throws InterruptedException {
        RxFramework framework = new RxFramework(new Work(Job.all(args[2])), Path.of(args[1]));
        List<URI> masters = new ArrayList<>();
        for (String master : args[0].split(",")) {
            masters.add(URI.create(master));
        }
        for (int turn = 0; !framework.hasLeft(); turn++) {
            framework.subscribe(masters.get(turn % masters.size()));
        }
        Work.say("done");
    }

    private void subscribe(URI master) throws InterruptedException {
        AwaitableSubscription stream;
        try {
            stream =
                    ProtobufMesosClientBuilder.schedulerUsingProtos()
                            .mesosUri(master)
                            .applicationUserAgentEntry(
                                    UserAgentEntries.literal("witness-rx", "0.1.0"))
                            .onBackpressureBuffer()
                            .subscribe(SchedulerCalls.subscribe(id, info()))
                            .processStream(events ->
                                    events.concatMap(
                                            event -> Observable.from(react(event, master))))
                            .build()
                            .openStream();
        } catch (RuntimeException e) {
            // The client asks who leads before it opens its stream: this master is not there.
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(PAUSE_MS));
            return;
        }
        try {
            stream.await();
            Work.say("stream-ended", "completed");
        } catch (Throwable e) {
            Work.say("stream-ended", e.toString());
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(PAUSE_MS));
        }
    }

    /** The stream ends with the farewell, and maybe before its answer. */
    private boolean hasLeft() throws InterruptedException {
        boolean left = leaving && tornDown.await(FAREWELL_SECONDS, TimeUnit.SECONDS);
        leaving = false;
        return left;
    }

    private FrameworkInfo info() {
        return FrameworkInfo.newBuilder()
                .setId(id)
                .setUser("root")
                .setName("witness-rx")
                .setFailoverTimeout(60)
                .addCapabilities(
                        FrameworkInfo.Capability.newBuilder()
                                .setType(FrameworkInfo.Capability.Type.GPU_RESOURCES))
                .build();
    }

    private List<Optional<SinkOperation<Call>>> react(Event event, URI master) {
        List<Call> calls = new ArrayList<>();
        switch (event.getType()) {
            case SUBSCRIBED -> {
                work.subscribed(
                        event.getSubscribed().getFrameworkId().getValue(), master.getAuthority());
                reconcile(calls);
            }
            case OFFERS ->
                    event.getOffers().getOffersList().forEach(offer -> calls.add(answer(offer)));
            case UPDATE -> update(event.getUpdate().getStatus(), calls);
            case ERROR -> Work.say("error", event.getError().getMessage());
            default -> Work.say("event", event.getType().name());
        }
        List<Optional<SinkOperation<Call>>> operations = new ArrayList<>();
        calls.forEach(call -> operations.add(Optional.of(operation(call))));
        if (work.done() && !leaving) {
            leaving = true;
            Call farewell =
                    Call.newBuilder().setFrameworkId(id).setType(Call.Type.TEARDOWN).build();
            operations.add(
                    Optional.of(
                            SinkOperations.create(
                                    farewell, tornDown::countDown, RxFramework::refused)));
        }
        return operations;
    }

    private static SinkOperation<Call> operation(Call call) {
        return SinkOperations.create(
                call, () -> Work.say("accepted", call.getType().name()), RxFramework::refused);
    }

    private static void refused(Throwable cause) {
        Work.say("refused", cause.toString());
    }

    private void reconcile(List<Call> calls) {
        Map<String, String> open = work.open();
        if (open.isEmpty()) {
            return;
        }
        Call.Reconcile.Builder tasks = Call.Reconcile.newBuilder();
        open.keySet()
                .forEach(task ->
                        tasks.addTasks(
                                Call.Reconcile.Task.newBuilder()
                                        .setTaskId(TaskID.newBuilder().setValue(task))));
        calls.add(
                Call.newBuilder()
                        .setFrameworkId(id)
                        .setType(Call.Type.RECONCILE)
                        .setReconcile(tasks)
                        .build());
    }

    private void update(TaskStatus status, List<Call> calls) {
        work.update(
                status.getTaskId().getValue(),
                status.getState().name(),
                status.hasUuid()
                        ? UUID.nameUUIDFromBytes(status.getUuid().toByteArray()).toString()
                        : "",
                status.getMessage());
        if (status.hasUuid()) {
            calls.add(
                    SchedulerCalls.ackUpdate(
                            id, status.getUuid(), status.getAgentId(), status.getTaskId()));
        }
    }

    private static double scalar(Offer offer, String name) {
        return offer.getResourcesList().stream()
                .filter(resource -> resource.getName().equals(name))
                .mapToDouble(resource -> resource.getScalar().getValue())
                .sum();
    }

    private Call answer(Offer offer) {
        List<Job> jobs =
                work.take(
                        scalar(offer, "cpus"),
                        scalar(offer, "mem"),
                        scalar(offer, "gpus"),
                        offer.getAgentId().getValue());
        if (jobs.isEmpty()) {
            return Call.newBuilder()
                    .setFrameworkId(id)
                    .setType(Call.Type.DECLINE)
                    .setDecline(
                            Call.Decline.newBuilder()
                                    .addOfferIds(offer.getId())
                                    .setFilters(Filters.newBuilder().setRefuseSeconds(0.5)))
                    .build();
        }
        Offer.Operation.Launch.Builder launch = Offer.Operation.Launch.newBuilder();
        jobs.forEach(job -> launch.addTaskInfos(task(job, offer)));
        return Call.newBuilder()
                .setFrameworkId(id)
                .setType(Call.Type.ACCEPT)
                .setAccept(
                        Call.Accept.newBuilder()
                                .addOfferIds(offer.getId())
                                .addOperations(
                                        Offer.Operation.newBuilder()
                                                .setType(Offer.Operation.Type.LAUNCH)
                                                .setLaunch(launch))
                                .setFilters(Filters.newBuilder().setRefuseSeconds(0.5)))
                .build();
    }

    private TaskInfo task(Job job, Offer offer) {
        TaskInfo.Builder task =
                TaskInfo.newBuilder()
                        .setName(job.id())
                        .setTaskId(TaskID.newBuilder().setValue(job.id()))
                        .setAgentId(offer.getAgentId())
                        .addResources(resource("cpus", Job.CPUS))
                        .addResources(resource("mem", Job.MEM_MB))
                        .setCommand(CommandInfo.newBuilder().setShell(true).setValue(job.script()))
                        .setContainer(
                                ContainerInfo.newBuilder()
                                        .setType(ContainerInfo.Type.MESOS)
                                        .addVolumes(
                                                Volume.newBuilder()
                                                        .setMode(Volume.Mode.RW)
                                                        .setContainerPath(Job.SHARED)
                                                        .setHostPath(shared.toString())));
        if (job.gpus() > 0) {
            task.addResources(resource("gpus", job.gpus()));
        }
        return task.build();
    }

    private static Resource resource(String name, double amount) {
        return Resource.newBuilder()
                .setName(name)
                .setType(Value.Type.SCALAR)
                .setScalar(Value.Scalar.newBuilder().setValue(amount))
                .build();
    }
}
