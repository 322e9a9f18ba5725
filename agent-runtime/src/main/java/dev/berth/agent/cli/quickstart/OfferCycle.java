package dev.berth.agent.cli.quickstart;

import dev.berth.agent.cli.playground.Playground;
import dev.berth.agent.cli.session.CliException;
import dev.berth.jobs.Access;
import dev.berth.jobs.JobException;
import dev.berth.jobs.JobRun;
import dev.berth.jobs.JobSpec;
import dev.berth.jobs.MasterClient;
import dev.berth.jobs.Masters;
import dev.berth.jobs.Timeline;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Response.GetAgents;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** Jobs with one GPU through a master's offers, by what {@code berth job run} uses too. Thread: main. */
final class OfferCycle implements AutoCloseable {
    /** The job: the first program that everybody runs on a GPU. */
    static final List<String> COMMAND = List.of("nvidia-smi", "-L");

    private static final long REGISTER_NS = 30_000_000_000L;
    private static final long LOOK_NS = 5_000_000L;

    private final MasterClient client;

    /** How a job went. */
    record Outcome(String output, Timeline timeline) {}

    OfferCycle(String master, Playground playground) throws CliException {
        try {
            client =
                    new MasterClient(Masters.of(master), Access.of(playground.masterToken(), true));
        } catch (JobException e) {
            throw failed(e);
        }
    }

    /** Waits until an agent has registered and its GPUs are known: what it offers, in words. */
    String awaitNode() throws CliException {
        long deadline = System.nanoTime() + REGISTER_NS;
        Call ask = Call.newBuilder().setType(Call.Type.GET_AGENTS).build();
        try {
            while (System.nanoTime() < deadline) {
                GetAgents agents = client.operator(ask).orElseThrow().getGetAgents();
                for (GetAgents.Agent agent : agents.getAgentsList()) {
                    if (agent.getTotalResourcesList().stream().anyMatch(OfferCycle::isSomeGpu)) {
                        return words(agent.getTotalResourcesList());
                    }
                }
                LockSupport.parkNanos(LOOK_NS);
            }
        } catch (JobException e) {
            throw failed(e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
        throw new CliException(
                1, "the agent did not report GPUs to its master within half a minute");
    }

    private static boolean isSomeGpu(Resource resource) {
        return resource.getName().equals("gpus") && resource.getScalar().getValue() >= 1;
    }

    private static String words(List<Resource> resources) {
        List<String> words = new ArrayList<>();
        for (Resource resource : resources) {
            long value = (long) resource.getScalar().getValue();
            switch (resource.getName()) {
                case "cpus" -> words.add(value + (value == 1 ? " CPU" : " CPUs"));
                case "mem" -> words.add(value + " MiB of memory");
                case "gpus" -> words.add(value + (value == 1 ? " GPU" : " GPUs"));
                default -> {
                    // Disk and ports are of no interest here.
                }
            }
        }
        return String.join(", ", words);
    }

    /** Runs one job to its end. */
    Outcome run() throws CliException {
        JobSpec job =
                new JobSpec("quickstart", Optional.empty(), COMMAND, Map.of(), "*", 0.1, 64, 1, 1);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        JobRun run = new JobRun(client, job, print(out), print(err));
        try {
            int code = run.run();
            if (code != 0) {
                throw new CliException(
                        1,
                        "the job ended with " + code + ": " + err.toString(StandardCharsets.UTF_8));
            }
        } catch (JobException e) {
            throw failed(e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
        return new Outcome(out.toString(StandardCharsets.UTF_8).strip(), run.timeline());
    }

    /** The first job, and the median of so many more, in words and bars. */
    String more(Outcome first, int times) throws CliException {
        List<Outcome> warm = new ArrayList<>();
        for (int i = 0; i < times; i++) {
            warm.add(run());
        }
        warm.sort(Comparator.comparingLong(outcome -> JobChart.nsUntilRunning(outcome.timeline())));
        return JobChart.of(first.timeline(), warm.get(times / 2).timeline());
    }

    private static PrintStream print(ByteArrayOutputStream to) {
        return new PrintStream(to, false, StandardCharsets.UTF_8);
    }

    private static CliException failed(JobException e) {
        return new CliException(1, String.valueOf(e.getMessage()), e);
    }

    private static CliException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new CliException(1, "interrupted", e);
    }

    @Override
    public void close() {
        client.close();
    }
}
