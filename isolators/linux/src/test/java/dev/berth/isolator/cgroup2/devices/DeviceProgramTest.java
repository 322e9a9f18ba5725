package dev.berth.isolator.cgroup2.devices;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.isolator.ContainerConfig.DeviceRule;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;

class DeviceProgramTest {
    private static final OptionalInt ANY = OptionalInt.empty();
    private static final int[] MAJORS = {
        0, 1, 5, 8, 136, 195, 195 + 65536, 1 << 20, Integer.MAX_VALUE
    };
    private static final int[] MINORS = {0, 1, 3, 255, 256, 1 << 20, Integer.MAX_VALUE};

    /** Kind by kind, the last rule that names it. */
    private static boolean naive(
            List<DeviceRule> rules, int type, int access, int major, int minor) {
        boolean anyAllow = false;
        for (DeviceRule rule : rules) {
            anyAllow |= rule.allow() && fits(rule, type, major, minor);
        }
        String kinds =
                ((access & 1) != 0 ? "m" : "")
                        + ((access & 2) != 0 ? "r" : "")
                        + ((access & 4) != 0 ? "w" : "");
        for (char kind : kinds.toCharArray()) {
            boolean allowed = false;
            for (DeviceRule rule : rules) {
                if (fits(rule, type, major, minor) && rule.access().indexOf(kind) >= 0) {
                    allowed = rule.allow();
                }
            }
            if (!allowed) {
                return false;
            }
        }
        return anyAllow;
    }

    private static boolean fits(DeviceRule rule, int type, int major, int minor) {
        return (rule.type() == 'a' || rule.type() == (type == 1 ? 'b' : 'c'))
                && (rule.major().isEmpty() || rule.major().getAsInt() == major)
                && (rule.minor().isEmpty() || rule.minor().getAsInt() == minor);
    }

    private static void assertAgrees(List<DeviceRule> rules) {
        byte[] program = DeviceProgram.of(rules).instructions();
        for (int type = 1; type <= 2; type++) {
            for (int access = 1; access <= 7; access++) {
                for (int major : MAJORS) {
                    for (int minor : MINORS) {
                        assertThat(EbpfInterpreter.allows(program, type, access, major, minor))
                                .as(
                                        "%s: type %d access %d %d:%d",
                                        rules, type, access, major, minor)
                                .isEqualTo(naive(rules, type, access, major, minor));
                    }
                }
            }
        }
    }

    private static DeviceRule rule(boolean allow, char type, int major, int minor, String access) {
        return new DeviceRule(
                allow,
                type,
                major < 0 ? ANY : OptionalInt.of(major),
                minor < 0 ? ANY : OptionalInt.of(minor),
                access);
    }

    @Test
    void nothingIsAllowedWithoutRules() {
        assertAgrees(List.of());
        assertThat(DeviceProgram.of(List.of()).instructions()).hasSize(8 * 8);
    }

    @Test
    void defaultDevicesAndNothingElse() {
        assertAgrees(DeviceRules.DEFAULTS);
        byte[] program = DeviceProgram.of(DeviceRules.DEFAULTS).instructions();
        assertThat(EbpfInterpreter.allows(program, 2, 6, 1, 3)).isTrue();
        assertThat(EbpfInterpreter.allows(program, 2, 6, 136, 77)).isTrue();
        assertThat(EbpfInterpreter.allows(program, 2, 6, 195, 0)).isFalse();
        assertThat(EbpfInterpreter.allows(program, 2, 1, 195, 0)).as("mknod of anything").isFalse();
        assertThat(EbpfInterpreter.allows(program, 1, 2, 1, 3)).as("a block device").isFalse();
        assertThat(EbpfInterpreter.allows(program, 2, 2, 5, 1)).as("the host's console").isFalse();
    }

    @Test
    void laterRulesWinPerKindOfAccess() {
        assertAgrees(
                List.of(
                        rule(true, 'a', -1, -1, "rwm"),
                        rule(false, 'c', 195, -1, "w"),
                        rule(true, 'c', 195, 3, "w"),
                        rule(false, 'b', 8, -1, "rwm")));
        assertAgrees(List.of(rule(true, 'c', 5, -1, "r"), rule(true, 'c', -1, 1, "w")));
    }

    @Test
    void randomRuleListsAgreeWithTheNaiveReading() {
        Random random = new Random(Long.getLong("berth.seed", 20261122));
        String[] accesses = {"r", "w", "m", "rw", "rm", "wm", "rwm"};
        for (int i = 0; i < 400; i++) {
            List<DeviceRule> rules = new ArrayList<>();
            for (int n = random.nextInt(9); n > 0; n--) {
                rules.add(
                        rule(
                                random.nextInt(3) > 0,
                                "abc".charAt(random.nextInt(3)),
                                random.nextInt(3) == 0 ? -1 : MAJORS[random.nextInt(MAJORS.length)],
                                random.nextInt(3) == 0 ? -1 : MINORS[random.nextInt(MINORS.length)],
                                accesses[random.nextInt(accesses.length)]));
            }
            assertAgrees(rules);
        }
    }

    @Test
    void coveredRulesCostNothing() {
        List<DeviceRule> all = List.of(rule(true, 'a', -1, -1, "rwm"));
        List<DeviceRule> noisy =
                List.of(
                        rule(false, 'a', -1, -1, "rwm"),
                        rule(true, 'c', 1, 3, "rw"),
                        rule(false, 'c', 1, 3, "r"),
                        rule(true, 'a', -1, -1, "rwm"));
        assertThat(DeviceProgram.of(noisy)).isEqualTo(DeviceProgram.of(all));
        assertThat(DeviceProgram.minimal(List.of(rule(false, 'c', 1, 3, "r")))).isEmpty();
    }
}
