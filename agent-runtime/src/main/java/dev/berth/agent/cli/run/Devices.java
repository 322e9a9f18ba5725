package dev.berth.agent.cli.run;

import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.json.Json;

import java.util.LinkedHashMap;
import java.util.Map;

/** {@code --device}, {@code --ulimit} and the rates of block devices. */
final class Devices {
    private Devices() {}

    /** {@code /dev/fuse}, {@code /dev/a:/dev/b}, {@code /dev/a:rw}, {@code /dev/a:/dev/b:r}. */
    static Json device(String text) throws UsageException {
        String[] parts = text.split(":", -1);
        String inside = parts[0];
        String access = "rwm";
        if (parts.length == 2) {
            if (isAccess(parts[1])) {
                access = parts[1];
            } else {
                inside = parts[1];
            }
        } else if (parts.length == 3) {
            inside = parts[1];
            access = parts[2];
        }
        if (!parts[0].startsWith("/")
                || !inside.startsWith("/")
                || !isAccess(access)
                || parts.length > 3) {
            throw new UsageException("--device: want /HOST[:/PATH][:rwm], got '" + text + "'");
        }
        Map<String, Json> device = new LinkedHashMap<>();
        device.put("PathOnHost", Json.of(parts[0]));
        device.put("PathInContainer", Json.of(inside));
        device.put("CgroupPermissions", Json.of(access));
        return Json.of(device);
    }

    private static boolean isAccess(String text) {
        return text.matches("[rwm]{1,3}");
    }

    /** {@code nofile=1024:2048}; one number is both. */
    static Json ulimit(String text) throws UsageException {
        int equals = text.indexOf('=');
        String[] numbers = equals < 0 ? new String[0] : text.substring(equals + 1).split(":", -1);
        if (equals > 0 && (numbers.length == 1 || numbers.length == 2)) {
            try {
                long soft = limit(numbers[0]);
                long hard = numbers.length == 2 ? limit(numbers[1]) : soft;
                Map<String, Json> ulimit = new LinkedHashMap<>();
                ulimit.put("Name", Json.of(text.substring(0, equals)));
                ulimit.put("Soft", Json.of(soft));
                ulimit.put("Hard", Json.of(hard));
                return Json.of(ulimit);
            } catch (NumberFormatException e) {
                throw new UsageException("--ulimit: not a number in '" + text + "'");
            }
        }
        throw new UsageException("--ulimit: want NAME=SOFT[:HARD], got '" + text + "'");
    }

    private static long limit(String text) {
        return text.equals("unlimited") ? -1 : Long.parseLong(text);
    }

    /** {@code /dev/sda:10mb} or {@code /dev/sda:1000}. */
    static Json rate(String flag, String text, boolean bytes) throws UsageException {
        int colon = text.lastIndexOf(':');
        if (colon <= 0) {
            throw new UsageException("--" + flag + ": want /DEVICE:RATE, got '" + text + "'");
        }
        String rate = text.substring(colon + 1);
        Map<String, Json> throttle = new LinkedHashMap<>();
        throttle.put("Path", Json.of(text.substring(0, colon)));
        try {
            throttle.put("Rate", Json.of(bytes ? Sizes.bytes(flag, rate) : Long.parseLong(rate)));
        } catch (NumberFormatException e) {
            throw new UsageException("--" + flag + ": not a number: '" + text + "'");
        }
        return Json.of(throttle);
    }
}
