package dev.berth.linux;

/** A descriptor number without ownership; see {@link Fd#borrowed}. */
record BorrowedFd(int number) implements Fd {}
