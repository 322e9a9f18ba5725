package dev.berth.gpu.driver;

import dev.berth.gpu.DeviceException;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** Parts of the driver that a container may ask for, with the names of NVIDIA_DRIVER_CAPABILITIES. */
public enum DriverCapability {
    COMPUTE,
    UTILITY,
    VIDEO,
    GRAPHICS,
    NGX,
    /** Graphics, and the nodes of mode setting. */
    DISPLAY,
    /** The 32-bit twins of the libraries of all that was asked for besides. */
    COMPAT32;

    /** What a container gets that asks for nothing in particular. */
    public static final Set<String> DEFAULT = Set.of("compute", "utility");

    /**
     * Reads names; {@code all} is all of them, none is {@link #DEFAULT}, and {@code gpu}, docker's word for the device itself, adds nothing.
     *
     * @throws DeviceException for an unknown name
     */
    public static EnumSet<DriverCapability> parse(Collection<String> names) throws DeviceException {
        EnumSet<DriverCapability> out = EnumSet.noneOf(DriverCapability.class);
        for (String name : names) {
            String clean = name.strip().toLowerCase(Locale.ROOT);
            if (clean.equals("all")) {
                return EnumSet.allOf(DriverCapability.class);
            }
            if (!clean.equals("gpu") && !clean.isEmpty()) {
                out.add(one(name, clean));
            }
        }
        if (out.isEmpty() || out.equals(EnumSet.of(COMPAT32))) {
            out.add(COMPUTE);
            out.add(UTILITY);
        }
        if (out.contains(DISPLAY)) {
            out.add(GRAPHICS);
        }
        return out;
    }

    private static DriverCapability one(String name, String clean) throws DeviceException {
        for (DriverCapability c : values()) {
            if (c.word().equals(clean)) {
                return c;
            }
        }
        throw new DeviceException(
                "unknown driver capability \""
                        + name
                        + "\": there are compute, utility, video, graphics, ngx, display, compat32 and all");
    }

    /** As users write it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
