package dev.berth.gpu.nvml;

import dev.berth.nvml.NvmlException;
import dev.berth.nvml.NvmlReturn;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/** Asks what a device may or may not be able to tell, and remembers what it cannot. */
final class Questions {
    /** A call. */
    interface Question<T> {
        T ask() throws NvmlException;
    }

    private record Key(int device, String name) {}

    private final Set<Key> vain = new HashSet<>();

    /**
     * The answer, or empty: not supported, not there in this driver, or not now.
     *
     * @param name of the question, to remember by
     * @throws NvmlException the device as a whole cannot be asked: {@link #fatal}
     */
    <T> Optional<T> ask(int device, String name, Question<T> question) throws NvmlException {
        Key key = new Key(device, name);
        if (vain.contains(key)) {
            return Optional.empty();
        }
        try {
            return Optional.of(question.ask());
        } catch (NvmlException e) {
            if (fatal(e.returned())) {
                throw e;
            }
            if (e.returned().lasting()) {
                vain.add(key);
            }
            return Optional.empty();
        }
    }

    /** Another answer may come after a reset, a mode change or another driver. */
    void forget() {
        vain.clear();
    }

    /** Further calls on the device are of no use. */
    static boolean fatal(NvmlReturn returned) {
        return returned == NvmlReturn.GPU_IS_LOST
                || returned == NvmlReturn.RESET_REQUIRED
                || returned == NvmlReturn.UNINITIALIZED;
    }
}
