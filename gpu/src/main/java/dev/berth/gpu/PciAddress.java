package dev.berth.gpu;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a device sits on PCI. NVML prints eight digits of domain, the kernel four: both are read, the kernel's form is written.
 *
 * @param domain 0 to 0xffffffff
 */
public record PciAddress(int domain, int bus, int device, int function)
        implements Comparable<PciAddress> {
    private static final Pattern FORM =
            Pattern.compile(
                    "(?:([0-9a-fA-F]{4,8}):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})(?:\\.([0-7]))?");

    /** Reads {@code 0000:3b:00.0}, {@code 00000000:3B:00.0} and the short forms without domain or function; empty when it is none of them. */
    public static Optional<PciAddress> parse(String text) {
        Matcher found = FORM.matcher(text.strip());
        if (!found.matches()) {
            return Optional.empty();
        }
        return Optional.of(
                new PciAddress(
                        found.group(1) == null ? 0 : Integer.parseUnsignedInt(found.group(1), 16),
                        Integer.parseInt(found.group(2), 16),
                        Integer.parseInt(found.group(3), 16),
                        found.group(4) == null ? 0 : Integer.parseInt(found.group(4))));
    }

    @Override
    public int compareTo(PciAddress other) {
        int order = Integer.compareUnsigned(domain, other.domain);
        order = order != 0 ? order : Integer.compare(bus, other.bus);
        order = order != 0 ? order : Integer.compare(device, other.device);
        return order != 0 ? order : Integer.compare(function, other.function);
    }

    /** As sysfs names it, such as {@code 0000:3b:00.0}. */
    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%04x:%02x:%02x.%d", domain, bus, device, function);
    }
}
