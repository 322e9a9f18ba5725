package dev.berth.isolator.seccomp;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;

/** System call names and numbers of one architecture, from a resource that a test compares with the kernel's headers. */
final class SyscallTable {
    private final Map<String, Integer> numbers;

    private SyscallTable(Map<String, Integer> numbers) {
        this.numbers = numbers;
    }

    static SyscallTable of(Architecture architecture) {
        Map<String, Integer> numbers = new HashMap<>();
        for (String line : Resources.text(architecture.table()).lines().toList()) {
            if (!line.startsWith("#")) {
                int space = line.indexOf(' ');
                numbers.put(line.substring(0, space), Integer.parseInt(line.substring(space + 1)));
            }
        }
        return new SyscallTable(Map.copyOf(numbers));
    }

    /** Empty when the architecture has no such call, or a kernel newer than the table added it. */
    OptionalInt number(String name) {
        Integer number = numbers.get(name);
        return number == null ? OptionalInt.empty() : OptionalInt.of(number);
    }

    Map<String, Integer> numbers() {
        return numbers;
    }

    /** Text resources of this package. */
    static final class Resources {
        private Resources() {}

        static String text(String name) {
            InputStream in = SyscallTable.class.getResourceAsStream(name);
            if (in == null) {
                throw new IllegalStateException("resource is missing from the build: " + name);
            }
            try (BufferedReader reader =
                    new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
                return reader.readAllAsString();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
