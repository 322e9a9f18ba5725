package dev.berth.linux;

/** One entry of a directory: {@code type} is a {@code DT_*} value of {@code readdir(3)}. */
public record DirEntry(String name, long inode, int type) {}
