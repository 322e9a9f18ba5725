package dev.berth.nvml;

/** Is told around every call into the library, on the calling thread: how somebody else can know what a thread that does not come back is in. */
public interface NvmlCallObserver {
    NvmlCallObserver NONE =
            new NvmlCallObserver() {
                @Override
                public void before(NvmlSymbol symbol) {}

                @Override
                public void after() {}
            };

    void before(NvmlSymbol symbol);

    void after();
}
