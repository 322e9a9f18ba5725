package dev.berth.tests.root.escape;

import dev.berth.linux.At;
import dev.berth.linux.Bpf;
import dev.berth.linux.Epoll;
import dev.berth.linux.Files;
import dev.berth.linux.Linux;
import dev.berth.linux.Mounts;
import dev.berth.linux.Open;
import dev.berth.linux.OpenHow;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Processes;
import dev.berth.linux.Sockets;
import dev.berth.linux.Terminals;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.HashSet;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * This machine's kernel without some of the guards that the agent asks it for: the place where defences end that are no data of a plan. What is sent to the spawner goes through here as well, as the content of a memfd.
 *
 * @param files the changed facet
 */
record NaiveLinux(Files files) implements Linux {
    /** Lookups follow links wherever they lead, the agent's own and those of launch programs: no openat2 with RESOLVE_*, no O_NOFOLLOW, no look at a link instead of its target. */
    static Linux lookups() {
        return new NaiveLinux(proxy(NaiveLinux::follow, SentProgram::withNaiveLookups));
    }

    private static boolean follow(Method method, Object[] arguments) {
        switch (method.getName()) {
            case "openat2" -> {
                OpenHow how = (OpenHow) arguments[2];
                arguments[1] = ((String) arguments[1]).replaceFirst("^/+(?=.)", "");
                arguments[2] = new OpenHow(how.flags() & ~Open.O_NOFOLLOW, how.mode(), 0);
            }
            case "openat" -> arguments[2] = (int) arguments[2] & ~Open.O_NOFOLLOW;
            case "statx" -> arguments[2] = (int) arguments[2] & ~At.AT_SYMLINK_NOFOLLOW;
            default -> {
                // No lookup.
            }
        }
        return true;
    }

    /** Launch programs leave their descriptors to execve to close. */
    static Linux descriptors() {
        return new NaiveLinux(proxy((_, _) -> true, SentProgram::withDescriptorsUntilExec));
    }

    /** A cgroup is not killed as a whole, neither by the agent nor by the monitor. */
    static Linux cgroupKill() {
        return new NaiveLinux(
                proxy(
                        (method, arguments) ->
                                !method.getName().equals("writeFile")
                                        || !arguments[1].equals("cgroup.kill"),
                        SentProgram::withoutCgroupKill));
    }

    /** The shim's own memory is not sealed. */
    static Linux unsealedShim() {
        Set<Integer> shims = new HashSet<>();
        return new NaiveLinux(
                proxy(
                        (method, arguments) ->
                                !method.getName().equals("addSeals")
                                        || !shims.contains(((OwnedFd) arguments[0]).number()),
                        UnaryOperator.identity(),
                        shims));
    }

    /** May change arguments; false leaves the call out. */
    private interface Filter {
        boolean before(Method method, Object[] arguments);
    }

    private static Files proxy(Filter filter, UnaryOperator<byte[]> content) {
        return proxy(filter, content, new HashSet<>());
    }

    private static Files proxy(Filter filter, UnaryOperator<byte[]> content, Set<Integer> shims) {
        Files real = Linux.host().files();
        return (Files)
                Proxy.newProxyInstance(
                        Files.class.getClassLoader(),
                        new Class<?>[] {Files.class},
                        (_, method, given) -> {
                            Object[] arguments = given == null ? new Object[0] : given.clone();
                            if (method.getName().equals("writeAll")) {
                                arguments[1] = content.apply((byte[]) arguments[1]);
                            }
                            if (!filter.before(method, arguments)) {
                                return null;
                            }
                            try {
                                Object result = method.invoke(real, arguments);
                                if (method.getName().equals("memfdCreate")
                                        && arguments[0].equals("berth-shim")) {
                                    shims.add(((OwnedFd) result).number());
                                }
                                return result;
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }

    @Override
    public Mounts mounts() {
        return Linux.host().mounts();
    }

    @Override
    public Processes processes() {
        return Linux.host().processes();
    }

    @Override
    public Sockets sockets() {
        return Linux.host().sockets();
    }

    @Override
    public Bpf bpf() {
        return Linux.host().bpf();
    }

    @Override
    public Terminals terminals() {
        return Linux.host().terminals();
    }

    @Override
    public Epoll epoll() {
        return Linux.host().epoll();
    }
}
