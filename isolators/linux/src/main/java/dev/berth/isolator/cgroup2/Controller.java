package dev.berth.isolator.cgroup2;

import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.ResourceLimits;

import java.util.List;

/** A controller of the kernel: turns limits in OCI terms into the values of its files. Pure. */
sealed interface Controller
        permits PidsController, MemoryController, IoController, CpuController, CpusetController {
    /** The kernel's name, as in {@code cgroup.controllers}. */
    String name();

    /** Its name as a cgroup v1 controller. */
    default String legacyName() {
        return name();
    }

    /** What people call its limits, at the beginning of a sentence. */
    default String limits() {
        return name() + " limits";
    }

    /** Whether the limits ask anything of it. */
    boolean asked(ResourceLimits limits);

    /** What must be written, in order. */
    List<Setting> settings(ResourceLimits limits) throws IsolatorException;

    /** What is written into a new container's cgroup whatever its limits. */
    default List<Setting> defaults() {
        return List.of();
    }

    /**
     * One write.
     *
     * @param choices the first file that exists is written
     * @param optional whether nothing happens when none exists
     */
    record Setting(List<Choice> choices, boolean optional) {
        static Setting of(String file, String value) {
            return new Setting(List.of(new Choice(file, value)), false);
        }

        static Setting optional(String file, String value) {
            return new Setting(List.of(new Choice(file, value)), true);
        }
    }

    /** A file and what to write into it. */
    record Choice(String file, String value) {}
}
