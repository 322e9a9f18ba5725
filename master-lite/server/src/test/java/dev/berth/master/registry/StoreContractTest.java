package dev.berth.master.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.discovery.InnerZooKeeper;
import dev.berth.discovery.MasterAddress;
import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.cluster.AgentRecord.Standing;
import dev.berth.master.cluster.Registry.Contents;
import dev.berth.master.election.Election;
import dev.berth.master.ids.AgentId;
import dev.berth.protocol.v1.Protos.MasterInfo;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** What every store must do, and what each does beyond that. */
@Timeout(90)
class StoreContractTest {
    static AgentRecord agent(String id, Standing standing) {
        return new AgentRecord(new AgentId(id), standing, "host-" + id, 42, new byte[] {1, 0, -1});
    }

    /** The contract; {@link #reopen} is what a new master does. */
    abstract static class Contract {
        abstract Store reopen() throws Exception;

        private static List<String> told(Contents contents) {
            return contents.agents().stream()
                    .map(a ->
                            a.id()
                                    + " "
                                    + a.standing()
                                    + " "
                                    + a.hostname()
                                    + " "
                                    + a.sinceNs()
                                    + " "
                                    + List.of(a.info()[0], a.info()[1], a.info()[2]))
                    .sorted()
                    .toList();
        }

        @Test
        void aNewOneIsEmpty() throws Exception {
            Contents contents = reopen().load();
            assertThat(contents.agents()).isEmpty();
            assertThat(contents.weights()).isEmpty();
        }

        @Test
        void whatIsCommittedIsThereForTheNextMaster() throws Exception {
            Store store = reopen();
            store.load();
            store.commit(
                    List.of(
                            new Write.Put(agent("M-S0", Standing.ADMITTED)),
                            new Write.Put(agent("M-S1", Standing.ADMITTED)),
                            new Write.Put(agent("M-S1", Standing.UNREACHABLE)),
                            new Write.Weights(Map.of("a/b", 2.5, "*", 1.0))));
            store.commit(
                    List.of(
                            new Write.Put(agent("M-S2", Standing.GONE)),
                            new Write.Remove(new AgentId("M-S0")),
                            new Write.Remove(new AgentId("none"))));
            Contents contents = reopen().load();
            assertThat(told(contents))
                    .containsExactly(
                            "M-S1 UNREACHABLE host-M-S1 42 [1, 0, -1]",
                            "M-S2 GONE host-M-S2 42 [1, 0, -1]");
            assertThat(contents.weights()).isEqualTo(Map.of("a/b", 2.5, "*", 1.0));
            Store again = reopen();
            again.load();
            again.commit(
                    List.of(
                            new Write.Weights(Map.of("c", 3.0)),
                            new Write.Put(agent("M-S2", Standing.ADMITTED))));
            assertThat(reopen().load().weights()).isEqualTo(Map.of("c", 3.0));
        }

        @Test
        void manyAtOnceAreWholeAndInOrder() throws Exception {
            Store store = reopen();
            store.load();
            List<Write> writes = new ArrayList<>();
            for (int i = 0; i < 600; i++) {
                writes.add(
                        new Write.Put(
                                new AgentRecord(
                                        new AgentId("S" + i % 300),
                                        Standing.ADMITTED,
                                        "h",
                                        i,
                                        new byte[2000])));
            }
            store.commit(writes);
            assertThat(reopen().load().agents()).hasSize(300).allMatch(a -> a.sinceNs() >= 300);
        }
    }

    @Test
    void whoWaitsIsAnsweredWhenTheTermEnds() throws Exception {
        LinkedBlockingQueue<Runnable> steps = new LinkedBlockingQueue<>();
        List<String> answers = new ArrayList<>();
        QueuedRegistry registry =
                new QueuedRegistry(new MemoryStore(), steps::add, _ -> {}, _ -> {});
        registry.put(agent("a", Standing.ADMITTED), result -> answers.add("a " + result.lost()));
        registry.close();
        registry.put(agent("b", Standing.ADMITTED), result -> answers.add("b " + result.lost()));
        while (answers.size() < 2) {
            steps.poll(20, TimeUnit.SECONDS).run();
        }
        assertThat(answers).containsExactly("a true", "b true");
    }

    @Nested
    class Memory extends Contract {
        private final MemoryStore store = new MemoryStore();

        @Override
        Store reopen() {
            return store;
        }
    }

    @Nested
    class Sqlite extends Contract {
        @TempDir Path directory;
        private Store open = new MemoryStore();

        @Override
        Store reopen() throws IOException {
            open.close();
            open = SqliteStore.open(directory.resolve("registry.db"));
            return open;
        }

        @AfterEach
        void close() {
            open.close();
        }

        @Test
        void filesAreTheOwnersAlone() throws Exception {
            Path file = directory.resolve("registry.db");
            Files.createFile(file);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
            Store store = reopen();
            store.load();
            store.commit(List.of(new Write.Put(agent("a", Standing.ADMITTED))));
            try (Stream<Path> files = Files.list(directory)) {
                assertThat(files.toList())
                        .isNotEmpty()
                        .allSatisfy(each ->
                                assertThat(
                                                PosixFilePermissions.toString(
                                                        Files.getPosixFilePermissions(each)))
                                        .isEqualTo("rw-------"));
            }
        }

        @Test
        void whatIsNoRegistryIsSaidByName() throws Exception {
            Path file = directory.resolve("registry.db");
            Files.writeString(file, "no database at all, but long enough for a header".repeat(20));
            assertThatThrownBy(() -> SqliteStore.open(file))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("registry.db")
                    .hasMessageContaining("not a database")
                    .hasMessageContaining("move the file away");
        }

        @Test
        void whatIsDamagedIsSaidWithWhatToDo() throws Exception {
            Path file = directory.resolve("registry.db");
            try (Store store = SqliteStore.open(file)) {
                store.commit(List.of(new Write.Put(agent("a", Standing.ADMITTED))));
            }
            byte[] bytes = Files.readAllBytes(file);
            Arrays.fill(bytes, 4096, bytes.length, (byte) 'Z');
            Files.write(file, bytes);
            try (Store store = SqliteStore.open(file)) {
                assertThatThrownBy(store::load)
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("registry.db")
                        .hasMessageContaining("move the file away");
            }
        }

        @Test
        void aSecondMasterOnTheSameFileIsRefused() throws Exception {
            Store first = reopen();
            first.load();
            first.commit(List.of(new Write.Put(agent("a", Standing.ADMITTED))));
            assertThatThrownBy(() -> SqliteStore.open(directory.resolve("registry.db")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("registry.db")
                    .hasMessageContaining("another master holds it");
        }
    }

    @Nested
    class ZooKeeper extends Contract {
        private final List<Election> elections = new ArrayList<>();
        @RegisterExtension final InnerZooKeeper zooKeeper = new InnerZooKeeper();

        @AfterEach
        void stop() {
            elections.forEach(Election::close);
        }

        @Test
        void moreAgentsThanOneAnswerOfTheUsualSizeCanName() throws Exception {
            Store store = reopen();
            store.load();
            List<Write> writes = new ArrayList<>();
            String longName = "S".repeat(240);
            for (int i = 0; i < 5000; i++) {
                writes.add(new Write.Put(agent(longName + i, Standing.GONE)));
            }
            store.commit(writes);
            assertThat(reopen().load().agents()).hasSize(5000);
        }

        @Test
        void anAgentThatIsTooLargeIsRefusedAloneAndTheSessionLives() throws Exception {
            Store store = reopen();
            LinkedBlockingQueue<Runnable> steps = new LinkedBlockingQueue<>();
            LinkedBlockingQueue<String> answers = new LinkedBlockingQueue<>();
            AgentRecord large =
                    new AgentRecord(
                            new AgentId("large"),
                            Standing.ADMITTED,
                            "big-host",
                            1,
                            new byte[800_000]);
            QueuedRegistry registry = new QueuedRegistry(store, steps::add, _ -> {}, _ -> {});
            for (AgentRecord each :
                    List.of(agent("a", Standing.ADMITTED), large, agent("b", Standing.ADMITTED))) {
                registry.put(
                        each, result -> answers.add(each.id() + " " + result.error().orElse("")));
            }
            while (answers.size() < 3) {
                steps.poll(20, TimeUnit.SECONDS).run();
            }
            assertThat(answers.poll()).isEqualTo("a ");
            assertThat(answers.poll())
                    .contains("large the description of agent big-host", "--attributes");
            assertThat(answers.poll()).isEqualTo("b ");
            registry.close();
            assertThat(reopen().load().agents()).hasSize(2);
        }

        @Test
        void whatIsDamagedIsNamedWithWhatToDo() throws Exception {
            Store store = reopen();
            store.load();
            store.commit(List.of(new Write.Put(agent("a", Standing.ADMITTED))));
            String place = "/berth/log_replicas/berth/";
            for (String data : List.of("", "{}", "{\"standing\":", "\0\1", "[]")) {
                zooKeeper
                        .client()
                        .setData()
                        .forPath(place + "agents/a", data.getBytes(StandardCharsets.UTF_8));
                assertThatThrownBy(store::load)
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("the record of agent a is damaged")
                        .hasMessageContaining("delete " + place + "agents/a");
            }
            zooKeeper.client().delete().forPath(place + "agents/a");
            for (String data : List.of("{\"*\":-1}", "{\"*\":\"x\"}", "7")) {
                zooKeeper
                        .client()
                        .setData()
                        .forPath(place + "weights", data.getBytes(StandardCharsets.UTF_8));
                assertThatThrownBy(store::load)
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("weights")
                        .hasMessageContaining("set " + place + "weights {}");
            }
            zooKeeper
                    .client()
                    .setData()
                    .forPath(place + "weights", "{}".getBytes(StandardCharsets.UTF_8));
            assertThat(store.load().weights()).isEmpty();
        }

        @Override
        Store reopen() throws Exception {
            elections.forEach(Election::close);
            elections.clear();
            CompletableFuture<Store> elected = new CompletableFuture<>();
            elections.add(
                    Election.open(
                            zooKeeper.url(),
                            () ->
                                    MasterInfo.newBuilder()
                                            .setId(UUID.randomUUID().toString())
                                            .setIp(0)
                                            .setPort(5050)
                                            .build(),
                            new Election.Listener() {
                                @Override
                                public void following(Optional<MasterAddress> leader) {}

                                @Override
                                public void leading(MasterInfo self, ZooKeeperStore store) {
                                    elected.complete(store);
                                }

                                @Override
                                public void lost(String why) {}

                                @Override
                                public void trouble(Optional<String> what) {}
                            }));
            return elected.get(30, TimeUnit.SECONDS);
        }
    }
}
