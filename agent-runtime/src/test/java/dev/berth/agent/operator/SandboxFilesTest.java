package dev.berth.agent.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.agent.config.AgentException;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What is asked of the kernel for a file of a task. */
class SandboxFilesTest {
    private static final String RUN = "/frameworks/f/executors/e/runs/r";

    @TempDir Path root;
    private final List<String> opened = new ArrayList<>();
    private int unsure;
    private SandboxFiles files;

    @BeforeEach
    void begin() throws Exception {
        Files.createDirectories(root.resolve(RUN.substring(1)));
        Files.writeString(root.resolve(RUN.substring(1) + "/file"), "inside");
        dev.berth.linux.Files host = Linux.host().files();
        dev.berth.linux.Files seen =
                proxy(
                        dev.berth.linux.Files.class,
                        (method, arguments) -> {
                            if (method.getName().equals("openat")) {
                                opened.add((String) arguments[1]);
                            }
                            if (method.getName().equals("openat2") && unsure > 0) {
                                unsure--;
                                throw new ErrnoException("openat2", Errno.EAGAIN, "renamed");
                            }
                            return method.invoke(host, arguments);
                        });
        files =
                new SandboxFiles(
                        proxy(
                                Linux.class,
                                (method, arguments) ->
                                        method.getName().equals("files")
                                                ? seen
                                                : method.invoke(Linux.host(), arguments)),
                        root);
    }

    private interface Answer {
        Object to(Method method, Object[] arguments) throws Throwable;
    }

    private static <T> T proxy(Class<T> type, Answer answer) {
        return type.cast(
                Proxy.newProxyInstance(
                        type.getClassLoader(),
                        new Class<?>[] {type},
                        (_, method, arguments) -> {
                            try {
                                return answer.to(method, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        }));
    }

    private String read(String name) throws AgentException {
        return new String(files.read(RUN + "/" + name, 0, 100).data(), StandardCharsets.UTF_8);
    }

    @Test
    void whatIsNoFileIsNotEvenOpened() throws Exception {
        String socket = root.resolve(RUN.substring(1) + "/socket").toString();
        try (var server =
                java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            server.bind(java.net.UnixDomainSocketAddress.of(socket));
            for (String name : List.of("socket", ".")) {
                assertThatThrownBy(() -> read(name)).hasMessageContaining("not a file");
            }
        }
        assertThat(opened).containsOnly(root.toString());
        assertThat(read("file")).isEqualTo("inside");
        assertThat(opened).anyMatch(path -> path.startsWith("/proc/self/fd/"));
    }

    @Test
    void aKernelThatIsNotSureIsAskedAgainButNotForEver() throws Exception {
        unsure = 5;
        assertThat(read("file")).isEqualTo("inside");
        unsure = Integer.MAX_VALUE;
        assertThatThrownBy(() -> read("file"))
                .isInstanceOfSatisfying(
                        AgentException.class,
                        e -> assertThat(e.kind()).isEqualTo(AgentException.Kind.NOT_FOUND));
    }

    @Test
    void descriptorsAreGivenBack() throws Exception {
        Path own = Path.of("/proc/self/fd");
        assertThat(read("file")).isEqualTo("inside");
        long before = count(own);
        for (int i = 0; i < 200; i++) {
            read("file");
            files.list(RUN);
            assertThatThrownBy(() -> read("none")).isInstanceOf(AgentException.class);
            assertThatThrownBy(() -> read(".")).isInstanceOf(AgentException.class);
        }
        // Other tests' threads may open a few.
        assertThat(count(own)).isLessThan(before + 100);
    }

    private static long count(Path directory) throws Exception {
        try (var entries = Files.list(directory)) {
            return entries.count();
        }
    }
}
