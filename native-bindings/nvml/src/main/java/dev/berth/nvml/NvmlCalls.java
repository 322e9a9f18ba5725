package dev.berth.nvml;

import com.sun.jna.Function;
import com.sun.jna.Library;
import com.sun.jna.NativeLibrary;
import com.sun.jna.ptr.IntByReference;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The library's functions by symbol, looked up when they are first called. Thread: any. */
final class NvmlCalls {
    private final NativeLibrary library;
    private final NvmlCallObserver observer;
    private final Map<NvmlSymbol, Optional<Function>> functions = new ConcurrentHashMap<>();

    private NvmlCalls(NativeLibrary library, NvmlCallObserver observer) {
        this.library = library;
        this.observer = observer;
    }

    static NvmlCalls load(Path path, NvmlCallObserver observer) throws NvmlException {
        try {
            // SAFETY: loading runs the library's constructors. The path comes from the operator or
            // from the host's own library directories.
            NativeLibrary library =
                    NativeLibrary.getInstance(
                            path.toAbsolutePath().toString(),
                            Map.of(Library.OPTION_STRING_ENCODING, "UTF-8"));
            return new NvmlCalls(library, observer);
        } catch (UnsatisfiedLinkError e) {
            String first = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            throw new NvmlException(
                    "dlopen", NvmlReturn.LIBRARY_NOT_FOUND.code(), path + ": " + first);
        }
    }

    void close() {
        library.close();
    }

    private Optional<Function> find(NvmlSymbol symbol) {
        return functions.computeIfAbsent(
                symbol,
                wanted -> {
                    try {
                        return Optional.of(library.getFunction(wanted.name()));
                    } catch (UnsatisfiedLinkError e) {
                        return Optional.empty();
                    }
                });
    }

    /** The number that the function returned; {@link NvmlReturn#FUNCTION_NOT_FOUND} when the library does not have it. */
    int call(NvmlSymbol symbol, Object... arguments) {
        Optional<Function> function = find(symbol);
        if (function.isEmpty()) {
            return NvmlReturn.FUNCTION_NOT_FOUND.code();
        }
        observer.before(symbol);
        try {
            // SAFETY: the arguments are those of the symbol's C declaration; every caller is in
            // this package, the structs are proved by NvmlLayout.
            return function.get().invokeInt(arguments);
        } finally {
            observer.after();
        }
    }

    void check(NvmlSymbol symbol, Object... arguments) throws NvmlException {
        int code = call(symbol, arguments);
        if (code != NvmlReturn.SUCCESS.code()) {
            throw failure(symbol, code);
        }
    }

    NvmlException failure(NvmlSymbol symbol, int code) {
        return new NvmlException(symbol.name(), code);
    }

    /** A function whose last argument is an {@code unsigned int *} or {@code int *}. */
    int integer(NvmlSymbol symbol, Object... before) throws NvmlException {
        IntByReference value = new IntByReference();
        check(symbol, appended(before, value));
        return value.getValue();
    }

    /** A function whose last arguments are a buffer and its length. */
    String text(NvmlSymbol symbol, int length, Object... before) throws NvmlException {
        byte[] buffer = new byte[length];
        check(symbol, appended(before, buffer, length));
        return text(buffer);
    }

    static Object[] appended(Object[] before, Object... last) {
        Object[] all = new Object[before.length + last.length];
        System.arraycopy(before, 0, all, 0, before.length);
        System.arraycopy(last, 0, all, before.length, last.length);
        return all;
    }

    /** Up to the first NUL, or all of it. */
    static String text(byte[] buffer) {
        int end = 0;
        while (end < buffer.length && buffer[end] != 0) {
            end++;
        }
        return new String(buffer, 0, end, StandardCharsets.UTF_8);
    }

    /** {@code const char *} of a number; empty when the library does not have the function. */
    Optional<String> words(int code) {
        return find(NvmlSymbol.nvmlErrorString)
                .map(function -> function.invokeString(new Object[] {code}, false));
    }
}
