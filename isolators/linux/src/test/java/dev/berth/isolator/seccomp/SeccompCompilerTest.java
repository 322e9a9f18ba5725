package dev.berth.isolator.seccomp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.isolator.Capability;
import dev.berth.isolator.IsolatorException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

class SeccompCompilerTest {
    private static final int ALLOW = 0x7fff0000;
    private static final int EPERM = 0x50001;
    private static final int ENOSYS = 0x50026;
    private static final String KERNEL = "6.18.44-test";
    private static final List<Set<String>> CAPABILITY_SETS =
            List.of(
                    Set.of(),
                    Capability.DOCKER_DEFAULTS,
                    Set.of("SYS_ADMIN"),
                    Set.of("SYS_PTRACE", "SYS_TIME", "SYS_NICE"),
                    Set.of("BPF", "PERFMON", "SYSLOG", "SYS_MODULE", "SYS_BOOT"),
                    Set.of(
                            "SYS_ADMIN",
                            "SYS_PTRACE",
                            "SYS_MODULE",
                            "SYS_TIME",
                            "SYS_NICE",
                            "SYS_BOOT",
                            "SYS_CHROOT",
                            "SYS_PACCT",
                            "SYS_RAWIO",
                            "SYS_TTY_CONFIG",
                            "DAC_READ_SEARCH",
                            "SYSLOG",
                            "BPF",
                            "PERFMON"));

    private static int arch(Architecture architecture) {
        return architecture == Architecture.X86_64 ? 0xC000003E : 0xC00000B7;
    }

    private static String goarch(Architecture architecture) {
        return architecture == Architecture.X86_64 ? "amd64" : "arm64";
    }

    private static ClassicBpf compiled(Architecture architecture, String profile, Set<String> caps)
            throws IsolatorException {
        return new ClassicBpf(
                new SeccompCompiler(architecture, KERNEL)
                        .compile(profile, caps)
                        .orElseThrow()
                        .instructions());
    }

    /** The values around every one that the profile mentions, in the low word, the high word, and both. */
    private static List<Long> corners(NaiveProfile naive) {
        Set<Long> corners = new TreeSet<>(List.of(0L, 1L, -1L, 0x100000026L, Long.MIN_VALUE));
        for (long value : naive.mentionedValues()) {
            for (long near = value - 1; near <= value + 1; near++) {
                corners.add(near);
                corners.add(near | 1L << 32);
                corners.add(near << 32);
                corners.add(~near);
            }
        }
        for (long family = 0; family < 50; family++) {
            corners.add(family);
        }
        for (int bit = 0; bit < 64; bit++) {
            corners.add(1L << bit);
        }
        return new ArrayList<>(corners);
    }

    private static void assertAgrees(
            Architecture architecture, String text, Set<String> caps, boolean allNumbers)
            throws Exception {
        Map<String, Integer> numbers = SyscallTable.of(architecture).numbers();
        NaiveProfile naive = new NaiveProfile(text, numbers, goarch(architecture), 6018);
        ClassicBpf filter = compiled(architecture, text, caps);
        boolean x86 = architecture == Architecture.X86_64;
        List<Long> corners = corners(naive);
        List<Integer> tried = new ArrayList<>();
        for (int nr = 0; nr <= (allNumbers ? 600 : 12); nr++) {
            tried.add(nr);
            tried.add(nr | 0x40000000);
        }
        tried.addAll(List.of(-1, Integer.MIN_VALUE, Integer.MAX_VALUE, 0x3fffffff, 1000));
        for (int nr : tried) {
            for (int foreign : new int[] {0x40000003, 0xC00000B7, 0xC000003E, 0}) {
                if (foreign != arch(architecture)) {
                    assertThat(filter.run(nr, foreign, 0, 0, 0, 0, 0, 0)).isEqualTo(EPERM);
                }
            }
            for (long corner :
                    naive.looksAtArguments(nr) ? corners : List.of(0L, 38L, -1L, 1L << 32)) {
                for (long[] args :
                        new long[][] {
                            {corner, 0, 0, 0, 0, 0},
                            {0, corner, 0, 0, 0, corner},
                            {corner, corner, corner, corner, corner, corner}
                        }) {
                    int expected = naive.verdict(nr, true, x86, caps, args);
                    int actual = filter.run(nr, arch(architecture), args);
                    if (expected != actual) {
                        assertThat(Integer.toHexString(actual))
                                .as("nr %d, value %x, %s, %s", nr, corner, caps, text)
                                .isEqualTo(Integer.toHexString(expected));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void filterAgreesWithANaiveReadingOfTheDefaultProfile(Architecture architecture)
            throws Exception {
        for (Set<String> caps : CAPABILITY_SETS) {
            assertAgrees(architecture, SeccompCompiler.defaultProfile(), caps, true);
        }
    }

    @Test
    void filterAgreesWithANaiveReadingOfRandomProfiles() throws Exception {
        long seed = Long.getLong("berth.seed", 20261122);
        Random random = new Random(seed);
        for (int i = 0; i < 300; i++) {
            String text = randomProfile(random);
            for (Set<String> caps : CAPABILITY_SETS.subList(0, 3)) {
                assertAgrees(Architecture.X86_64, text, caps, false);
            }
        }
    }

    private static <T> T pick(Random random, List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    private static String randomProfile(Random random) {
        List<String> actions =
                List.of("ALLOW", "ERRNO", "LOG", "TRACE", "TRAP", "KILL", "KILL_PROCESS");
        List<String> names =
                List.of(
                        "read",
                        "write",
                        "open",
                        "close",
                        "stat",
                        "fstat",
                        "lstat",
                        "poll",
                        "lseek",
                        "mmap",
                        "no_such_call");
        List<String> ops = List.of("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ");
        List<String> values =
                List.of(
                        "0",
                        "1",
                        "5",
                        "4294967295",
                        "4294967296",
                        "4294967301",
                        "18446744073709551615",
                        "9223372036854775808",
                        "21474836480");
        List<String> rules = new ArrayList<>();
        int count = random.nextInt(12);
        for (int i = 0; i < count; i++) {
            List<String> args = new ArrayList<>();
            for (int a = random.nextInt(4); a > 0; a--) {
                args.add(
                        "{\"index\":%d,\"value\":%s,\"valueTwo\":%s,\"op\":\"SCMP_CMP_%s\"}"
                                .formatted(
                                        random.nextInt(6),
                                        pick(random, values),
                                        pick(random, values),
                                        pick(random, ops)));
            }
            String selectors =
                    switch (random.nextInt(6)) {
                        case 0 -> ",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}";
                        case 1 -> ",\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_KILL\"]}";
                        case 2 -> ",\"includes\":{\"arches\":[\"arm64\"]}";
                        case 3 -> ",\"includes\":{\"minKernel\":\"6.9\"},\"excludes\":{}";
                        default -> "";
                    };
            rules.add(
                    "{\"names\":[\"%s\",\"%s\"],\"action\":\"SCMP_ACT_%s\",\"errnoRet\":%d,\"args\":[%s]%s}"
                            .formatted(
                                    pick(random, names),
                                    pick(random, names),
                                    pick(random, actions),
                                    random.nextInt(4096),
                                    String.join(",", args),
                                    selectors));
        }
        return "{\"defaultAction\":\"SCMP_ACT_%s\",\"defaultErrnoRet\":%d,\"syscalls\":[%s]}"
                .formatted(pick(random, actions), random.nextInt(4096), String.join(",", rules));
    }

    @Test
    void defaultProfileSaysWhatItShould() throws Exception {
        ClassicBpf plain =
                compiled(Architecture.X86_64, SeccompCompiler.DEFAULT, Capability.DOCKER_DEFAULTS);
        Map<String, Integer> nr = SyscallTable.of(Architecture.X86_64).numbers();
        int arch = 0xC000003E;
        for (String denied :
                List.of(
                        "mount",
                        "bpf",
                        "io_uring_setup",
                        "setns",
                        "unshare",
                        "keyctl",
                        "reboot",
                        "init_module",
                        "kexec_load",
                        "open_by_handle_at",
                        "perf_event_open",
                        "userfaultfd",
                        "swapon",
                        "ptrace")) {
            int expected = denied.equals("ptrace") ? ALLOW : EPERM;
            assertThat(plain.run(nr.get(denied), arch, 0, 0, 0, 0, 0, 0))
                    .as(denied)
                    .isEqualTo(expected);
        }
        // AF_ALG, also with a high word that the kernel would cut off (CVE-2026-31431), and
        // AF_VSOCK
        for (long family : new long[] {38, 38 | 1L << 32, 40, 40 | 1L << 63, 46, -1}) {
            assertThat(plain.run(nr.get("socket"), arch, family, 1, 0, 0, 0, 0)).isEqualTo(EPERM);
        }
        for (long family : new long[] {1, 2, 10, 16, 17, 44}) {
            assertThat(plain.run(nr.get("socket"), arch, family, 1, 0, 0, 0, 0)).isEqualTo(ALLOW);
        }
        assertThat(plain.run(nr.get("clone"), arch, 0x11, 0, 0, 0, 0, 0)).isEqualTo(ALLOW);
        for (int flag = 0x02000000; flag > 0; flag <<= 1) {
            int expected = flag == 0x80000000 ? ALLOW : EPERM;
            assertThat(plain.run(nr.get("clone"), arch, 0x11 | flag, 0, 0, 0, 0, 0))
                    .as("clone flag %x", flag)
                    .isEqualTo(expected);
        }
        assertThat(plain.run(nr.get("clone"), arch, 0x11 | 0x20000, 0, 0, 0, 0, 0))
                .isEqualTo(EPERM);
        assertThat(plain.run(nr.get("clone3"), arch, 0, 0, 0, 0, 0, 0)).isEqualTo(ENOSYS);
        assertThat(plain.run(0x3fff, arch, 0, 0, 0, 0, 0, 0)).isEqualTo(ENOSYS);
        // socketcall through int 0x80
        assertThat(plain.run(102, 0x40000003, 1, 0, 0, 0, 0, 0)).isEqualTo(EPERM);
        ClassicBpf admin = compiled(Architecture.X86_64, "default", Set.of("CAP_SYS_ADMIN"));
        assertThat(admin.run(nr.get("clone3"), arch, 0, 0, 0, 0, 0, 0)).isEqualTo(ALLOW);
        assertThat(admin.run(nr.get("mount"), arch, 0, 0, 0, 0, 0, 0)).isEqualTo(ALLOW);
        assertThat(
                        compiled(Architecture.X86_64, "default", Set.of("SYS_CHROOT"))
                                .run(nr.get("chroot"), arch, 0, 0, 0, 0, 0, 0))
                .isEqualTo(ALLOW);
    }

    @Test
    void aCallWithoutArgumentRulesCostsFewInstructions() throws Exception {
        ClassicBpf filter = compiled(Architecture.X86_64, "default", Capability.DOCKER_DEFAULTS);
        int most = 0;
        for (int number : SyscallTable.of(Architecture.X86_64).numbers().values()) {
            if (number != 41 && number != 135 && number != 56) {
                most = Math.max(most, filter.steps(number, 0xC000003E));
            }
        }
        assertThat(most).isLessThan(16);
    }

    @Test
    void farBranchesUseUnconditionalJumps() throws Exception {
        StringBuilder rules = new StringBuilder();
        for (int value = 0; value < 200; value++) {
            rules.append(value == 0 ? "" : ",")
                    .append(
                            "{\"names\":[\"write\",\"close\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[")
                    .append("{\"index\":1,\"value\":" + value * 3 + ",\"op\":\"SCMP_CMP_EQ\"}]}");
        }
        String text = "{\"defaultAction\":\"SCMP_ACT_KILL\",\"syscalls\":[" + rules + "]}";
        assertAgrees(Architecture.X86_64, text, Set.of(), false);
    }

    @Test
    void sameProfileAndCapabilitiesAreCompiledOnce() throws Exception {
        SeccompCompiler compiler = new SeccompCompiler(Architecture.X86_64, KERNEL);
        SeccompFilter first = compiler.compile("default", Set.of("KILL", "CHOWN")).orElseThrow();
        assertThat(compiler.compile("default", Set.of("CAP_CHOWN", "kill")).orElseThrow())
                .isSameAs(first);
        assertThat(compiler.compile("default", Set.of("SYS_ADMIN")).orElseThrow().hash())
                .isNotEqualTo(first.hash());
        assertThat(compiler.compile("unconfined", Set.of())).isEmpty();
        for (int i = 0; i < 200; i++) {
            compiler.compile(
                    "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":" + i + "}",
                    Set.of());
        }
        assertThat(compiler.compile("default", Set.of("KILL", "CHOWN")).orElseThrow())
                .isEqualTo(first);
    }

    @Test
    void runtimeSpecSpellingIsRead() throws Exception {
        SeccompFilter filter =
                new SeccompCompiler(Architecture.X86_64, KERNEL)
                        .compile(
                                """
                                {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
                                 "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
                                 "syscalls": [{"names": ["getcwd"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13, "args": null, "includes": null}]}
                                """,
                                Set.of())
                        .orElseThrow();
        assertThat(filter.flags()).isEqualTo(6);
        ClassicBpf bpf = new ClassicBpf(filter.instructions());
        assertThat(bpf.run(79, 0xC000003E, 0, 0, 0, 0, 0, 0)).isEqualTo(0x5000d);
        assertThat(bpf.run(5000, 0xC000003E, 0, 0, 0, 0, 0, 0)).isEqualTo(ALLOW);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{",
                "{}",
                "{} {}",
                "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
                "{\"defaultAction\":\"allow\"}",
                "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096}",
                "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":-1}",
                "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"X\"]}",
                "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}",
                "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":{}}",
                "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[1]}",
                "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"action\":\"SCMP_ACT_KILL\"}]}",
                "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"]}]}",
                "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":6,\"op\":\"SCMP_CMP_EQ\"}]}]}",
                "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":0,\"op\":\"EQ\"}]}]}",
                "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":0}]}]}",
                "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"value\":18446744073709551616,\"op\":\"SCMP_CMP_EQ\"}]}]}",
                "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\",\"includes\":{\"minKernel\":\"new\"}}]}",
                "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\",\"includes\":{\"moon\":\"new\"}}]}",
            })
    void whatIsNotAProfileIsRefused(String text) {
        assertThatThrownBy(() ->
                        new SeccompCompiler(Architecture.X86_64, KERNEL).compile(text, Set.of()))
                .isInstanceOf(IsolatorException.class)
                .hasMessageStartingWith("seccomp: ");
    }
}
