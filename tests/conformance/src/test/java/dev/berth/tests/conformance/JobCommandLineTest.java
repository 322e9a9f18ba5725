package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.archive.OciImageWriter.Member;
import dev.berth.containerizer.image.store.RealRegistry;
import dev.berth.tests.conformance.CommandLine.Outcome;
import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.Await;
import dev.berth.tests.kit.MasterNode;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.BufferedReader;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** {@code berth job}, {@code node} and {@code offers} on a real master and an agent with eight simulated GPUs. Tokens are on, as by default; the agent's own is never shown. */
@Tag("conformance")
@Timeout(60)
class JobCommandLineTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int CPUS = 8;
    private static final double SECONDS = 30;

    @TempDir static Path directory;
    private static MasterNode master;
    private static AgentProcess agent;
    private static CommandLine berth;

    @BeforeAll
    static void start() throws Exception {
        master = MasterNode.start(directory.resolve("m"));
        agent =
                AgentProcess.start(
                        directory.resolve("a"),
                        List.of(),
                        List.of(
                                "--gpus",
                                "sim:8xH100",
                                "--master",
                                master.url(),
                                "--master-token-file",
                                master.tokenFile().toString(),
                                "--listen",
                                "127.0.0.1:0",
                                "--resources",
                                "cpus:" + CPUS));
        berth = new CommandLine(environment(master.url(), master.tokenFile()));
        Await.until(() -> "the agent registers", SECONDS, agent::isRegistered);
    }

    private static Map<String, String> environment(String url, Path token) {
        return Map.of(
                "BERTH_HOST",
                "unix://" + directory.resolve("a/berth.sock"),
                "BERTH_MASTER",
                url,
                "BERTH_TOKEN_FILE",
                token.toString());
    }

    @AfterAll
    static void end() {
        if (agent != null) {
            agent.close();
        }
        if (master != null) {
            master.close();
        }
    }

    /** Whatever a test does, its job ends with it and all that it had is free again. */
    @AfterEach
    void nothingIsInUse() throws Exception {
        Await.until(
                () -> "all is free again: " + usedWords(),
                SECONDS,
                () -> used("cpus") == 0 && used("gpus") == 0 && used("mem") == 0);
    }

    private static String usedWords() {
        try {
            return ok("node", "ls");
        } catch (Exception e) {
            return e.toString();
        }
    }

    /** What of a resource the master has given away, by its metrics: asking costs no JVM. */
    private static double used(String name) throws Exception {
        return JSON.readTree(master.get("/metrics/snapshot").body())
                .path("master/" + name + "_used")
                .asDouble(-1);
    }

    private static Outcome job(String... words) throws Exception {
        return berth.run(command(words));
    }

    private static String[] command(String... words) {
        List<String> command = new ArrayList<>(List.of("job", "run"));
        command.addAll(List.of(words));
        return command.toArray(String[]::new);
    }

    private static String ok(String... words) throws Exception {
        Outcome outcome = berth.run(words);
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        return outcome.out();
    }

    private static String numbers() {
        StringBuilder text = new StringBuilder();
        IntStream.rangeClosed(1, 10_000).forEach(i -> text.append(i).append('\n'));
        return text.toString();
    }

    @ParameterizedTest
    @CsvSource({"exit 3, 3", "kill -9 $$, 137", "kill -15 $$, 143"})
    void itsExitCodeIsThatOfTheCommand(String script, int code) throws Exception {
        assertThat(job("-", "sh", "-c", script).code()).isEqualTo(code);
    }

    @Test
    void aProgramThatIsNotThereIs127AndNamed() throws Exception {
        Outcome outcome = job("-", "nosuchprogram");
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(127);
        assertThat(outcome.err()).contains("nosuchprogram");
    }

    @Test
    void bothStreamsComeApartAndWhole() throws Exception {
        Outcome outcome = job("-", "sh", "-c", "seq 10000; seq 10000 >&2");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.out()).isEqualTo(numbers());
        assertThat(outcome.err()).isEqualTo(numbers());
    }

    @Test
    void nameVariablesAndLimitsAreHonoured() throws Exception {
        Outcome outcome =
                job(
                        "--name",
                        "named",
                        "--env",
                        "COLOUR=deep blue",
                        "--cpus",
                        "0.5",
                        "--memory",
                        "64m",
                        "-",
                        "sh",
                        "-c",
                        "echo \"$COLOUR\"; cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max 2>/dev/null; true");
        assertThat(outcome.code()).as(outcome.err()).isZero();
        String attributes =
                JSON.readTree(ok("node", "ls", "--format", "json"))
                        .path("agent_info")
                        .path("attributes")
                        .toString();
        List<String> limits = new ArrayList<>(List.of("deep blue"));
        if (attributes.contains("\"mem\"")) {
            limits.add(Long.toString(64L << 20));
        } else {
            assertThat(outcome.err()).contains("does not enforce memory");
        }
        if (attributes.contains("\"cpus\"")) {
            limits.add("50000 100000");
        } else {
            assertThat(outcome.err()).containsPattern("does not enforce (memory and )?CPU");
        }
        assertThat(outcome.out().lines().toList()).isEqualTo(limits);
        String listed = ok("job", "ls", "-a");
        assertThat(listed.lines().filter(line -> line.contains(" named ")).findFirst())
                .hasValueSatisfying(line -> assertThat(line).contains("finished"));
        assertThat(ok("job", "logs", "named")).startsWith("deep blue\n");
    }

    @Test
    void aGangFindsItselfAndEachWorkerHasGpusOfItsOwn() throws Exception {
        String script =
                """
                echo "words $RANK $WORLD_SIZE $LOCAL_RANK $MASTER_ADDR $MASTER_PORT"
                nvidia-smi -L
                case $RANK in
                0) busybox nc -l -p $MASTER_PORT ;;
                1) until echo met | busybox nc $MASTER_ADDR $MASTER_PORT; do sleep 0.05; done ;;
                esac
                """;
        Outcome outcome =
                job("--workers", "3", "--gpus", "2", "--cpus", "0.5", "-", "sh", "-c", script);
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        Map<String, List<String>> ofWorker = new TreeMap<>();
        for (String line : outcome.out().lines().toList()) {
            ofWorker.computeIfAbsent(line.substring(0, 3), _ -> new ArrayList<>())
                    .add(line.substring(4));
        }
        assertThat(ofWorker.keySet()).containsExactly("[0]", "[1]", "[2]");
        assertThat(ofWorker.get("[0]")).contains("met");
        Set<String> gpus = new HashSet<>();
        Set<String> ports = new HashSet<>();
        for (int rank = 0; rank < 3; rank++) {
            List<String> lines = ofWorker.get("[" + rank + "]");
            String[] words = lines.getFirst().split(" ");
            // Each worker sees its own GPUs only, from 0 on: so its local rank is 0.
            assertThat(words).startsWith("words", "" + rank, "3", "0", "127.0.0.1");
            ports.add(words[5]);
            gpus.addAll(uuids(String.join("\n", lines)));
        }
        assertThat(gpus).hasSize(6);
        assertThat(ports).hasSize(1);
        int port = Integer.parseInt(ports.iterator().next());
        assertThat(port).isBetween(31_000, 32_000);
        try (ServerSocket free = new ServerSocket(port)) {
            assertThat(free.isBound()).as("the port was the job's alone").isTrue();
        }
    }

    private static List<String> uuids(String listing) {
        return Pattern.compile("UUID: (GPU-[0-9a-f-]+)")
                .matcher(listing)
                .results()
                .map(found -> found.group(1))
                .toList();
    }

    @Test
    void oneGpuIsOneAndFourAreNeighbours() throws Exception {
        Outcome one = job("--gpus", "1", "-", "sh", "-c", "nvidia-smi -L; ls /dev/nvidia[0-9]*");
        assertThat(uuids(one.out())).as(one.out() + one.err()).hasSize(1);
        assertThat(one.out().lines().filter(line -> line.startsWith("/dev/"))).hasSize(1);
        assertThat(one.err()).as("a simulator has no driver to miss files of").isEmpty();

        List<String> four = uuids(job("--gpus", "4", "-", "nvidia-smi", "-L").out());
        Set<String> numaNodes = new HashSet<>();
        for (String line : ok("gpu", "ls", "--format", "json").lines().toList()) {
            JsonNode gpu = JSON.readTree(line);
            if (four.contains(gpu.path("Id").asText())) {
                numaNodes.add(gpu.path("Numa").toString() + gpu.path("NumaNode").toString());
            }
        }
        assertThat(four).hasSize(4);
        assertThat(numaNodes).as("of two sockets with four GPUs each, one").hasSize(1);
    }

    @Test
    void oneWorkerThatFailsEndsTheOthers() throws Exception {
        Outcome outcome =
                job(
                        "--workers",
                        "3",
                        "--cpus",
                        "0.1",
                        "-",
                        "sh",
                        "-c",
                        "[ $RANK != 1 ] || exit 4; exec sleep 1000");
        assertThat(outcome.code()).isEqualTo(4);
        assertThat(outcome.err()).contains("worker 1").contains("exited with status 4");
    }

    @Test
    void aGangThatDoesNotFitSaysWhyAndLeavesTheRoomToOthers() throws Exception {
        Process gang =
                interruptible(
                        "--workers", Integer.toString(CPUS + 1), "--name", "large", "-", "true");
        try (BufferedReader err = gang.errorReader(StandardCharsets.UTF_8)) {
            assertThat(err.readLine())
                    .contains("waiting", "room for " + CPUS + " of " + (CPUS + 1) + " workers")
                    .contains(CPUS + " CPUs");
            assertThat(ok("job", "ls")).containsPattern(" large +waiting ");
            // What it held in vain goes back for a while: a job that takes all comes in between.
            assertThat(job("--cpus", Integer.toString(CPUS), "-", "true").code()).isZero();
            interrupt(gang);
            assertThat(gang.waitFor()).isEqualTo(130);
        } finally {
            gang.destroyForcibly();
        }
        Outcome gpus = berth.run("job", "ls");
        assertThat(gpus.out()).doesNotContain("large");
    }

    @Test
    void anInterruptEndsItsTasks() throws Exception {
        Process process =
                interruptible(
                        "-",
                        "sh",
                        "-c",
                        "trap 'echo asked to end; exit 5' TERM; echo began; while :; do sleep 0.1; done");
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            assertThat(out.readLine()).isEqualTo("began");
            interrupt(process);
            assertThat(out.readLine()).isEqualTo("asked to end");
            assertThat(process.waitFor()).isEqualTo(130);
        } finally {
            process.destroyForcibly();
        }
    }

    /** A child in the background of a script inherits SIGINT ignored, and a JVM keeps it so. */
    private static Process interruptible(String... words) throws Exception {
        List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
        command.addAll(CommandLine.command(command(words)));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment(master.url(), master.tokenFile()));
        return builder.start();
    }

    private static void interrupt(Process process) throws Exception {
        new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
    }

    @Test
    void aRunningJobIsListedReadInspectedAndKilled() throws Exception {
        Process process =
                berth.start(
                        command(
                                "--name",
                                "long",
                                "--gpus",
                                "1",
                                "-",
                                "sh",
                                "-c",
                                "echo up; exec sleep 1000"));
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            assertThat(out.readLine()).isEqualTo("up");
            Matcher listed =
                    Pattern.compile("(?m)^(\\S+) +long +running +1 +512 +1$")
                            .matcher(ok("job", "ls"));
            assertThat(listed.find()).isTrue();
            String id = listed.group(1);
            assertThat(ok("node", "ls")).contains("1 of " + CPUS, "1 of 8");
            assertThat(ok("job", "logs", "long")).isEqualTo("up\n");
            List<String> lines = ok("job", "inspect", id).lines().toList();
            assertThat(JSON.readTree(lines.getFirst()).at("/framework_info/name").asText())
                    .isEqualTo("long");
            assertThat(JSON.readTree(lines.get(1)).path("state").asText())
                    .isEqualTo("TASK_RUNNING");
            assertThat(ok("job", "kill", "long")).isEqualTo(id + "\n");
            assertThat(process.waitFor()).isEqualTo(137);
            assertThat(new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("berth: the job was ended by somebody else (berth job kill)\n");
            assertThat(ok("job", "ls")).doesNotContain(id);
            assertThat(ok("job", "ls", "-a")).containsPattern(id + " +long +killed ");
            assertThat(ok("job", "logs", id)).isEqualTo("up\n");
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void imagesComeFromAnArchiveAndFromARegistry() throws Exception {
        OciImageWriter image =
                new OciImageWriter(Platform.host())
                        .layer(
                                List.of(
                                        new Member.RegularFile(
                                                "busybox",
                                                0755,
                                                Files.readAllBytes(Path.of("/bin/busybox")))))
                        .entrypoint("/busybox", "echo")
                        .cmd("its own words");
        Path archive = directory.resolve("image.tar");
        try (OutputStream out = Files.newOutputStream(archive)) {
            image.writeArchive(out, Optional.of(ImageReference.parse("localhost/job:1")));
        }
        ok("load", "-i", archive.toString());
        assertThat(job("localhost/job:1").out()).isEqualTo("its own words\n");
        try (RealRegistry registry = RealRegistry.start(directory.resolve("registry"))) {
            String name = "127.0.0.1:" + registry.port() + "/berth/job:2";
            RealRegistry.run(
                    "skopeo",
                    "copy",
                    "--dest-tls-verify=false",
                    "oci-archive:" + archive,
                    "docker://" + name);
            Outcome pulled = job(name, "words", "of the job");
            assertThat(pulled.out()).as(pulled.err()).isEqualTo("words of the job\n");
        }
        Outcome missing = job("localhost:1/nothing:1", "true");
        assertThat(missing.code()).isEqualTo(125);
        assertThat(missing.err()).contains("localhost:1/nothing:1");
    }

    @Test
    void whatCannotBeIsRefusedWithTheFix() throws Exception {
        Outcome typo = job("--gups", "1", "-", "true");
        assertThat(typo.code()).isEqualTo(125);
        assertThat(typo.err()).contains("did you mean --gpus?");

        CommandLine nowhere =
                new CommandLine(environment("http://127.0.0.1:1", master.tokenFile()));
        assertThat(nowhere.run("node", "ls").err())
                .contains("127.0.0.1:1", "nobody listens there", "--master", "berth master");
        CommandLine unknown =
                new CommandLine(environment("http://nosuch.invalid:5050", master.tokenFile()));
        assertThat(unknown.run(command("-", "true")).err())
                .contains("nosuch.invalid:5050", "no such host");
        Path wrong = Files.writeString(directory.resolve("wrong"), "not-the-token");
        Outcome refused =
                new CommandLine(environment(master.url(), wrong)).run(command("-", "true"));
        assertThat(refused.code()).isEqualTo(125);
        assertThat(refused.err()).contains("401", "--token-file");
        assertThat(berth.run("job", "logs", "nosuchjob").err()).contains("no such job: nosuchjob");
    }

    @Test
    void aJobThatWantsWhatNoAgentHasWaitsAndHoldsNothing() throws Exception {
        Process process = interruptible("--gpus", "9", "-", "true");
        try (BufferedReader err = process.errorReader(StandardCharsets.UTF_8)) {
            assertThat(err.readLine())
                    .contains("9 GPUs", "the only one has 8 GPUs", "berth node ls");
            assertThat(ok("offers").lines()).hasSize(1);
            interrupt(process);
            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(130);
        } finally {
            process.destroyForcibly();
        }
    }
}
