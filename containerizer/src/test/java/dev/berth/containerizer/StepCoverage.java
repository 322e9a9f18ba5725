package dev.berth.containerizer;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.stream.Stream;

/**
 * Finds steps without a crash point in bytecode: in the methods of some classes, no two calls with effects outside the agent may follow one another without a call of {@code reached} between them, and the last one of a
 * method must have one after it. Several calls on one owner are one step.
 *
 * @param place a class in the package of those that are looked at
 * @param reached calls that are crash points, as {@code Owner.method}
 * @param effects calls that leave something behind when the agent dies after them, or that it must not die after unnoticed
 * @param oneStep whether two effects are one step though their owners differ
 */
public record StepCoverage(
        Class<?> place,
        Set<String> reached,
        Set<String> effects,
        BiPredicate<String, String> oneStep) {
    public StepCoverage {
        reached = Set.copyOf(reached);
        effects = Set.copyOf(effects);
    }

    /** Steps of a class that have no crash point. */
    public List<String> bareSteps(String className) {
        List<String> bare = new ArrayList<>();
        for (MethodModel method : load(className).methods()) {
            bare.addAll(
                    bareSteps(className + "." + method.methodName().stringValue(), calls(method)));
        }
        return bare;
    }

    /** Those of one method, by its calls. */
    public List<String> bareSteps(String method, List<String> calls) {
        List<String> bare = new ArrayList<>();
        String open = "";
        for (String call : calls) {
            if (reached.contains(call)) {
                open = "";
            } else if (effects.contains(call)) {
                if (!open.isEmpty()
                        && !owner(open).equals(owner(call))
                        && !oneStep.test(open, call)) {
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

    private static String owner(String call) {
        return call.substring(0, call.indexOf('.'));
    }

    /** Effects that some classes have: a name that is wrong would find nothing, for ever. */
    public Stream<String> seen(Stream<String> classNames) {
        return classNames
                .flatMap(name -> load(name).methods().stream())
                .flatMap(method -> calls(method).stream())
                .filter(effects::contains)
                .distinct();
    }

    private ClassModel load(String name) {
        try (InputStream bytes = place.getResourceAsStream(name + ".class")) {
            return ClassFile.of().parse(Objects.requireNonNull(bytes, name).readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
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
