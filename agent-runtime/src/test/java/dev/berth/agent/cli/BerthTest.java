package dev.berth.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.cli.http.FakeAgent;
import dev.berth.agent.cli.session.Cli;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;

@Timeout(30)
class BerthTest {
    private static final String ID = "0123456789abcdef".repeat(4);

    @TempDir Path directory;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int berth(String input, String... words) {
        try (PrintStream to = new PrintStream(out, false, StandardCharsets.UTF_8);
                PrintStream errors = new PrintStream(err, false, StandardCharsets.UTF_8)) {
            Cli cli =
                    new Cli(
                            new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                            to,
                            errors,
                            Map.of());
            return Berth.run(cli, List.of(words));
        }
    }

    private int on(FakeAgent agent, String... words) {
        List<String> all = new ArrayList<>(List.of("-H", "unix://" + agent.socket()));
        all.addAll(List.of(words));
        return berth("", all.toArray(new String[0]));
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    /** Plays a container that prints on both streams and ends with a code; checks that nobody starts it before attach and wait. */
    private final class OneContainer implements FakeAgent.Handler {
        private final int code;
        private final CountDownLatch started = new CountDownLatch(1);
        private final AtomicBoolean attached = new AtomicBoolean();
        private final AtomicBoolean waited = new AtomicBoolean();

        OneContainer(int code) {
            this.code = code;
        }

        @Override
        public boolean answer(FakeAgent.Exchange e) throws IOException {
            if (e.target().contains("/attach")) {
                attached.set(true);
                e.raw(
                        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\r\n");
                awaitStart();
                e.raw("\u0001\0\0\0\0\0\0\u0003out\u0002\0\0\0\0\0\0\u0003err");
                return false;
            }
            if (e.target().contains("/wait")) {
                waited.set(true);
                e.raw(
                        "HTTP/1.1 200 OK\r\nServer: Berth/test\r\nTransfer-Encoding: chunked\r\n\r\n");
                awaitStart();
                String json = "{\"StatusCode\":" + code + "}";
                e.raw(Integer.toHexString(json.length()) + "\r\n" + json + "\r\n0\r\n\r\n");
                return true;
            }
            if (e.target().endsWith("/start")) {
                boolean ready = attached.get() && waited.get();
                started.countDown();
                return ready
                        ? e.reply(204, "")
                        : e.reply(500, "{\"message\":\"started before attach and wait\"}");
            }
            return e.target().startsWith("/containers/create")
                    ? e.reply(201, "{\"Id\":\"" + ID + "\",\"Warnings\":[\"no memory limit\"]}")
                    : e.reply(200, "\"OK\"");
        }

        private void awaitStart() {
            try {
                started.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Test
    void runAttachesAndWaitsBeforeItStartsAndExitsAsTheContainer() throws IOException {
        try (FakeAgent agent = new FakeAgent(directory, new OneContainer(42))) {
            assertThat(on(agent, "run", "--sig-proxy=false", "--name", "a b", "image", "x"))
                    .isEqualTo(42);
            assertThat(out()).isEqualTo("out");
            assertThat(err()).isEqualTo("berth: warning: no memory limit\nerr");
            assertThat(agent.requests())
                    .containsExactly(
                            "GET /_ping",
                            "POST /containers/create?name=a%20b",
                            "POST /containers/" + ID + "/attach?stream=1&stdin=0&stdout=1&stderr=1",
                            "POST /containers/" + ID + "/wait?condition=next-exit",
                            "POST /containers/" + ID + "/start");
        }
    }

    @Test
    void detachedRunPrintsTheId() throws IOException {
        try (FakeAgent agent =
                new FakeAgent(
                        directory,
                        e ->
                                e.target().endsWith("/start")
                                        ? e.reply(204, "")
                                        : e.reply(201, "{\"Id\":\"" + ID + "\"}"))) {
            assertThat(on(agent, "run", "-d", "image")).isZero();
            assertThat(out()).isEqualTo(ID + "\n");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "exec: \"x\": executable file not found in $PATH, 127",
        "start x: exec /y: No such file or directory, 127",
        "exec /etc/passwd: Permission denied, 126",
        "exec /x: Exec format error, 126",
        "move_mount(merged): EBUSY, 125"
    })
    void aFailedStartExitsAsDockers(String message, int code) throws IOException {
        String json = "{\"message\":\"" + message.replace("\"", "\\\"") + "\"}";
        try (FakeAgent agent =
                new FakeAgent(
                        directory,
                        e ->
                                e.target().endsWith("/start")
                                        ? e.reply(500, json)
                                        : e.reply(201, "{\"Id\":\"" + ID + "\"}"))) {
            assertThat(on(agent, "run", "-d", "image")).isEqualTo(code);
            assertThat(err()).isEqualTo("berth: " + message + "\n");
        }
    }

    @Test
    void aMissingImageIsPulledOnceUnlessForbidden() throws IOException {
        AtomicBoolean pulled = new AtomicBoolean();
        try (FakeAgent agent =
                new FakeAgent(
                        directory,
                        e -> {
                            if (e.target().startsWith("/images/create")) {
                                pulled.set(true);
                                return e.reply(200, "{\"status\":\"Pulling\"}\n");
                            }
                            return !pulled.get() && e.target().startsWith("/containers/create")
                                    ? e.reply(404, "{\"message\":\"No such image: debian\"}")
                                    : e.reply(200, "{\"Id\":\"" + ID + "\"}");
                        })) {
            assertThat(on(agent, "create", "--pull", "never", "debian")).isEqualTo(1);
            assertThat(pulled).isFalse();
            assertThat(on(agent, "create", "debian")).isZero();
            assertThat(agent.requests())
                    .contains("POST /images/create?fromImage=debian&tag=latest");
            assertThat(out()).isEqualTo(ID + "\n");
        }
    }

    @Test
    void aServerThatIsNotBerthIsRefused() throws IOException {
        try (FakeAgent agent =
                new FakeAgent(
                        directory,
                        e -> {
                            e.raw(
                                    "HTTP/1.1 200 OK\r\nServer: Docker/28.2\r\nContent-Length: 2\r\n\r\nOK");
                            return true;
                        })) {
            assertThat(on(agent, "ps")).isEqualTo(125);
            assertThat(err()).contains("is not Berth but 'Docker/28.2'");
        }
    }

    @Test
    void anAddressWhereNobodyListensIsNamed() {
        assertThat(berth("", "-H", "unix://" + directory + "/none", "ps")).isEqualTo(125);
        assertThat(err()).contains(directory + "/none").contains("start one with");
        assertThat(berth("", "-H", "tcp://x", "ps")).isEqualTo(125);
    }

    @Test
    void wrongWordsAreNamedWithTheNearest() {
        assertThat(berth("", "imags")).isEqualTo(1);
        assertThat(berth("", "ps", "--al")).isEqualTo(125);
        assertThat(berth("", "ps", "--format", "{{.ID}}")).isEqualTo(125);
        assertThat(berth("", "--hlp")).isEqualTo(125);
        assertThat(err().lines())
                .containsExactly(
                        "berth: unknown verb 'imags'; did you mean 'images'? (see 'berth --help')",
                        "berth ps: unknown flag --al; did you mean --all? (see 'berth ps --help')",
                        "berth ps: --format: Go templates are not supported; use --format json and jq: {{.ID}} (see 'berth ps --help')",
                        "berth: unknown flag --hlp; did you mean --help? (see 'berth --help')");
    }

    @Test
    void helpIsAlsoAskedForByItsLetterWhereThatMeansNothingElse() {
        for (String verb : Verbs.NAMES) {
            if (verb.equals("agent") || verb.equals("run") || verb.equals("create")) {
                continue; // run -h names the host, as docker's does.
            }
            out.reset();
            boolean namesHost = verb.equals("plan");
            assertThat(berth("", (verb + " -h").split(" ")))
                    .as(verb)
                    .isEqualTo(namesHost ? 125 : 0);
            assertThat(out()).as(verb).contains(namesHost ? "" : "-h, --help");
        }
        out.reset();
        assertThat(berth("", "job", "-h")).isZero();
        assertThat(out()).contains("job run").contains("job kill");
        out.reset();
        assertThat(berth("", "job", "ls", "--help")).isZero();
        assertThat(out()).contains("--master").doesNotContain("unix://");
    }

    @Test
    void familiesAreNamedWhereTheirPluralOrAWrongMemberIsTyped() {
        assertThat(berth("", "nodes")).isEqualTo(1);
        assertThat(berth("", "job", "frob")).isEqualTo(1);
        assertThat(err().lines())
                .containsExactly(
                        "berth: unknown verb 'nodes'; did you mean 'node'? (see 'berth --help')",
                        "berth: unknown verb 'job frob' (see 'berth job --help')");
    }

    @Test
    void numbersOfAJobThatNobodyCanMeanAreRefusedBeforeAMasterIsAsked() {
        assertThat(berth("", "job", "run", "--workers", "1000000", "-", "true")).isEqualTo(125);
        assertThat(berth("", "job", "run", "--gpus", "99999999999", "-", "true")).isEqualTo(125);
        assertThat(err())
                .contains("--workers: at most 100000, got 1000000")
                .contains("--gpus: at most 1000000, got 99999999999");
    }

    @Test
    void aFileThatHoldsNoTokenIsNamedAndNotShown() throws IOException {
        Path file = Files.writeString(directory.resolve("list"), "root:x:0\nsecret:y:1\n");
        assertThat(berth("", "node", "ls", "--token-file", file.toString())).isEqualTo(125);
        assertThat(err()).contains(file + " holds no token").doesNotContain("secret");
    }

    @Test
    void everyVerbHasHelpWithAnExample() {
        for (String verb : Verbs.NAMES) {
            if (verb.equals("agent")) {
                continue; // It prints its own.
            }
            out.reset();
            assertThat(berth("", (verb + " --help").split(" "))).as(verb).isZero();
            assertThat(out()).as(verb).contains("Usage: berth " + verb).contains("Examples:");
        }
        assertThat(berth("", "--help")).isZero();
        assertThat(out()).contains("Containers:").contains("Images:").contains("Agent and host:");
    }

    @Test
    void eachOfSeveralContainersIsTriedAndTheFailureShows() throws IOException {
        try (FakeAgent agent =
                new FakeAgent(
                        directory,
                        e ->
                                e.target().startsWith("/containers/gone")
                                        ? e.reply(404, "{\"message\":\"No such container: gone\"}")
                                        : e.reply(200, "{}"))) {
            assertThat(on(agent, "stop", "-t", "3", "a", "gone", "b")).isEqualTo(1);
            assertThat(out()).isEqualTo("a\nb\n");
            assertThat(err()).isEqualTo("berth: No such container: gone\n");
            assertThat(agent.requests()).contains("POST /containers/a/stop?t=3");
            assertThat(on(agent, "rm", "-f", "gone")).isZero();
        }
    }

    @Test
    void psPrintsATableOrJson() throws IOException {
        String list =
                "[{\"Id\":\""
                        + ID
                        + "\",\"Image\":\"debian\",\"Command\":\"sleep 1000000000000000\",\"Created\":0,"
                        + "\"Status\":\"Up 5 minutes\",\"Names\":[\"/web\"]}]";
        try (FakeAgent agent = new FakeAgent(directory, e -> e.reply(200, list))) {
            assertThat(on(agent, "ps", "-a", "-f", "status=exited", "-f", "status=created"))
                    .isZero();
            assertThat(out())
                    .isEqualTo(
                            "CONTAINER ID   IMAGE    COMMAND                  CREATED   STATUS         NAMES\n"
                                    + "0123456789ab   debian   \"sleep 1000000000000…\"   N/A       Up 5 minutes   web\n");
            assertThat(agent.requests().get(1))
                    .isEqualTo(
                            "GET /containers/json?all=1&filters=%7B%22status%22:%5B%22exited%22%2C%22created%22%5D%7D");
            out.reset();
            assertThat(on(agent, "ps", "--format", "json")).isZero();
            assertThat(out()).startsWith("{\"Id\":\"" + ID + "\"").endsWith("}\n");
        }
    }

    @Test
    void logsAreSplitIntoTheirStreams() throws IOException {
        try (FakeAgent agent =
                new FakeAgent(
                        directory,
                        e ->
                                e.target().contains("/logs")
                                        ? e.reply(
                                                200,
                                                "\u0001\0\0\0\0\0\0\u0001o\u0002\0\0\0\0\0\0\u0001e")
                                        : e.reply(200, "{\"Config\":{\"Tty\":false}}"))) {
            assertThat(on(agent, "logs", "-n", "5", "web")).isZero();
            assertThat(out()).isEqualTo("o");
            assertThat(err()).isEqualTo("e");
            assertThat(agent.requests().get(2)).endsWith("&tail=5");
        }
    }
}
