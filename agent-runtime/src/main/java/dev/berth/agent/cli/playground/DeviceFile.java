package dev.berth.agent.cli.playground;

import dev.berth.agent.cli.json.Json;

/**
 * A device node as the API tells it.
 *
 * @param path where containers have it, such as {@code /dev/nvidia0}
 * @param type {@code c} or {@code b}
 */
public record DeviceFile(String path, char type, int major, int minor) {
    private static final String DEV = "/dev/";

    /** Of {@code {"Path","Type","Major","Minor"}}. */
    public static DeviceFile of(Json node) {
        return new DeviceFile(
                node.at("Path").text(),
                node.at("Type").text("c").charAt(0),
                (int) node.at("Major").number(),
                (int) node.at("Minor").number());
    }

    /** Its path without {@code /dev/}. */
    public String name() {
        return path.startsWith(DEV) ? path.substring(DEV.length()) : path.replaceFirst("^/+", "");
    }

    /** {@code c 195:0}. */
    public String number() {
        return type + " " + major + ":" + minor;
    }
}
