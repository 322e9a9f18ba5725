package dev.berth.agent.cli.run;

import dev.berth.agent.cli.args.UsageException;

import java.math.BigDecimal;
import java.util.Locale;

/** Numbers with units as docker's flags take them. */
final class Sizes {
    private Sizes() {}

    /** Bytes: {@code 512m}, {@code 1.5g}, {@code 1024}, {@code 64KiB}; powers of 1024. */
    static long bytes(String flag, String text) throws UsageException {
        String lower = text.toLowerCase(Locale.ROOT);
        int end = 0;
        while (end < lower.length()
                && (Character.isDigit(lower.charAt(end)) || lower.charAt(end) == '.')) {
            end++;
        }
        int power =
                switch (lower.substring(end)) {
                    case "", "b" -> 0;
                    case "k", "kb", "kib" -> 1;
                    case "m", "mb", "mib" -> 2;
                    case "g", "gb", "gib" -> 3;
                    case "t", "tb", "tib" -> 4;
                    default -> -1;
                };
        try {
            if (power >= 0 && end > 0) {
                return new BigDecimal(lower.substring(0, end))
                        .multiply(BigDecimal.valueOf(1L << (10 * power)))
                        .toBigInteger()
                        .longValueExact();
            }
        } catch (NumberFormatException e) {
            throw bad(flag, text);
        } catch (ArithmeticException e) {
            throw new UsageException("--" + flag + ": too large: " + text);
        }
        throw bad(flag, text);
    }

    private static UsageException bad(String flag, String text) {
        return new UsageException(
                "--" + flag + ": want a size such as 512m or 2g, got '" + text + "'");
    }

    /** Billionths of a processor: {@code 1.5} is 1,500,000,000. */
    static long nanoCpus(String text) throws UsageException {
        try {
            BigDecimal cpus = new BigDecimal(text);
            if (cpus.signum() > 0) {
                return cpus.movePointRight(9).longValueExact();
            }
        } catch (NumberFormatException e) {
            // The one message below.
        } catch (ArithmeticException e) {
            throw new UsageException("--cpus: more than nine decimals: " + text);
        }
        throw new UsageException(
                "--cpus: want a number of processors such as 1.5, got '" + text + "'");
    }
}
