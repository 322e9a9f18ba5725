package dev.berth.agent.cli.terminal;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.function.Consumer;

/**
 * Receives signals. It reaches {@code sun.misc.Signal} by reflection: the type is supported (jdk.unsupported) and there is no other way to take a signal in Java, but naming it in source is a compiler warning that no
 * annotation silences, and warnings are errors here.
 *
 * <p>Thread: handlers run on a thread of the JVM's, one for each signal.
 */
public final class Signals {
    private Signals() {}

    /**
     * Calls {@code handler} with the name at each arrival of the signal, instead of what the JVM or the kernel would do.
     *
     * @param name without SIG
     * @return false when the JVM keeps this signal for itself (QUIT, USR1, SEGV, KILL) or the platform has none of that name
     */
    public static boolean handle(String name, Consumer<String> handler) {
        try {
            Class<?> signalType = Class.forName("sun.misc.Signal");
            Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
            Object signal = signalType.getConstructor(String.class).newInstance(name);
            InvocationHandler invocation =
                    (proxy, method, arguments) ->
                            switch (method.getName()) {
                                case "handle" -> {
                                    handler.accept(name);
                                    yield null;
                                }
                                case "hashCode" -> System.identityHashCode(proxy);
                                case "equals" ->
                                        System.identityHashCode(proxy)
                                                == System.identityHashCode(arguments[0]);
                                default -> "handler of SIG" + name;
                            };
            Object proxy =
                    Proxy.newProxyInstance(
                            Signals.class.getClassLoader(),
                            new Class<?>[] {handlerType},
                            invocation);
            signalType.getMethod("handle", signalType, handlerType).invoke(null, signal, proxy);
            return true;
        } catch (ReflectiveOperationException e) {
            return false;
        }
    }
}
