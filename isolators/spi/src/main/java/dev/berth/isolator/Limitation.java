package dev.berth.isolator;

/** Something that a container ran into. */
public enum Limitation {
    /** The kernel killed a process of it for want of memory. */
    OOM
}
