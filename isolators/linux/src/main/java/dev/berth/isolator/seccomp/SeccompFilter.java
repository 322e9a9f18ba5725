package dev.berth.isolator.seccomp;

/**
 * A compiled filter.
 *
 * @param instructions {@code struct sock_filter}s of 8 bytes in the machine's byte order (little-endian): what {@code sock_fprog.filter} points to; the array is shared, nobody writes it
 * @param flags {@code SECCOMP_FILTER_FLAG_*} for {@code seccomp(2)}
 * @param hash SHA-256 of the instructions, 64 lower-case hexadecimal digits
 */
@SuppressWarnings("ArrayRecordComponent") // never compared: the hash is its identity
public record SeccompFilter(byte[] instructions, long flags, String hash) {
    /** {@code sock_fprog.len}. */
    public int length() {
        return instructions.length / 8;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SeccompFilter f && f.hash.equals(hash) && f.flags == flags;
    }

    @Override
    public int hashCode() {
        return hash.hashCode();
    }

    @Override
    public String toString() {
        return "seccomp filter " + hash.substring(0, 12) + ", " + length() + " instructions";
    }
}
