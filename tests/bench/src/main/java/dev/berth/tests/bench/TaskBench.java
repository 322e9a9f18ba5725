package dev.berth.tests.bench;

import dev.berth.jobs.Access;
import dev.berth.jobs.JobException;
import dev.berth.jobs.JobRun;
import dev.berth.jobs.JobSpec;
import dev.berth.jobs.MasterClient;
import dev.berth.jobs.Masters;
import dev.berth.protocol.v1.Protos.ContainerInfo;
import dev.berth.protocol.v1.Protos.Filters;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Image;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.Value;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;
import dev.berth.tests.kit.EngineSocket;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A task from ACCEPT to its end as a framework sees it, with a cached image and without an image; a job from its submission to the running of its worker; and beside them, in turns, a container that the same agent makes and
 * starts over its local socket. {@code tests/bench/tasks} sets the stage.
 */
public final class TaskBench {
    private static final Pattern ID = Pattern.compile("\"Id\":\"([0-9a-f]{64})\"");
    private static final PrintStream OUT =
            new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private static final PrintStream NOWHERE =
            new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);

    private final EngineSocket engine;
    private final EngineSocket waits;
    private final SchedulerSocket scheduler;
    private final String master;
    private final Path tokenFile;
    private final Map<String, List<Long>> series = new LinkedHashMap<>();
    private Optional<Offer> held = Optional.empty();
    private int launched;

    private TaskBench(Path socket, URI master, Path tokenFile) throws IOException {
        engine = new EngineSocket(socket);
        waits = new EngineSocket(socket);
        this.master = master.toString();
        this.tokenFile = tokenFile;
        scheduler =
                new SchedulerSocket(
                        new InetSocketAddress(master.getHost(), master.getPort()),
                        Files.readString(tokenFile).strip());
    }

    /** Arguments: the agent's socket, the master's URL, the token's file, a static program, rounds, warm-up rounds. */
    public static void main(String[] args) throws IOException, JobException, InterruptedException {
        TaskBench bench = new TaskBench(Path.of(args[0]), URI.create(args[1]), Path.of(args[2]));
        StartBench.load(bench.engine, Path.of(args[3]));
        int rounds = Integer.parseInt(args[4]);
        int warmUp = Integer.parseInt(args[5]);
        bench.subscribe();
        for (int i = 0; i < warmUp + rounds; i++) {
            bench.round();
        }
        bench.report(warmUp);
        bench.scheduler.close();
    }

    private void subscribe() throws IOException {
        FrameworkInfo.Builder info =
                FrameworkInfo.newBuilder().setUser("root").setName("bench").addRoles("*");
        info.addCapabilitiesBuilder().setType(FrameworkInfo.Capability.Type.MULTI_ROLE);
        info.addCapabilitiesBuilder().setType(FrameworkInfo.Capability.Type.GPU_RESOURCES);
        scheduler.subscribe(info.build());
        held = Optional.of(offer());
    }

    private Offer offer() throws IOException {
        return scheduler.next(Event.Type.OFFERS).getOffers().getOffers(0);
    }

    private void round() throws IOException, JobException, InterruptedException {
        task("image", true);
        quiet();
        container();
        quiet();
        task("host", false);
        quiet();
        job();
        quiet();
    }

    /** What the agent clears away after a task must not count for the next. */
    private void quiet() throws IOException {
        while (!engine.call("GET", "/v1.47/containers/json?all=1", "").strip().equals("[]")) {
            Thread.onSpinWait();
        }
    }

    private void add(String name, long ns) {
        series.computeIfAbsent(name, _ -> new ArrayList<>()).add(ns);
    }

    private void task(String kind, boolean image) throws IOException {
        Offer offer = held.orElseThrow();
        TaskInfo task = taskInfo(offer, image);
        Call.Builder accept = Call.newBuilder().setType(Call.Type.ACCEPT);
        accept.getAcceptBuilder()
                .addOfferIds(offer.getId())
                .setFilters(Filters.newBuilder().setRefuseSeconds(5))
                .addOperationsBuilder()
                .setType(Offer.Operation.Type.LAUNCH)
                .getLaunchBuilder()
                .addTaskInfos(task);
        long before = System.nanoTime();
        scheduler.call(accept);
        add(kind + " ACCEPT to 202", System.nanoTime() - before);
        expect(task, TaskState.TASK_STARTING);
        long starting = System.nanoTime();
        add(kind + " ACCEPT to TASK_STARTING", starting - before);
        expect(task, TaskState.TASK_RUNNING);
        long running = System.nanoTime();
        add(kind + " ACCEPT to TASK_RUNNING", running - before);
        expect(task, TaskState.TASK_FINISHED);
        long finished = System.nanoTime();
        add(kind + " TASK_RUNNING to TASK_FINISHED", finished - running);
        held = Optional.of(offer());
        add(kind + " TASK_FINISHED to OFFERS", System.nanoTime() - finished);
    }

    /** Waits for the next update, which must be this one, and acknowledges it as frameworks do: at once. */
    private void expect(TaskInfo task, TaskState state) throws IOException {
        TaskStatus status = scheduler.next(Event.Type.UPDATE).getUpdate().getStatus();
        if (!status.getTaskId().equals(task.getTaskId()) || status.getState() != state) {
            throw new IOException("expected " + state + " of " + task.getName() + ": " + status);
        }
        Call.Builder call = Call.newBuilder().setType(Call.Type.ACKNOWLEDGE);
        call.getAcknowledgeBuilder()
                .setAgentId(status.getAgentId())
                .setTaskId(status.getTaskId())
                .setUuid(status.getUuid());
        scheduler.call(call);
    }

    private TaskInfo taskInfo(Offer offer, boolean image) {
        TaskInfo.Builder task =
                TaskInfo.newBuilder().setName("bench").setAgentId(offer.getAgentId());
        task.getTaskIdBuilder().setValue("bench-" + launched++);
        task.addResources(scalar(offer, "cpus", 0.1)).addResources(scalar(offer, "mem", 32));
        task.getCommandBuilder().setShell(false).setValue("/bin/true").addArguments("true");
        if (image) {
            task.getContainerBuilder()
                    .setType(ContainerInfo.Type.MESOS)
                    .getMesosBuilder()
                    .getImageBuilder()
                    .setType(Image.Type.DOCKER)
                    .getDockerBuilder()
                    .setName(StartBench.IMAGE);
        }
        return task.build();
    }

    private static Resource scalar(Offer offer, String name, double value) {
        return Resource.newBuilder()
                .setName(name)
                .setType(Value.Type.SCALAR)
                .setScalar(Value.Scalar.newBuilder().setValue(value))
                .setAllocationInfo(offer.getAllocationInfo())
                .build();
    }

    /** The peer: what the same agent does for the same program without a master. */
    private void container() throws IOException {
        long before = System.nanoTime();
        String made =
                engine.call(
                        "POST",
                        "/v1.47/containers/create",
                        "{\"Image\":\""
                                + StartBench.IMAGE
                                + "\",\"Cmd\":[\"/bin/true\"],\"HostConfig\":{\"NetworkMode\":\"host\",\"Init\":true}}");
        Matcher id = ID.matcher(made);
        if (!id.find()) {
            throw new IOException("no id in " + made);
        }
        String path = "/v1.47/containers/" + id.group(1);
        waits.send("POST", path + "/wait?condition=next-exit", "");
        long created = System.nanoTime();
        engine.call("POST", path + "/start", "");
        long started = System.nanoTime();
        waits.receive();
        add("socket: create answered", created - before);
        add("socket: start answered", started - created);
        add("socket: create and start", started - before);
        engine.call("DELETE", path, "");
    }

    /** With a client of its own, as a command line has. The bench's own framework steps aside. */
    private void job() throws IOException, JobException, InterruptedException {
        Call.Builder decline = Call.newBuilder().setType(Call.Type.DECLINE);
        decline.getDeclineBuilder()
                .addOfferIds(held.orElseThrow().getId())
                .getFiltersBuilder()
                .setRefuseSeconds(3600);
        scheduler.call(decline);
        scheduler.call(Call.newBuilder().setType(Call.Type.SUPPRESS));
        JobSpec spec =
                new JobSpec(
                        "bench",
                        Optional.of(StartBench.IMAGE),
                        List.of("/bin/true"),
                        Map.of(),
                        "*",
                        0.1,
                        32,
                        0,
                        1);
        try (MasterClient client =
                new MasterClient(Masters.of(master), Access.of(tokenFile, true))) {
            JobRun run = new JobRun(client, spec, NOWHERE, NOWHERE);
            int code = run.run();
            if (code != 0) {
                throw new IOException("the job ended with " + code + "\n" + run.timeline());
            }
            for (String moment :
                    List.of(
                            "subscribed",
                            "accepted",
                            "TASK_STARTING",
                            "TASK_RUNNING",
                            "TASK_FINISHED")) {
                add("job submit to " + moment, run.timeline().nsUntil(moment).orElseThrow());
            }
        }
        long before = System.nanoTime();
        scheduler.call(Call.newBuilder().setType(Call.Type.REVIVE));
        held = Optional.of(offer());
        add("REVIVE to OFFERS", System.nanoTime() - before);
    }

    private Percentiles warm(String name, int warmUp) {
        List<Long> all = series.getOrDefault(name, List.of());
        return Percentiles.of(
                all.subList(warmUp, all.size()).stream().mapToLong(Long::longValue).toArray());
    }

    private void report(int warmUp) {
        OUT.printf(
                Locale.ROOT,
                "%-34s %8s %8s %8s %8s %8s %8s%n",
                "milliseconds, warm",
                "min",
                "p10",
                "p50",
                "p90",
                "p99",
                "max");
        for (String name : series.keySet()) {
            Percentiles all = warm(name, warmUp);
            OUT.printf(Locale.ROOT, "%-34s", name);
            for (double p : new double[] {0, 10, 50, 90, 99, 100}) {
                OUT.printf(Locale.ROOT, " %8.2f", all.at(p) / 1e6);
            }
            OUT.printf(Locale.ROOT, "%n");
        }
        Percentiles task = warm("image ACCEPT to TASK_RUNNING", warmUp);
        Percentiles peer = warm("socket: create and start", warmUp);
        OUT.printf(
                Locale.ROOT,
                "ratio ACCEPT to TASK_RUNNING / create and start over the socket: p10 %.2f, p50 %.2f (%d rounds after %d)%n",
                (double) task.at(10) / peer.at(10),
                (double) task.at(50) / peer.at(50),
                task.sorted().length,
                warmUp);
        OUT.printf(Locale.ROOT, "%nmilliseconds, of the nth since both were started%n%-34s", "");
        int[] cold = {1, 2, 3, 10, 30, 100, 300};
        for (int n : cold) {
            OUT.printf(Locale.ROOT, " %8d", n);
        }
        OUT.println();
        for (Map.Entry<String, List<Long>> one : series.entrySet()) {
            OUT.printf(Locale.ROOT, "%-34s", one.getKey());
            for (int n : cold) {
                if (n <= one.getValue().size()) {
                    OUT.printf(Locale.ROOT, " %8.1f", one.getValue().get(n - 1) / 1e6);
                }
            }
            OUT.println();
        }
    }
}
