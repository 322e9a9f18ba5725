package dev.berth.isolator.seccomp;

/** Kernel versions as {@code {major, minor}}. */
final class KernelVersion {
    private KernelVersion() {}

    /** From {@code 6.18.44-anything}; an empty array when the text does not begin with two numbers. */
    static int[] parse(String release) {
        int dot = release.indexOf('.');
        int end = dot + 1;
        while (end < release.length() && Character.isDigit(release.charAt(end))) {
            end++;
        }
        if (dot < 1 || dot > 4 || end == dot + 1 || end > dot + 5) {
            return new int[0];
        }
        String major = release.substring(0, dot);
        if (!major.chars().allMatch(Character::isDigit)) {
            return new int[0];
        }
        return new int[] {
            Integer.parseInt(major), Integer.parseInt(release.substring(dot + 1, end))
        };
    }

    static boolean atLeast(int[] version, int[] wanted) {
        return version[0] != wanted[0] ? version[0] > wanted[0] : version[1] >= wanted[1];
    }
}
