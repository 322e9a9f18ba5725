package dev.berth.linux;

/** {@code struct open_how} of {@code openat2(2)}. */
public record OpenHow(long flags, long mode, long resolve) {}
