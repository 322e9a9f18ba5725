package dev.berth.isolator.cgroup2;

import java.util.List;

/** The controllers that we know. */
final class Controllers {
    static final Controller MEMORY = new MemoryController();

    /** All, in the order in which limits are applied. */
    static final List<Controller> ALL =
            List.of(
                    new PidsController(),
                    MEMORY,
                    new IoController(),
                    new CpuController(),
                    new CpusetController());

    private Controllers() {}
}
