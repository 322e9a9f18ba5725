import java.lang.foreign.MemoryLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.List;

/** Run by compare.sh: holds every number of the bindings against the classes that jextract generated, and ends with 1 when one differs. */
class CompareLayouts {
    private static final List<String> PACKAGES = List.of("kernel", "libc");
    private static final List<String> CONSTANTS =
            List.of(
                    "Abi", "At", "CloneFlags", "FileMode", "FsMagic", "Inotify", "Memfd",
                    "MountFlags", "Open", "Poll", "Resolve", "Rlimit", "Signal");
    private static int compared;
    private static int differing;
    private static int unknown;

    public static void main(String[] args) throws ReflectiveOperationException {
        for (String name : CONSTANTS) {
            for (Field field : Class.forName("dev.berth.linux." + name).getDeclaredFields()) {
                compare(field, "headers_h", field.getName());
            }
        }
        for (Class<?> struct : Class.forName("dev.berth.linux.Abi").getDeclaredClasses()) {
            for (Field field : struct.getDeclaredFields()) {
                String type = struct.getSimpleName();
                String generated = type.equals("linux_dirent64") ? "dirent64" : type;
                compare(field, generated, field.getName());
            }
        }
        System.out.printf(
                "%d compared, %d differ, %d unknown to jextract%n", compared, differing, unknown);
        System.exit(differing == 0 && compared > 0 ? 0 : 1);
    }

    private static void compare(Field field, String type, String member)
            throws ReflectiveOperationException {
        boolean number = field.getType() == int.class || field.getType() == long.class;
        if (!number || !Modifier.isStatic(field.getModifiers())) {
            return;
        }
        field.setAccessible(true);
        long ours = field.getLong(null);
        boolean found = false;
        for (String generated : PACKAGES) {
            Number theirs;
            try {
                theirs = value(Class.forName(generated + "." + type), member);
            } catch (ClassNotFoundException | NoSuchMethodException e) {
                continue;
            }
            found = true;
            compared++;
            // jextract gives an unsigned int macro as an int.
            if (theirs.longValue() != ours && (theirs.longValue() & 0xffffffffL) != ours) {
                differing++;
                System.out.println(field + " is " + ours + ", in " + generated + " " + theirs);
            }
        }
        if (!found) {
            unknown++;
            System.out.println(field + " is unknown to jextract");
        }
    }

    private static Number value(Class<?> type, String member) throws ReflectiveOperationException {
        if (member.equals("sizeof")) {
            return ((MemoryLayout) call(type, "layout")).byteSize();
        }
        return (Number) call(type, member);
    }

    private static Object call(Class<?> type, String method) throws ReflectiveOperationException {
        Method found = type.getMethod(method);
        found.setAccessible(true);
        return found.invoke(null);
    }
}
