package dev.berth.isolator.seccomp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.regex.Pattern;

/** Holds the tables against the kernel headers of this machine, which may be older than the tables: then the overlap is compared. */
class SyscallTableTest {
    private static final Pattern NUMBER =
            Pattern.compile("#define\\s+__NR(3264)?_(\\w+)\\s+(\\d+)");
    private static final Pattern ALIAS =
            Pattern.compile("#define\\s+__NR_(\\w+)\\s+__NR3264_(\\w+)");

    private static String header(String... candidates) throws IOException {
        for (String candidate : candidates) {
            if (Files.exists(Path.of(candidate))) {
                return Files.readString(Path.of(candidate), StandardCharsets.UTF_8);
            }
        }
        assumeTrue(false, "kernel headers (linux-libc-dev) are not installed");
        return "";
    }

    @Test
    void x86TableHoldsTheKernelsNumbers() throws IOException {
        String header =
                header(
                        "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
                        "/usr/include/asm/unistd_64.h");
        Map<String, Integer> expected = new HashMap<>();
        NUMBER.matcher(header)
                .results()
                .forEach(m -> expected.put(m.group(2), Integer.parseInt(m.group(3))));
        expected.remove("syscalls");
        assertThat(expected).hasSizeGreaterThan(340);
        assertThat(SyscallTable.of(Architecture.X86_64).numbers()).containsAllEntriesOf(expected);
    }

    @Test
    void arm64TableHoldsTheKernelsNumbers() throws IOException {
        String header = header("/usr/include/asm-generic/unistd.h");
        Map<String, Integer> plain = new HashMap<>();
        Map<String, Integer> wide = new HashMap<>();
        NUMBER.matcher(header)
                .results()
                .forEach(m ->
                        (m.group(1) == null ? plain : wide)
                                .put(m.group(2), Integer.parseInt(m.group(3))));
        Map<String, Integer> table = SyscallTable.of(Architecture.AARCH64).numbers();
        table.forEach((name, number) -> {
            if (plain.containsKey(name)) {
                assertThat(number).as(name).isEqualTo(plain.get(name));
            }
        });
        // The 64-bit half of the aliases stands first in the header.
        Map<String, String> aliases = new HashMap<>();
        ALIAS.matcher(header).results().forEach(m -> aliases.putIfAbsent(m.group(2), m.group(1)));
        aliases.forEach((kernelName, name) ->
                assertThat(table.get(name)).as(name).isEqualTo(wide.get(kernelName)));
        var missing = new HashSet<>(plain.keySet());
        missing.removeAll(table.keySet());
        // Only what 32-bit architectures have, and the two markers.
        assertThat(missing)
                .allMatch(name ->
                        name.endsWith("time64")
                                || name.endsWith("64")
                                || name.equals("arch_specific_syscall")
                                || name.equals("syscalls")
                                || name.equals("sync_file_range2"));
    }

    @Test
    void bothTablesAgreeOnTheCommonNumbersAbove423() {
        Map<String, Integer> arm = SyscallTable.of(Architecture.AARCH64).numbers();
        SyscallTable.of(Architecture.X86_64)
                .numbers()
                .forEach((name, number) -> {
                    if (number >= 424) {
                        assertThat(arm.get(name)).as(name).isEqualTo(number);
                    }
                });
    }
}
