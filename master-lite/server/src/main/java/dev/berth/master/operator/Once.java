package dev.berth.master.operator;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.function.Supplier;

/** Makes a value when it is first asked for. Any thread; two that ask at the same time may both make it. */
final class Once<T> implements Supplier<T> {
    private volatile @Nullable T made;
    private volatile @Nullable Supplier<T> make;

    Once(Supplier<T> make) {
        this.make = make;
    }

    @Override
    public T get() {
        Supplier<T> maker = make;
        if (maker != null) {
            made = maker.get();
            make = null;
        }
        return Objects.requireNonNull(made);
    }
}
