package dev.berth.containerizer.launch;

import dev.berth.isolator.ContainerConfig.DeviceRule;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.LaunchPlan.OwnedOp;
import dev.berth.isolator.Namespace;
import dev.berth.isolator.Slot;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Merges what the isolators ask for into one plan. Merging is associative; two owners of what only one may have are an error that names both. Pure; any thread. */
public final class LaunchPlanner {
    private LaunchPlanner() {}

    /** What some of the isolators ask for, in the order of the isolators. */
    public record Partial(
            Set<Namespace> namespaces,
            List<OwnedOp> ops,
            List<DeviceRule> deviceRules,
            Map<String, Owned> env,
            Map<Slot, String> slots) {
        static final Partial NONE = new Partial(Set.of(), List.of(), List.of(), Map.of(), Map.of());

        /** This, then the other. */
        public Partial and(Partial other) throws IsolatorException {
            Set<Namespace> allNamespaces = EnumSet.noneOf(Namespace.class);
            allNamespaces.addAll(namespaces);
            allNamespaces.addAll(other.namespaces);
            Map<String, String> claims = new HashMap<>();
            for (OwnedOp op : ops) {
                op.op().claim().ifPresent(claim -> claims.put(claim, op.isolator()));
            }
            for (OwnedOp op : other.ops) {
                if (op.op().claim().isPresent()) {
                    String claim = op.op().claim().get();
                    single(claim, claims.get(claim), op.isolator());
                }
            }
            Map<String, Owned> allEnv = new LinkedHashMap<>(env);
            for (Map.Entry<String, Owned> e : other.env.entrySet()) {
                Owned before = allEnv.put(e.getKey(), e.getValue());
                single(
                        "environment variable " + e.getKey(),
                        before == null ? null : before.isolator(),
                        e.getValue().isolator());
            }
            Map<Slot, String> allSlots = new LinkedHashMap<>(slots);
            for (Map.Entry<Slot, String> e : other.slots.entrySet()) {
                single("slot " + e.getKey(), allSlots.put(e.getKey(), e.getValue()), e.getValue());
            }
            return new Partial(
                    allNamespaces,
                    concat(ops, other.ops),
                    concat(deviceRules, other.deviceRules),
                    allEnv,
                    allSlots);
        }

        private static <T> List<T> concat(List<T> a, List<T> b) {
            List<T> all = new ArrayList<>(a);
            all.addAll(b);
            return all;
        }

        private static void single(
                String what, @org.jspecify.annotations.Nullable String first, String second)
                throws IsolatorException {
            if (first != null) {
                throw new IsolatorException(
                        what + " is asked for by both " + first + " and " + second);
            }
        }

        /** The finished plan: steps by phase, those of one phase in the order of the isolators. */
        public LaunchPlan plan(String id, boolean exec) {
            List<OwnedOp> ordered = new ArrayList<>(ops);
            ordered.sort(Comparator.comparing(o -> o.op().phase()));
            Map<String, String> variables = new LinkedHashMap<>();
            env.forEach((name, owned) -> variables.put(name, owned.value()));
            return new LaunchPlan(
                    id, exec, namespaces, ordered, deviceRules, variables, slots.keySet());
        }
    }

    /** A value and who asked for it. */
    public record Owned(String isolator, String value) {}

    /** One isolator's contribution. */
    public static Partial of(String isolator, LaunchContribution contribution)
            throws IsolatorException {
        List<OwnedOp> ops = new ArrayList<>();
        Set<String> claims = new HashSet<>();
        for (LaunchOp op : contribution.ops()) {
            String claim = op.claim().orElse("");
            if (!claim.isEmpty() && !claims.add(claim)) {
                throw new IsolatorException(claim + " is asked for twice by " + isolator);
            }
            ops.add(new OwnedOp(isolator, op));
        }
        Map<String, Owned> env = new LinkedHashMap<>();
        contribution.env().forEach((name, value) -> env.put(name, new Owned(isolator, value)));
        Map<Slot, String> slots = new LinkedHashMap<>();
        contribution.slots().forEach(slot -> slots.put(slot, isolator));
        return new Partial(contribution.namespaces(), ops, contribution.deviceRules(), env, slots);
    }

    /**
     * Merges in this order.
     *
     * @param contributions by isolator name; the order is the map's
     * @throws IsolatorException when two isolators ask for one thing
     */
    public static LaunchPlan merge(
            String id, boolean exec, Map<String, LaunchContribution> contributions)
            throws IsolatorException {
        Partial all = Partial.NONE;
        for (Map.Entry<String, LaunchContribution> e : contributions.entrySet()) {
            all = all.and(of(e.getKey(), e.getValue()));
        }
        return all.plan(id, exec);
    }
}
