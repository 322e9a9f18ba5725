package dev.berth.tests.arch;

import dev.berth.linux.Arch;
import dev.berth.linux.Errno;
import dev.berth.linux.SyscallNumber;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Everything that the bindings and the lowering of launch programs declare after the kernel's headers, read from their classes: a new constant is checked without being listed here. */
final class DeclaredKernelFacts {
    /** Classes that hold nothing but constants under their C names. */
    private static final List<String> CONSTANTS =
            List.of(
                    "dev.berth.linux.Abi",
                    "dev.berth.linux.At",
                    "dev.berth.linux.CloneFlags",
                    "dev.berth.linux.FileMode",
                    "dev.berth.linux.FsMagic",
                    "dev.berth.linux.Inotify",
                    "dev.berth.linux.Memfd",
                    "dev.berth.linux.MountFlags",
                    "dev.berth.linux.Open",
                    "dev.berth.linux.Poll",
                    "dev.berth.linux.Resolve",
                    "dev.berth.linux.Rlimit",
                    "dev.berth.linux.Signal",
                    "dev.berth.containerizer.launch.Uapi");

    private static final String STRUCTS = "dev.berth.linux.Abi";
    private static final String CALLS = "dev.berth.containerizer.launch.Call";

    /** The few that do not carry their C name. */
    private static final Map<String, String> C_NAMES =
            Map.of(
                    "CAPABILITY_VERSION_3", "_LINUX_CAPABILITY_VERSION_3",
                    "CAP_LAST_KNOWN", "CAP_CHECKPOINT_RESTORE",
                    "bpf_attr", "union bpf_attr",
                    // The kernel's is in no header; the C library's has the same layout.
                    "linux_dirent64", "struct dirent64",
                    // The C library's, which is longer than the kernel's.
                    "sigset_t", "__sigset_t");

    private DeclaredKernelFacts() {}

    /** Constants, struct sizes, offsets and error numbers. */
    static List<KernelFact> ofThisArchitecture() throws ReflectiveOperationException {
        List<KernelFact> facts = new ArrayList<>();
        for (String name : CONSTANTS) {
            Class<?> type = Class.forName(name);
            for (Field field : constants(type)) {
                String c = C_NAMES.getOrDefault(field.getName(), field.getName());
                facts.add(fact(type, field, c));
            }
        }
        for (Class<?> struct : Class.forName(STRUCTS).getDeclaredClasses()) {
            for (Field field : constants(struct)) {
                facts.add(fact(struct, field, layoutExpression(struct, field)));
            }
        }
        for (Errno errno : Errno.values()) {
            if (errno != Errno.UNKNOWN) {
                facts.add(new KernelFact("Errno." + errno.name(), errno.name(), errno.number()));
            }
        }
        return facts;
    }

    /** System call numbers. */
    static List<KernelFact> calls(Arch arch) throws ReflectiveOperationException {
        List<KernelFact> facts = new ArrayList<>();
        for (SyscallNumber call : SyscallNumber.values()) {
            String c = "__NR_" + call.name();
            facts.add(new KernelFact("SyscallNumber." + call.name(), c, call.number(arch)));
        }
        Class<?> calls = Class.forName(CALLS);
        Field name = open(calls.getDeclaredField("manName"));
        Field number = open(calls.getDeclaredField(arch == Arch.X86_64 ? "x86" : "arm"));
        for (Object call : calls.getEnumConstants()) {
            String c = "__NR_" + name.get(call);
            facts.add(new KernelFact("Call." + call, c, number.getInt(call)));
        }
        return facts;
    }

    /** What jextract must be asked for to see all of the module's declarations, as its {@code --include-*} options. */
    static Set<String> jextractSymbols() throws ReflectiveOperationException {
        Set<String> symbols = new TreeSet<>();
        for (String name : CONSTANTS) {
            if (name.startsWith("dev.berth.linux.")) {
                for (Field field : constants(Class.forName(name))) {
                    symbols.add("--include-constant " + field.getName());
                }
            }
        }
        for (SyscallNumber call : SyscallNumber.values()) {
            symbols.add("--include-constant __NR_" + call.name());
        }
        for (Errno errno : Errno.values()) {
            if (errno != Errno.UNKNOWN) {
                symbols.add("--include-constant " + errno.name());
            }
        }
        for (Class<?> struct : Class.forName(STRUCTS).getDeclaredClasses()) {
            String[] words = cType(struct).split(" ");
            String kind = words.length == 1 ? "typedef" : words[0];
            symbols.add("--include-" + kind + " " + words[words.length - 1]);
        }
        return symbols;
    }

    private static String layoutExpression(Class<?> struct, Field field) {
        if (field.getName().equals("sizeof")) {
            return "sizeof(" + cType(struct) + ")";
        }
        if (!field.getName().endsWith("$offset")) {
            throw new IllegalStateException(field + " is neither sizeof nor an offset");
        }
        String member = field.getName().replace("$offset", "").replace('$', '.');
        return "offsetof(" + cType(struct) + ", " + member + ")";
    }

    private static String cType(Class<?> struct) {
        String name = struct.getSimpleName();
        return C_NAMES.getOrDefault(name, name.endsWith("_t") ? name : "struct " + name);
    }

    private static List<Field> constants(Class<?> type) {
        List<Field> found = new ArrayList<>();
        for (Field field : type.getDeclaredFields()) {
            boolean number = field.getType() == int.class || field.getType() == long.class;
            if (Modifier.isStatic(field.getModifiers()) && number && !field.isSynthetic()) {
                found.add(open(field));
            }
        }
        return found;
    }

    private static KernelFact fact(Class<?> type, Field field, String expression)
            throws ReflectiveOperationException {
        String name = type.getName().replaceFirst(".*\\.", "").replace('$', '.');
        return new KernelFact(name + "." + field.getName(), expression, field.getLong(null));
    }

    private static Field open(Field field) {
        field.setAccessible(true);
        return field;
    }
}
