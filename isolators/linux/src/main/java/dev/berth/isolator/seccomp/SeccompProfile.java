package dev.berth.isolator.seccomp;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A profile as written, before it is fitted to an architecture, a kernel and a set of capabilities.
 *
 * @param defaultAction the {@code SECCOMP_RET_*} value for what no rule matches
 * @param rules in the order of the text: for one call, the first rule that matches decides
 * @param flags {@code SECCOMP_FILTER_FLAG_*}
 */
record SeccompProfile(int defaultAction, List<Rule> rules, long flags) {
    static final int RET_KILL_PROCESS = 0x80000000;
    static final int RET_KILL_THREAD = 0;
    static final int RET_TRAP = 0x00030000;
    static final int RET_ERRNO = 0x00050000;
    static final int RET_TRACE = 0x7ff00000;
    static final int RET_LOG = 0x7ffc0000;
    static final int RET_ALLOW = 0x7fff0000;

    /**
     * One entry of {@code syscalls}.
     *
     * @param conditions all of them must hold
     * @param onlyWith when the entry counts at all
     * @param notWith when it does not
     */
    record Rule(
            List<String> names,
            int action,
            List<Condition> conditions,
            Selector onlyWith,
            Selector notWith) {}

    /**
     * A comparison of one argument, unsigned and in all 64 bits.
     *
     * @param value what is compared with; the mask for {@link Operator#MASKED_EQ}
     * @param valueTwo what the masked argument must equal
     */
    record Condition(int index, Operator operator, long value, long valueTwo) {}

    enum Operator {
        NE,
        LT,
        LE,
        EQ,
        GE,
        GT,
        MASKED_EQ
    }

    /**
     * {@code includes} or {@code excludes}.
     *
     * @param capabilities without {@code CAP_}
     * @param minKernel {@code MAJOR.MINOR}
     */
    record Selector(
            Set<String> capabilities, Set<String> architectures, Optional<int[]> minKernel) {
        static final Selector NONE = new Selector(Set.of(), Set.of(), Optional.empty());
    }

    private static final Map<String, Integer> ACTIONS =
            Map.of(
                    "SCMP_ACT_KILL", RET_KILL_THREAD,
                    "SCMP_ACT_KILL_THREAD", RET_KILL_THREAD,
                    "SCMP_ACT_KILL_PROCESS", RET_KILL_PROCESS,
                    "SCMP_ACT_TRAP", RET_TRAP,
                    "SCMP_ACT_ERRNO", RET_ERRNO,
                    "SCMP_ACT_TRACE", RET_TRACE,
                    "SCMP_ACT_LOG", RET_LOG,
                    "SCMP_ACT_ALLOW", RET_ALLOW);

    /** {@code SECCOMP_RET_*} of a profile's word; empty for a word that is not known. */
    static Optional<Integer> action(String word) {
        return Optional.ofNullable(ACTIONS.get(word));
    }

    /** Whether unknown calls are let through in some way: then a new call must not be answered with ENOSYS behind the profile's back. */
    static boolean permits(int action) {
        return action == RET_ALLOW || action == RET_LOG || (action & 0xffff0000) == RET_TRACE;
    }
}
