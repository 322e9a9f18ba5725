package dev.berth.tests.root.escape;

import dev.berth.isolator.Isolator;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;
import dev.berth.linux.Linux;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * What keeps an attack from succeeding, as the change that switches it off.
 *
 * @param isolators the isolators without it
 * @param linux the kernel without it
 */
record Defence(String name, UnaryOperator<List<Isolator>> isolators, Linux linux) {
    /** All defences on. */
    static final Defence NONE = new Defence("none", UnaryOperator.identity(), Linux.host());

    /** Steps are changed, or left out where the answer is empty. */
    static Defence steps(String name, Function<LaunchOp, Optional<LaunchOp>> change) {
        return contributions(
                name,
                c ->
                        new LaunchContribution(
                                c.namespaces(),
                                c.ops().stream().flatMap(op -> change.apply(op).stream()).toList(),
                                c.deviceRules(),
                                c.env(),
                                c.slots()));
    }

    /** Steps of one kind are left out. */
    static Defence step(String name, Class<? extends LaunchOp> kind) {
        return steps(name, op -> kind.isInstance(op) ? Optional.empty() : Optional.of(op));
    }

    static Defence contributions(String name, UnaryOperator<LaunchContribution> change) {
        return new Defence(
                name,
                all -> all.stream().<Isolator>map(i -> new ChangedIsolator(i, change)).toList(),
                Linux.host());
    }

    static Defence kernel(String name, Linux linux) {
        return new Defence(name, UnaryOperator.identity(), linux);
    }

    /** Both are off. At most one of the two may change the kernel. */
    Defence and(Defence other) {
        return new Defence(
                name + " and " + other.name,
                all -> other.isolators.apply(isolators.apply(all)),
                linux instanceof NaiveLinux ? linux : other.linux);
    }

    @Override
    public String toString() {
        return name;
    }
}
