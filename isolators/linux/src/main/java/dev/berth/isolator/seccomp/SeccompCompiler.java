package dev.berth.isolator.seccomp;

import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.seccomp.BpfAssembler.Block;
import dev.berth.isolator.seccomp.SeccompProfile.Condition;
import dev.berth.isolator.seccomp.SeccompProfile.Rule;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Compiles profiles to filters for one architecture and kernel.
 *
 * <p>Verdicts, in this order: a call of another architecture is EPERM (there is no list that would fit it, and 32-bit {@code socketcall} hides its arguments); an x32 number is ENOSYS; a number above every name
 * that the profile knows is ENOSYS unless unknown calls are let through, so that a new libc falls back as on an old kernel; else the first rule in the profile's order whose arguments all match decides; else the
 * default action. Names that the architecture does not have are skipped.
 *
 * <p>The number is found by a balanced tree over merged ranges of equal verdicts: about six comparisons.
 *
 * <p>Thread: any.
 */
public final class SeccompCompiler {
    /** The profile that containers have unless told otherwise. */
    public static final String DEFAULT = "default";

    /** No filter. */
    public static final String UNCONFINED = "unconfined";

    private static final int X32_BIT = 0x40000000;
    private static final int EPERM = 1;
    private static final int ENOSYS = 38;
    private static final int CACHE_LIMIT = 64;

    private final Architecture architecture;
    private final int[] kernel;
    private final SyscallTable table;
    private final ConcurrentHashMap<Key, SeccompFilter> cache = new ConcurrentHashMap<>();

    /**
     * @param kernelRelease as {@code uname(2)} says, such as {@code 6.18.44}: profiles have rules that count from a version on
     */
    public SeccompCompiler(Architecture architecture, String kernelRelease) {
        this.architecture = architecture;
        this.kernel = KernelVersion.parse(kernelRelease);
        if (kernel.length == 0) {
            throw new IllegalArgumentException("not a kernel release: " + kernelRelease);
        }
        this.table = SyscallTable.of(architecture);
    }

    private record Key(String profile, Set<String> capabilities) {}

    /** One alternative for a call: the action if all conditions hold. */
    private record Alternative(List<Condition> conditions, int action) {}

    /** The text of the default profile, in Docker's format: a base for own ones. */
    public static String defaultProfile() {
        return SyscallTable.Resources.text("default-profile.json");
    }

    /**
     * Compiles a profile, or returns the filter of an earlier compilation of the same text for the same capabilities.
     *
     * @param profile {@link #DEFAULT}, {@link #UNCONFINED}, or a profile's JSON text
     * @param capabilities what the container may have, with or without {@code CAP_}: some rules count only with one
     * @return empty for {@link #UNCONFINED}
     * @throws IsolatorException when the text is not a profile, or asks for what is not supported (notify agents)
     */
    public Optional<SeccompFilter> compile(String profile, Set<String> capabilities)
            throws IsolatorException {
        if (profile.equals(UNCONFINED)) {
            return Optional.empty();
        }
        Set<String> held = new TreeSet<>();
        capabilities.forEach(c -> held.add(SeccompProfileReader.capability(c)));
        Key key = new Key(profile, Set.copyOf(held));
        SeccompFilter known = cache.get(key);
        if (known == null) {
            String text = profile.equals(DEFAULT) ? defaultProfile() : profile;
            known = compile(SeccompProfileReader.read(text), key.capabilities());
            if (cache.size() >= CACHE_LIMIT) {
                // Only profiles that users write can be this many; the next starts compile again.
                cache.clear();
            }
            cache.put(key, known);
        }
        return Optional.of(known);
    }

    private SeccompFilter compile(SeccompProfile profile, Set<String> held)
            throws IsolatorException {
        TreeMap<Integer, List<Alternative>> calls = new TreeMap<>();
        int newest = -1;
        for (Rule rule : profile.rules()) {
            boolean counts = counts(rule, held);
            for (String name : rule.names()) {
                OptionalInt number = table.number(name);
                if (number.isEmpty()) {
                    continue;
                }
                newest = Math.max(newest, number.getAsInt());
                if (counts) {
                    calls.computeIfAbsent(number.getAsInt(), _ -> new ArrayList<>())
                            .add(new Alternative(rule.conditions(), rule.action()));
                }
            }
        }
        boolean permits = SeccompProfile.permits(profile.defaultAction());
        int beyond =
                permits || newest < 0 ? profile.defaultAction() : SeccompProfile.RET_ERRNO | ENOSYS;
        Block body = tree(ranges(calls, profile.defaultAction(), newest, beyond));
        if (architecture == Architecture.X86_64) {
            Block enosys = BpfAssembler.ret(SeccompProfile.RET_ERRNO | ENOSYS);
            body = BpfAssembler.ifAtLeast(X32_BIT, enosys, body);
        }
        Block foreign = BpfAssembler.ret(SeccompProfile.RET_ERRNO | EPERM);
        Block program =
                BpfAssembler.load(BpfAssembler.OFFSET_ARCH)
                        .then(
                                BpfAssembler.ifEqual(
                                        architecture.auditArch(),
                                        BpfAssembler.load(BpfAssembler.OFFSET_NR).then(body),
                                        foreign));
        byte[] bytes = BpfAssembler.encode(program);
        return new SeccompFilter(bytes, profile.flags(), sha256(bytes));
    }

    private boolean counts(Rule rule, Set<String> held) {
        var only = rule.onlyWith();
        var not = rule.notWith();
        return held.containsAll(only.capabilities())
                && (only.architectures().isEmpty()
                        || only.architectures().contains(architecture.profileName()))
                && only.minKernel().map(v -> KernelVersion.atLeast(kernel, v)).orElse(true)
                && not.capabilities().stream().noneMatch(held::contains)
                && !not.architectures().contains(architecture.profileName())
                && !not.minKernel().map(v -> KernelVersion.atLeast(kernel, v)).orElse(false);
    }

    /** From this number up to the next range's: the code that decides. */
    private record Range(int from, Block verdict) {}

    private static List<Range> ranges(
            Map<Integer, List<Alternative>> calls, int defaultAction, int newest, int beyond)
            throws IsolatorException {
        List<Range> ranges = new ArrayList<>();
        List<Alternative> before = null;
        for (int number = 0; number <= newest; number++) {
            List<Alternative> verdict = simplified(calls.get(number), defaultAction);
            if (!verdict.equals(before)) {
                ranges.add(new Range(number, verdict(verdict)));
                before = verdict;
            }
        }
        List<Alternative> last = List.of(new Alternative(List.of(), beyond));
        if (!last.equals(before)) {
            ranges.add(new Range(newest + 1, verdict(last)));
        }
        return ranges;
    }

    /** Cuts what comes after an unconditional alternative, and ends every list with one. */
    private static List<Alternative> simplified(
            @org.jspecify.annotations.Nullable List<Alternative> alternatives, int defaultAction) {
        List<Alternative> result = new ArrayList<>();
        for (Alternative alternative :
                alternatives == null ? List.<Alternative>of() : alternatives) {
            result.add(alternative);
            if (alternative.conditions().isEmpty()) {
                break;
            }
        }
        if (result.isEmpty() || !result.getLast().conditions().isEmpty()) {
            result.add(new Alternative(List.of(), defaultAction));
        }
        int action = result.getLast().action();
        while (result.size() > 1 && result.get(result.size() - 2).action() == action) {
            result.remove(result.size() - 2);
        }
        return result;
    }

    private static Block verdict(List<Alternative> alternatives) throws IsolatorException {
        Block block = BpfAssembler.ret(alternatives.getLast().action());
        for (Alternative alternative : alternatives.reversed()) {
            if (!alternative.conditions().isEmpty()) {
                block = BpfAssembler.rule(alternative.conditions(), alternative.action(), block);
            }
        }
        return block;
    }

    private static Block tree(List<Range> ranges) {
        if (ranges.size() == 1) {
            return ranges.getFirst().verdict();
        }
        int middle = ranges.size() / 2;
        return BpfAssembler.ifAtLeast(
                ranges.get(middle).from(),
                tree(ranges.subList(middle, ranges.size())),
                tree(ranges.subList(0, middle)));
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
