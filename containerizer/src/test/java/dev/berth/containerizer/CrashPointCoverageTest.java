package dev.berth.containerizer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A step of a launch or an end without a crash point fails the build: in the bytecode of the classes that take the steps, no two calls with effects outside the agent may follow one another without a
 * {@code CrashPoints.reached} between them, and the last one of a method must have one after it. Several calls on one owner are one step.
 */
final class CrashPointCoverageTest {
    private static final String REACHED = "CrashPoints.reached";

    /** Calls that leave something behind when the agent dies after them, or that it must not die after unnoticed. */
    private static final Set<String> EFFECTS =
            Set.of(
                    "Context.note",
                    "RunDirectories.makeRun",
                    "RunDirectories.removeRun",
                    "Roots.mount",
                    "Roots.release",
                    "Isolator.acquire",
                    "Isolator.cleanup",
                    "SpawnerClient.launch");

    @ParameterizedTest
    @ValueSource(strings = {"Launches", "Endings"})
    void everyStepHasACrashPoint(String name) throws IOException {
        List<String> bare = new ArrayList<>();
        for (MethodModel method : load(name).methods()) {
            bare.addAll(bareSteps(name + "." + method.methodName().stringValue(), calls(method)));
        }
        assertThat(bare).as("steps without a crash point after them").isEmpty();
    }

    @Test
    void theTestSeesTheStepsItKnows() throws IOException {
        Stream<String> seen =
                Stream.of("Launches", "Endings").flatMap(CrashPointCoverageTest::allCalls);
        assertThat(seen.filter(EFFECTS::contains).distinct())
                .containsExactlyInAnyOrderElementsOf(EFFECTS);
    }

    @Test
    void aStepWithoutACrashPointIsFound() {
        assertThat(bareSteps("m", List.of("Context.note", "Roots.mount", REACHED)))
                .containsExactly("m: Context.note");
        assertThat(bareSteps("m", List.of("Context.note", REACHED, "Roots.mount")))
                .containsExactly("m: Roots.mount");
        assertThat(
                        bareSteps(
                                "m",
                                List.of(
                                        "RunDirectories.makeRun",
                                        "RunDirectories.removeRun",
                                        REACHED)))
                .isEmpty();
    }

    private static List<String> bareSteps(String method, List<String> calls) {
        List<String> bare = new ArrayList<>();
        String open = "";
        for (String call : calls) {
            if (call.equals(REACHED)) {
                open = "";
            } else if (EFFECTS.contains(call)) {
                if (!open.isEmpty() && !owner(open).equals(owner(call)) && !isOneStep(open, call)) {
                    bare.add(method + ": " + open);
                }
                open = call;
            }
        }
        if (!open.isEmpty()) {
            bare.add(method + ": " + open);
        }
        return bare;
    }

    /** For a further process nothing new is made in the run directory: it is only opened, and closed with the agent. */
    private static boolean isOneStep(String first, String second) {
        return first.equals("RunDirectories.makeRun") && second.equals("Isolator.acquire");
    }

    private static String owner(String call) {
        return call.substring(0, call.indexOf('.'));
    }

    private static Stream<String> allCalls(String name) {
        try {
            return load(name).methods().stream().flatMap(m -> calls(m).stream());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static ClassModel load(String name) throws IOException {
        try (InputStream bytes =
                CrashPointCoverageTest.class.getResourceAsStream(name + ".class")) {
            return ClassFile.of()
                    .parse(java.util.Objects.requireNonNull(bytes, name).readAllBytes());
        }
    }

    private static List<String> calls(MethodModel method) {
        List<String> calls = new ArrayList<>();
        method.code()
                .ifPresent(code ->
                        code.forEach(element -> {
                            if (element instanceof InvokeInstruction call) {
                                String owner = call.owner().asInternalName();
                                calls.add(
                                        owner.substring(owner.lastIndexOf('/') + 1)
                                                + "."
                                                + call.name().stringValue());
                            }
                        }));
        return calls;
    }
}
