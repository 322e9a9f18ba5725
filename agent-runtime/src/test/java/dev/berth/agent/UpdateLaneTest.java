package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;

/** Limits that the kernel takes its time for. */
@Timeout(30)
class UpdateLaneTest {
    @TempDir Path directory;
    private FakeAgent agent;
    private Http http;

    @BeforeEach
    void start() throws Exception {
        agent = new FakeAgent(directory);
        http = new Http(agent.socket);
        for (String name : new String[] {"slow", "other"}) {
            http.post(
                    "/containers/create?name=" + name, "{\"Image\":\"tiny\",\"Cmd\":[\"sleep\"]}");
            assertThat(http.post("/containers/" + name + "/start").status()).isEqualTo(204);
        }
    }

    @AfterEach
    void stop() throws IOException {
        http.close();
        agent.close();
    }

    private Thread inBackground(String path, String body, AtomicReference<Integer> status) {
        return Thread.ofPlatform()
                .start(() -> {
                    try (Http own = new Http(agent.socket)) {
                        status.set(own.post(path, body).status());
                    } catch (IOException e) {
                        status.set(-1);
                    }
                });
    }

    @Test
    void holdNothingElseUpAndKeepTheirOrder() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        agent.containers.beforeUpdate =
                limits -> {
                    if (limits.pids().orElse(0) == 50) {
                        begun.countDown();
                        awaited(go);
                    }
                };
        AtomicReference<Integer> first = new AtomicReference<>(0);
        AtomicReference<Integer> second = new AtomicReference<>(0);
        Thread one = inBackground("/containers/slow/update", "{\"PidsLimit\":50}", first);
        begun.await();
        Thread two = inBackground("/containers/slow/update", "{\"PidsLimit\":60}", second);
        assertThat(http.post("/containers/other/update", "{\"PidsLimit\":70}").status())
                .isEqualTo(200);
        assertThat(http.get("/containers/slow/json").status()).isEqualTo(200);
        assertThat(agent.containers.updates).hasSize(1);
        go.countDown();
        one.join();
        two.join();
        assertThat(first.get()).isEqualTo(200);
        assertThat(second.get()).isEqualTo(200);
        assertThat(
                        http.get("/containers/slow/json")
                                .json()
                                .path("HostConfig")
                                .path("PidsLimit")
                                .asInt())
                .isEqualTo(60);
    }

    private static void awaited(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
