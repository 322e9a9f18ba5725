package dev.berth.containerizer.log;

/**
 * One line, or a piece of one that is longer than 16 KiB.
 *
 * @param realtimeNs of its first byte
 * @param bytes with the newline if it had one: pieces and the last line of a run have none
 */
public record LogLine(LogStream stream, long realtimeNs, byte[] bytes) {}
