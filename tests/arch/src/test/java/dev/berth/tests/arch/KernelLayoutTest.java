package dev.berth.tests.arch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import static java.util.Objects.requireNonNull;

import dev.berth.linux.Arch;
import dev.berth.linux.ErrnoException;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The bindings are written by hand: gcc and the installed headers prove every struct layout, constant, error number and system call number that they declare. What headers of Linux 6.1
 * (Debian 12) do not have yet stands in {@link #DOCUMENTED} with its source, and is proved too where the headers are newer.
 */
class KernelLayoutTest {
    /** Newer than the oldest headers that we build with: C expression to value, as the named kernel's include/uapi has it. */
    private static final Map<String, Long> DOCUMENTED =
            Map.ofEntries(
                    // linux/memfd.h of 6.3
                    Map.entry("MFD_NOEXEC_SEAL", 8L),
                    Map.entry("MFD_EXEC", 16L),
                    // linux/mount.h of 6.5
                    Map.entry("MOVE_MOUNT_BENEATH", 0x200L),
                    // asm-generic/unistd.h of 6.6, 6.8, 6.8 and 6.15
                    Map.entry("__NR_fchmodat2", 452L),
                    Map.entry("__NR_statmount", 457L),
                    Map.entry("__NR_listmount", 458L),
                    Map.entry("__NR_open_tree_attr", 467L),
                    // linux/stat.h of 6.8
                    Map.entry("STATX_MNT_ID_UNIQUE", 0x4000L),
                    // linux/pidfd.h of 6.13 (the call) and 6.15 (the exit code)
                    Map.entry("PIDFD_GET_INFO", 0xC040FF0BL),
                    Map.entry("PIDFD_INFO_EXIT", 8L),
                    Map.entry("PIDFD_INFO_SIZE_VER0", 64L),
                    Map.entry("offsetof(struct pidfd_info, mask)", 0L),
                    Map.entry("offsetof(struct pidfd_info, exit_code)", 60L));

    private static final String JEXTRACT = "native-bindings/linux/src/jextract";

    @TempDir Path temp;
    private HeaderProbe probe;
    private Path jextract;

    @BeforeEach
    void findHeaders() {
        probe = new HeaderProbe(temp);
        Path root = Path.of("").toAbsolutePath();
        jextract = root.resolve(JEXTRACT);
        while (!Files.exists(jextract)) {
            root = requireNonNull(root.getParent(), "not inside the project: " + JEXTRACT);
            jextract = root.resolve(JEXTRACT);
        }
    }

    /** Every complaint, so that one run shows all. */
    private List<String> complaints(List<KernelFact> facts, List<Map<String, Long>> answers) {
        List<String> complaints = new ArrayList<>();
        for (KernelFact fact : facts) {
            List<Long> values =
                    new ArrayList<>(
                            answers.stream()
                                    .map(answer -> answer.get(fact.expression()))
                                    .filter(value -> value != null)
                                    .toList());
            if (values.isEmpty() && DOCUMENTED.containsKey(fact.expression())) {
                values.add(DOCUMENTED.get(fact.expression()));
            }
            if (values.isEmpty()) {
                complaints.add(fact.name() + ": no header knows " + fact.expression());
            }
            for (long value : values) {
                if (value != fact.value()) {
                    complaints.add(
                            fact.name()
                                    + " is "
                                    + fact.value()
                                    + ", but "
                                    + fact.expression()
                                    + " is "
                                    + value);
                }
            }
        }
        return complaints.stream().distinct().toList();
    }

    private List<String> check(List<KernelFact> facts) throws IOException, ErrnoException {
        List<String> expressions = facts.stream().map(KernelFact::expression).distinct().toList();
        String headers = jextract.resolve("headers.h").toString();
        Map<String, Long> kernel = probe.values(List.of(), headers, expressions);
        Map<String, Long> libc = probe.values(List.of("-DBERTH_LIBC"), headers, expressions);
        return complaints(facts, List.of(kernel, libc));
    }

    private List<String> checkCalls(List<KernelFact> facts, String header, String... options)
            throws IOException, ErrnoException {
        List<String> expressions = facts.stream().map(KernelFact::expression).distinct().toList();
        Path include = Files.writeString(temp.resolve("calls.h"), "#include <" + header + ">\n");
        Map<String, Long> values = probe.values(List.of(options), include.toString(), expressions);
        return complaints(facts, List.of(values));
    }

    private List<String> checkArm64(List<KernelFact> facts) throws IOException, ErrnoException {
        // What arm64's own asm/unistd.h defines before it includes this.
        return checkCalls(
                facts,
                "asm-generic/unistd.h",
                "-D__BITS_PER_LONG=64",
                "-D__ARCH_WANT_RENAMEAT",
                "-D__ARCH_WANT_NEW_STAT",
                "-D__ARCH_WANT_SET_GET_RLIMIT",
                "-D__ARCH_WANT_SYS_CLONE3",
                "-D__ARCH_WANT_MEMFD_SECRET");
    }

    @Test
    void constantsAndStructLayoutsAreThoseOfTheHeaders() throws Exception {
        List<KernelFact> facts = DeclaredKernelFacts.ofThisArchitecture();
        assertThat(facts).hasSizeGreaterThan(400);
        assertThat(check(facts)).isEmpty();
    }

    @Test
    void callNumbersOfX86AreThoseOfTheHeaders() throws Exception {
        assumeTrue(Arch.HOST == Arch.X86_64, "asm/unistd_64.h is installed on x86-64 only");
        assertThat(checkCalls(DeclaredKernelFacts.calls(Arch.X86_64), "asm/unistd_64.h")).isEmpty();
    }

    @Test
    void callNumbersOfArm64AreThoseOfTheGenericHeader() throws Exception {
        assertThat(checkArm64(DeclaredKernelFacts.calls(Arch.AARCH64))).isEmpty();
    }

    @Test
    void aWrongEntryIsCaught() throws Exception {
        List<KernelFact> wrong =
                List.of(
                        new KernelFact("constant", "O_CLOEXEC", 0x80001),
                        new KernelFact("enum", "FSCONFIG_SET_FD", 4),
                        new KernelFact("offset", "offsetof(struct statx, stx_mode)", 30),
                        new KernelFact("size", "sizeof(struct msghdr)", 48),
                        new KernelFact("absent", "O_NO_SUCH_FLAG", 0),
                        new KernelFact("field", "offsetof(struct statx, stx_nothing)", 0),
                        new KernelFact("documented", "MFD_EXEC", 8));
        assertThat(check(wrong))
                .containsExactly(
                        "constant is 524289, but O_CLOEXEC is 524288",
                        "enum is 4, but FSCONFIG_SET_FD is 5",
                        "offset is 30, but offsetof(struct statx, stx_mode) is 28",
                        "size is 48, but sizeof(struct msghdr) is 56",
                        "absent: no header knows O_NO_SUCH_FLAG",
                        "field: no header knows offsetof(struct statx, stx_nothing)",
                        "documented is 8, but MFD_EXEC is 16");
        assertThat(checkArm64(List.of(new KernelFact("call", "__NR_openat", 257))))
                .containsExactly("call is 257, but __NR_openat is 56");
    }

    @Test
    void whatTheHeadersLackIsDocumentedAndStillDeclared() throws Exception {
        List<KernelFact> facts = new ArrayList<>(DeclaredKernelFacts.ofThisArchitecture());
        facts.addAll(DeclaredKernelFacts.calls(Arch.HOST));
        List<String> declared = facts.stream().map(KernelFact::expression).toList();
        assertThat(declared).as("no entry outlives its constant").containsAll(DOCUMENTED.keySet());
    }

    @Test
    void jextractIsAskedForEverythingThatIsDeclared() throws Exception {
        TreeSet<String> listed = new TreeSet<>();
        try (Stream<String> lines = Files.lines(jextract.resolve("symbols.txt"))) {
            lines.filter(line -> line.startsWith("--include-")).forEach(listed::add);
        }
        Map<String, String> difference = new TreeMap<>();
        Set<String> declared = DeclaredKernelFacts.jextractSymbols();
        declared.stream()
                .filter(s -> !listed.contains(s))
                .forEach(s -> difference.put(s, "missing"));
        listed.stream()
                .filter(s -> !s.startsWith("--include-function") && !declared.contains(s))
                .forEach(s -> difference.put(s, "declared nowhere"));
        assertThat(difference).isEmpty();
    }
}
