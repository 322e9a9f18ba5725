package dev.berth.isolator.cgroup2.devices;

import dev.berth.isolator.ContainerConfig.DeviceRule;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;

/**
 * A device program in eBPF, from ordered rules.
 *
 * <p>Meaning: of an access (any of read, write, mknod) each kind is decided by the last rule that matches the device and names the kind; kinds that no rule names are denied; the access is allowed when all its kinds
 * are. The program walks the rules from the last to the first: an allowing rule strikes its kinds off the access and says yes when none is left, a denying one says no when it names one that is left.
 *
 * <p>The context is {@code struct bpf_cgroup_dev_ctx {u32 access_type; u32 major; u32 minor}}: the low half of {@code access_type} is 1 for block and 2 for character devices, the high half the access: 1 mknod, 2
 * read, 4 write.
 *
 * @param instructions 8 bytes each, little-endian; the array is shared, nobody writes it
 * @param hash SHA-256 of them
 */
@SuppressWarnings("ArrayRecordComponent") // the hash is its identity
record DeviceProgram(byte[] instructions, String hash) {
    private static final int MKNOD = 1;
    private static final int READ = 2;
    private static final int WRITE = 4;

    private static final int LDX_W = 0x61;
    private static final int MOV_K = 0xb7;
    private static final int MOV_X = 0xbf;
    private static final int AND32_K = 0x54;
    private static final int AND_K = 0x57;
    private static final int RSH_K = 0x77;
    private static final int JEQ_K = 0x15;
    private static final int JNE_K = 0x55;
    private static final int EXIT = 0x95;

    private static final int R0 = 0;
    private static final int R1 = 1;
    private static final int TYPE = 2;
    private static final int ACCESS = 3;
    private static final int MAJOR = 4;
    private static final int MINOR = 5;

    static DeviceProgram of(List<DeviceRule> rules) {
        List<Long> code = new ArrayList<>();
        code.add(instruction(LDX_W, TYPE, R1, 0, 0));
        code.add(instruction(MOV_X, ACCESS, TYPE, 0, 0));
        code.add(instruction(RSH_K, ACCESS, 0, 0, 16));
        code.add(instruction(AND32_K, TYPE, 0, 0, 0xffff));
        code.add(instruction(LDX_W, MAJOR, R1, 4, 0));
        code.add(instruction(LDX_W, MINOR, R1, 8, 0));
        for (DeviceRule rule : minimal(rules).reversed()) {
            block(code, rule);
        }
        verdict(code, 0);
        ByteBuffer bytes = ByteBuffer.allocate(code.size() * 8).order(ByteOrder.LITTLE_ENDIAN);
        code.forEach(bytes::putLong);
        return new DeviceProgram(bytes.array(), sha256(bytes.array()));
    }

    /** Tests of the device that jump over the rest of the block, then the rule's effect on the access. */
    private static void block(List<Long> code, DeviceRule rule) {
        List<Long> effect = new ArrayList<>();
        int mask = mask(rule.access());
        if (rule.allow()) {
            effect.add(instruction(AND_K, ACCESS, 0, 0, ~mask));
            effect.add(instruction(JNE_K, ACCESS, 0, 2, 0));
            verdict(effect, 1);
        } else {
            effect.add(instruction(MOV_X, R1, ACCESS, 0, 0));
            effect.add(instruction(AND_K, R1, 0, 0, mask));
            effect.add(instruction(JEQ_K, R1, 0, 2, 0));
            verdict(effect, 0);
        }
        int rest = effect.size();
        List<Long> tests = new ArrayList<>();
        if (rule.minor().isPresent()) {
            tests.addFirst(instruction(JNE_K, MINOR, 0, rest, rule.minor().getAsInt()));
            rest++;
        }
        if (rule.major().isPresent()) {
            tests.addFirst(instruction(JNE_K, MAJOR, 0, rest, rule.major().getAsInt()));
            rest++;
        }
        if (rule.type() != 'a') {
            tests.addFirst(instruction(JNE_K, TYPE, 0, rest, rule.type() == 'b' ? 1 : 2));
        }
        code.addAll(tests);
        code.addAll(effect);
    }

    private static void verdict(List<Long> code, int allow) {
        code.add(instruction(MOV_K, R0, 0, 0, allow));
        code.add(instruction(EXIT, 0, 0, 0, 0));
    }

    /** Without rules that a later one covers, and without denials that nothing before them could have allowed. */
    static List<DeviceRule> minimal(List<DeviceRule> rules) {
        List<DeviceRule> kept = new ArrayList<>();
        for (int i = rules.size() - 1; i >= 0; i--) {
            DeviceRule rule = rules.get(i);
            if (kept.stream().noneMatch(later -> covers(later, rule))) {
                kept.addFirst(rule);
            }
        }
        while (!kept.isEmpty() && !kept.getFirst().allow()) {
            kept.removeFirst();
        }
        return kept;
    }

    private static boolean covers(DeviceRule later, DeviceRule rule) {
        return (later.type() == 'a' || later.type() == rule.type())
                && covers(later.major(), rule.major())
                && covers(later.minor(), rule.minor())
                && (mask(rule.access()) & ~mask(later.access())) == 0;
    }

    private static boolean covers(OptionalInt later, OptionalInt rule) {
        return later.isEmpty() || later.equals(rule);
    }

    private static int mask(String access) {
        return (access.indexOf('m') >= 0 ? MKNOD : 0)
                | (access.indexOf('r') >= 0 ? READ : 0)
                | (access.indexOf('w') >= 0 ? WRITE : 0);
    }

    /** {@code struct bpf_insn} {u8 code, u4 dst, u4 src, s16 off, s32 imm} as the little-endian 64-bit word that it is. */
    private static long instruction(int code, int dst, int src, int off, int imm) {
        return (imm & 0xffffffffL) << 32
                | (off & 0xffffL) << 16
                | (long) src << 12
                | (long) dst << 8
                | code;
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof DeviceProgram p && p.hash.equals(hash);
    }

    @Override
    public int hashCode() {
        return hash.hashCode();
    }

    @Override
    public String toString() {
        return "device program " + hash.substring(0, 12);
    }
}
