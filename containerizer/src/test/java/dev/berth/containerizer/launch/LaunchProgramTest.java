package dev.berth.containerizer.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.isolator.ContainerConfig.MountSpec.Bind;
import dev.berth.isolator.ContainerConfig.MountSpec.Tmpfs;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.Section;
import dev.berth.isolator.Slot;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

class LaunchProgramTest {
    private static Bind bind(String target) {
        return new Bind("/src", target, false, false, true, "", false, false, false);
    }

    private static LaunchProgram program(Configs c) throws Exception {
        return Configs.lower(c.plan());
    }

    @Test
    void decodesToWhatWasEncoded() throws Exception {
        Configs c = new Configs();
        c.tty = true;
        for (LaunchProgram p :
                List.of(program(new Configs()), program(c), Configs.lower(c.planExec(true)))) {
            LaunchProgram back = LaunchProgram.decode(p.encode());
            assertThat(back.header()).isEqualTo(p.header());
            assertThat(back.ops(Section.HOST)).hasSameSizeAs(p.ops(Section.HOST));
            assertThat(back.data()).isEqualTo(p.data());
            assertThat(back.pointers()).isEqualTo(p.pointers());
            assertThat(back.slots()).isEqualTo(p.slots());
            assertThat(back.id()).isEqualTo(p.id());
            assertThat(back.encode()).isEqualTo(p.encode());
        }
    }

    @Test
    void slotsComeInOneOrder() throws Exception {
        Configs c = new Configs();
        c.mounts = List.of(bind("/b"), new Tmpfs("/t", 0, 0755, 0, 0, false, false), bind("/a"));
        assertThat(program(c).slots())
                .containsExactly(
                        Slot.ROOT,
                        Slot.CGROUP,
                        Slot.NETNS,
                        Slot.RUN_DIR,
                        Slot.LOG_DIR,
                        Slot.bind(0),
                        Slot.bind(2));
    }

    @Test
    void damagedBytesAreRefusedOrHarmless() throws Exception {
        byte[] good = program(new Configs()).encode();
        Random random = new Random(20261122);
        for (int i = 0; i < 20_000; i++) {
            byte[] bad = good.clone();
            for (int n = random.nextInt(3); n >= 0; n--) {
                int at = random.nextInt(random.nextBoolean() ? 128 : bad.length);
                bad[at] = (byte) random.nextInt(256);
            }
            int length = random.nextInt(20) == 0 ? random.nextInt(bad.length) : bad.length;
            byte[] cut = java.util.Arrays.copyOf(bad, length);
            try {
                assertThat(LaunchProgram.decode(cut).print(Abi.X86_64)).isNotEmpty();
            } catch (IllegalArgumentException e) {
                assertThat(e).hasMessageStartingWith("launch program: ");
            }
        }
    }

    @Test
    void longPathsAreRefusedByName() {
        Configs c = new Configs();
        c.mounts = List.of(bind("/" + "a/".repeat(32 * 1024)));
        assertThatThrownBy(c::plan)
                .isInstanceOf(IsolatorException.class)
                .hasMessageContaining("longer than 4095 bytes");
        c.mounts = List.of(bind("/" + "a".repeat(256)));
        assertThatThrownBy(c::plan).hasMessageContaining("name of more than 255 bytes");
        Configs cwd = new Configs();
        cwd.cwd = "/x/".repeat(30_000);
        assertThatThrownBy(cwd::plan)
                .hasMessageContaining("working directory: path inside the container is longer");
    }

    @Test
    void longestPathThatIsAllowedFits() throws Exception {
        Configs c = new Configs();
        c.mounts =
                List.of(
                        bind("/" + "a/".repeat(2046) + "b"),
                        bind("/" + ("b".repeat(250) + "/").repeat(16)));
        assertThat(LaunchProgram.decode(program(c).encode()).slots()).contains(Slot.bind(1));
    }

    @Test
    void tooManyMountsAreRefusedWithAReason() throws Exception {
        Configs c = new Configs();
        c.mounts = Configs.times(10_000, i -> bind("/m" + i));
        assertThatThrownBy(() -> program(c))
                .isInstanceOf(IsolatorException.class)
                .rootCause()
                .hasMessageContaining(
                        "descriptors are more than the 200 that fit in one launch: use fewer binds");
        c.mounts = Configs.times(10_000, i -> new Tmpfs("/m" + i, 0, 0755, 0, 0, false, false));
        assertThatThrownBy(() -> program(c))
                .rootCause()
                .hasMessageContaining("more than 256 registers");
        c.mounts = Configs.times(190, i -> bind("/m" + i));
        assertThat(program(c).encode().length).isLessThan(LaunchProgram.MAX_BYTES);
    }

    @Test
    void environmentMayBeLargeButNotEndless() throws Exception {
        Configs c = new Configs();
        c.env = List.of("BIG=" + "x".repeat(500_000));
        assertThat(program(c).encode().length).isGreaterThan(500_000);
        c.env = Configs.times(3, i -> "BIG" + i + "=" + "x".repeat(500_000));
        assertThatThrownBy(() -> program(c))
                .hasMessageContaining("use fewer mounts, or a smaller environment");
        c.env = List.of("A\0B=1");
        assertThatThrownBy(() -> program(c)).rootCause().hasMessageContaining("a NUL in");
        c.env = List.of("=1");
        assertThatThrownBy(() -> program(c)).rootCause().hasMessageContaining("is not NAME=value");
    }

    @Test
    void contributedVariablesWin() throws Exception {
        Configs c = new Configs();
        c.env = List.of("PATH=/bin", "A=users");
        Map<String, LaunchContribution> all = new LinkedHashMap<>();
        for (var isolator : Configs.isolators()) {
            all.put(isolator.name(), isolator.plan(c.build()));
        }
        all.put("gpu", LaunchContribution.builder().env("A", "ours").env("B", "more").build());
        LaunchProgram p = Configs.lower(LaunchPlanner.merge(Configs.ID.value(), false, all));
        assertThat(p.print(Abi.X86_64)).contains("[\"PATH=/bin\", \"A=ours\", \"B=more\"]");
    }

    @Test
    void noPathOfTheContainerIsUsedAsAString() throws Exception {
        Configs c = new Configs();
        c.readOnlyRoot = true;
        c.tty = true;
        c.cwd = "/work/deep";
        c.mounts = List.of(bind("/data/x"), new Tmpfs("/tmp", 0, 0755, 0, 0, false, false));
        c.hostsFiles = Map.of("/etc/hosts", "hosts");
        c.sysctls = Map.of("net.core.somaxconn", "1");
        LaunchProgram p = program(c);
        for (ProgramOp op : p.ops(Section.CHILD)) {
            Call call =
                    op.kind() == ProgramOp.SYSCALL
                            ? Call.of(op.nr(), Abi.X86_64).orElseThrow()
                            : Call.FCHDIR;
            if (call == Call.OPENAT2 || call == Call.EXECVE) {
                continue;
            }
            for (int i = 0; i < Math.min(op.operands().size(), call.arguments().size()); i++) {
                if (call.arguments().get(i) == Argument.STRING
                        && op.operands().get(i).kind() == ProgramOp.Operand.DATA
                        && call != Call.WRITE
                        && call != Call.SETHOSTNAME
                        && call != Call.KEYCTL) {
                    // Single names in directories that are held, and the spawner's own /root.
                    assertThat(p.string((int) op.operands().get(i).value())).matches("/root|[^/]*");
                }
            }
        }
    }

    @Test
    void jumpsStayInsideTheirSection() throws Exception {
        for (String path : List.of("/bin", "/a:/b:/c", "relative::/x", "")) {
            Configs c = new Configs();
            c.argv = List.of("prog");
            c.env = List.of("PATH=" + path);
            LaunchProgram p = LaunchProgram.decode(program(c).encode());
            assertThat(p.ops(Section.CHILD).getLast().nr())
                    .isEqualTo(Call.EXECVE.number(Abi.X86_64));
        }
    }

    @Test
    void searchesPathAsExecvpDoes() throws Exception {
        // Which error ends the launch, for every outcome of three candidates?
        String[] outcomes = {"ENOENT", "EACCES", "ENOTDIR"};
        Configs c = new Configs();
        c.argv = List.of("prog");
        c.env = List.of("PATH=/a:/b:/c");
        List<ProgramOp> child = program(c).ops(Section.CHILD);
        List<ProgramOp> execs = new ArrayList<>();
        for (ProgramOp op : child) {
            if (op.nr() == Call.EXECVE.number(Abi.X86_64) && op.kind() == ProgramOp.SYSCALL) {
                execs.add(op);
            }
        }
        LaunchProgram p = program(c);
        for (int n = 0; n < 27; n++) {
            Map<String, String> result =
                    Map.of(
                            "/a/prog",
                            outcomes[n % 3],
                            "/b/prog",
                            outcomes[n / 3 % 3],
                            "/c/prog",
                            outcomes[n / 9],
                            "/",
                            "EACCES");
            List<String> tried = new ArrayList<>();
            String error = simulate(p, execs, result, tried);
            boolean denied =
                    result.entrySet().stream()
                            .anyMatch(
                                    e -> !e.getKey().equals("/") && e.getValue().equals("EACCES"));
            assertThat(error.equals("EACCES")).as(result.toString()).isEqualTo(denied);
            assertThat(tried.subList(0, 3)).containsExactly("/a/prog", "/b/prog", "/c/prog");
        }
    }

    /** Runs the execve ops with these results; the error that ends the launch. */
    private static String simulate(
            LaunchProgram p,
            List<ProgramOp> execs,
            Map<String, String> results,
            List<String> tried) {
        int i = 0;
        while (i < execs.size()) {
            ProgramOp op = execs.get(i);
            String path = p.string((int) op.operands().getFirst().value());
            tried.add(path);
            String error = results.getOrDefault(path, "ENOENT");
            int number = dev.berth.linux.Errno.valueOf(error).number();
            var action = op.actions().stream().filter(a -> a.errno() == number).findFirst();
            if (action.isEmpty()) {
                return error;
            }
            i += 1 + action.get().skip();
        }
        throw new AssertionError("ran off the end");
    }

    @Test
    void bothArchitecturesHaveTheSameOps() throws Exception {
        LaunchProgram x = program(new Configs());
        LaunchProgram arm =
                LaunchProgram.lower(
                        new Configs().plan(), Configs.SETTINGS, _ -> false, Abi.AARCH64);
        assertThat(arm.print(Abi.AARCH64)).isEqualTo(x.print(Abi.X86_64));
    }
}
