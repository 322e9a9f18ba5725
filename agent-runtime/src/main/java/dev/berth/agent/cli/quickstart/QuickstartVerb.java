package dev.berth.agent.cli.quickstart;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.gpu.Inventory;
import dev.berth.agent.cli.http.Hijack;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.playground.DeviceFile;
import dev.berth.agent.cli.playground.NodeFolder;
import dev.berth.agent.cli.playground.NodeReport;
import dev.berth.agent.cli.playground.Playground;
import dev.berth.agent.cli.playground.ProbeContainer;
import dev.berth.agent.cli.playground.ProbeImage;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.terminal.OutputPump;
import dev.berth.agent.cli.view.Human;
import dev.berth.linux.Linux;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** {@code berth quickstart}. */
public final class QuickstartVerb implements Verb {
    /** So many starts let the agent's compiler do its work; figures of a cold JVM would say nothing about a node. */
    private static final int WARM_STARTS = 100;

    private static final int WARM_JOBS = 20;

    private static final String SIMULATED = "sim:8xH100";

    private static final List<String> NAMESPACES =
            List.of("mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time");

    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.AGENT,
                        "quickstart",
                        "Start a master and an agent, run a container and a one-GPU job, show isolation and timeline; leaves nothing behind",
                        0,
                        0,
                        List.of())
                .examples("As root; needs neither network nor GPU", "berth quickstart");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws CliException, IOException {
        if (Linux.host().processes().geteuid() != 0) {
            throw new CliException(
                    FAILED_BEFORE_CONTAINER,
                    "quickstart starts an agent, and only root can: sudo berth quickstart");
        }
        try (Playground playground = Playground.open("quickstart")) {
            long began = System.nanoTime();
            String master = playground.startMaster(cli);
            step(cli, "started a master of its own at " + master, began);

            began = System.nanoTime();
            boolean real = hasDriver();
            playground.start(
                    cli,
                    List.of(
                            "--gpus",
                            real ? "auto" : SIMULATED,
                            "--master",
                            master,
                            "--master-token-file",
                            playground.masterToken().toString(),
                            "--listen",
                            "127.0.0.1:0"));
            try (OfferCycle jobs = new OfferCycle(master, playground)) {
                String node = jobs.awaitNode();
                step(cli, "started an agent, which reported " + node, began);
                tour(cli, playground, jobs, real);
            }
        }
        cli.out().println("All of it is removed again. Next:");
        for (String[] next :
                new String[][] {
                    {"berth doctor", "what this host has and lacks"},
                    {"berth run -it --rm debian bash", "a shell in an image from a registry"},
                    {"berth run --plan debian true", "every system call of a start"},
                    {"berth master &", "offers what agents have, at 127.0.0.1:5050"},
                    {"berth agent --gpus sim:8xH100 --master http://127.0.0.1:5050 &", ""},
                    {"berth job run --gpus 1 debian ls /dev", "what ran above, on that master"}
                }) {
            cli.out()
                    .println(
                            String.format(Locale.ROOT, "  %-40s  %s", next[0], next[1])
                                    .stripTrailing());
        }
        return 0;
    }

    private static void tour(Cli cli, Playground playground, OfferCycle jobs, boolean real)
            throws CliException, IOException {
        long began = System.nanoTime();
        OfferCycle.Outcome job = jobs.run();
        step(cli, "ran a job with one GPU, on what the master offered", began);

        began = System.nanoTime();
        int size = ProbeImage.load(cli);
        step(
                cli,
                "made and loaded an OCI image of one static program ("
                        + Human.size(size)
                        + ", no network)",
                began);

        began = System.nanoTime();
        String id = create(cli);
        String output = runToEnd(cli, id);
        step(cli, "ran it in a container", began);
        if (!IsolationReport.isReport(output)) {
            throw new CliException(1, "the container printed no report but: " + output);
        }
        began = System.nanoTime();
        Json cold = inspect(cli, id);
        List<Json> warm = new ArrayList<>();
        for (int i = 0; i < WARM_STARTS; i++) {
            runToEnd(cli, id);
            warm.add(inspect(cli, id));
        }
        step(cli, "started it " + WARM_STARTS + " times more", began);
        began = System.nanoTime();
        String gpus = gpu(cli, playground);
        step(cli, "gave a container one GPU and tried the nodes of all", began);
        began = System.nanoTime();
        String chart = jobs.more(job, WARM_JOBS);
        step(cli, "ran the job " + WARM_JOBS + " times more", began);

        show(cli, output, cold, warm.subList(WARM_STARTS / 2, WARM_STARTS));
        cli.out()
                .println(
                        real
                                ? "One GPU of this host, as its container saw it"
                                : "One of eight simulated GPUs, as its container saw it");
        cli.out().println(gpus);
        cli.out()
                .println(
                        "A job with one GPU through the master: berth job run --gpus 1 - "
                                + String.join(" ", OfferCycle.COMMAND));
        job.output().lines().forEach(line -> cli.out().println("  printed     " + line));
        cli.out()
                .println(
                        "  milliseconds since it was submitted: the first job in three cold JVMs; the median of "
                                + WARM_JOBS
                                + " more, step by step");
        cli.out().println(chart);
    }

    /** Whether a driver owns the fixed major number of NVIDIA's devices. */
    private static boolean hasDriver() throws IOException {
        return Files.readString(Path.of("/proc/devices"), StandardCharsets.UTF_8)
                .lines()
                .anyMatch(line -> line.strip().matches("195 nvidia.*"));
    }

    private static String gpu(Cli cli, Playground playground) throws CliException, IOException {
        Json inventory = Inventory.ask(cli, "").answer();
        List<DeviceFile> files = GpuReport.files(inventory);
        NodeFolder nodes = NodeFolder.make(playground, files);
        Map<String, Json> request = new LinkedHashMap<>();
        request.put("Count", Json.of(1));
        request.put("Capabilities", Json.of(List.of(Json.texts(List.of("gpu")))));
        Map<String, Json> host = Map.of("DeviceRequests", Json.of(List.of(Json.of(request))));
        List<String> paths = files.stream().map(NodeFolder::inside).toList();
        ProbeContainer container = ProbeContainer.start(cli, "quickstart-gpu", nodes, host, paths);
        NodeReport report = container.nextReport();
        String listing = container.exec(List.of("/usr/bin/nvidia-smi", "-L"));
        String text =
                GpuReport.of(Inventory.ask(cli, "").answer(), container.id(), report, listing);
        container.remove();
        return text;
    }

    private static void step(Cli cli, String what, long beganNs) {
        cli.out()
                .println(
                        String.format(
                                Locale.ROOT,
                                "%6d ms  %s",
                                (System.nanoTime() - beganNs) / 1_000_000,
                                what));
        cli.out().flush();
    }

    /** At Docker's defaults, with limits, so that the report shows what of them the host enforces. */
    private static String create(Cli cli) throws CliException, IOException {
        Map<String, Json> host = new LinkedHashMap<>();
        host.put("NetworkMode", Json.of("none"));
        host.put("Memory", Json.of(64L << 20));
        host.put("NanoCpus", Json.of(500_000_000L));
        host.put("PidsLimit", Json.of(64));
        Map<String, Json> body = new LinkedHashMap<>();
        body.put("Image", Json.of(ProbeImage.NAME));
        body.put("Hostname", Json.of("quickstart"));
        body.put("Cmd", Json.texts(List.of("report")));
        body.put("AttachStdout", Json.of(true));
        body.put("AttachStderr", Json.of(true));
        body.put("HostConfig", Json.of(host));
        Query query = Query.of("/containers/create").with("name", "quickstart");
        try (Response response = cli.client().post(query, Json.of(body))) {
            return response.json().at("Id").text();
        }
    }

    private static String runToEnd(Cli cli, String id) throws CliException, IOException {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        Query attach =
                Query.of("/containers/" + id + "/attach")
                        .with("stream", "1")
                        .with("stdout", "1")
                        .with("stderr", "1");
        Query wait = Query.of("/containers/" + id + "/wait").with("condition", "next-exit");
        try (Hijack stream = cli.client().hijack(attach, Json.NULL);
                Response ended = cli.client().post(wait)) {
            cli.client().post(Query.of("/containers/" + id + "/start")).close();
            OutputPump.frames(stream.in(), output, output);
            long code = ended.json().at("StatusCode").number();
            String text = output.toString(StandardCharsets.UTF_8);
            if (code != 0) {
                throw new CliException(1, "the container ended with " + code + ": " + text);
            }
            return text;
        }
    }

    private static Json inspect(Cli cli, String id) throws CliException, IOException {
        try (Response response = cli.client().get(Query.of("/containers/" + id + "/json"))) {
            return response.json();
        }
    }

    /** Microseconds from a start's first stage to its last. */
    private static long total(Json inspected) {
        List<Json> stages = inspected.at("Berth", "Timeline").items();
        return stages.isEmpty() ? 0 : stages.get(stages.size() - 1).at("Us").number();
    }

    private static void show(Cli cli, String output, Json cold, List<Json> warm) {
        List<String> host = new ArrayList<>();
        for (String kind : NAMESPACES) {
            try {
                host.add(Files.readSymbolicLink(Path.of("/proc/self/ns/" + kind)).toString());
            } catch (IOException e) {
                // A kernel without that kind: the container has none either.
            }
        }
        cli.out().println();
        cli.out().println("Isolation, as the container's first process saw it");
        cli.out().print(IsolationReport.of(output, host));
        List<String> warnings = cold.at("Berth", "Warnings").texts();
        if (!warnings.isEmpty()) {
            cli.out().println();
            cli.out().println("What this host does not enforce (berth doctor says why)");
            for (String warning : warnings) {
                cli.out().println("  " + warning);
            }
        }
        cli.out().println();
        List<Json> byTotal = new ArrayList<>(warm);
        byTotal.sort(Comparator.comparingLong(QuickstartVerb::total));
        Json median = byTotal.get(byTotal.size() / 2);
        cli.out()
                .println(
                        "The median of its last "
                                + warm.size()
                                + " starts by stage (microseconds since it was asked for, and since the stage before;");
        cli.out()
                .println(
                        "the best took "
                                + total(byTotal.get(0))
                                + ", the first of all, in a cold JVM, "
                                + total(cold)
                                + ")");
        cli.out().print(StartChart.of(median.at("Berth", "Timeline").items()));
        cli.out().println();
    }
}
