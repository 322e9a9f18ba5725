package dev.berth.gpu.proc;

import dev.berth.gpu.PciAddress;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What one record of {@code /dev/kmsg} says of a GPU. Only the kernel's own records (facility 0) are believed: anybody with access to the device may write records, and the kernel gives those another facility.
 *
 * <p>Thread: any; pure. Source: Documentation/ABI/testing/dev-kmsg: {@code PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,…];TEXT}; lines that begin with a blank continue a record.
 */
sealed interface KmsgLine {
    /** Where the GPU, or the NVSwitch, sits. */
    PciAddress pci();

    /** {@code NVRM: Xid (PCI:0000:01:00): 43, pid=1234, name=python, Ch 00000008}. {@code words}: what comes after the number. */
    record Xid(PciAddress pci, int code, OptionalInt pid, String words) implements KmsgLine {}

    /** {@code nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Non-fatal, Link 46 …}. */
    record SwitchXid(PciAddress pci, int code, String words) implements KmsgLine {}

    /** {@code NVRM: GPU 0000:01:00.0: GPU has fallen off the bus.} */
    record Lost(PciAddress pci, String words) implements KmsgLine {}

    /** Longer ones are cut: the kernel's own limit is below. */
    int MAX_CHARS = 8192;

    /** Empty for what is not the kernel's, or says nothing of a GPU. */
    static Optional<KmsgLine> parse(String line) {
        return Forms.parse(line.length() <= MAX_CHARS ? line : line.substring(0, MAX_CHARS));
    }

    /** The patterns; none can take more than linear time. */
    final class Forms {
        private static final Pattern XID =
                Pattern.compile(
                        "NVRM: Xid \\((?:PCI:)?([0-9a-fA-F:.]{5,16})(?: [^)]*)?\\): (\\d{1,9})(?:,\\s*(.*))?");
        private static final Pattern SWITCH_XID =
                Pattern.compile(
                        "nvidia-nvswitch\\d{1,3}: SXid \\((?:PCI:)?([0-9a-fA-F:.]{5,16})\\): (\\d{1,9})(?:,\\s*(.*))?");
        private static final Pattern LOST =
                Pattern.compile(
                        "NVRM: GPU (?:at )?(?:PCI:)?([0-9a-fA-F:.]{5,16}): (.*fallen off the bus.*)");
        private static final Pattern PID =
                Pattern.compile("(?:^|[ ,])pid='?(\\d{1,9})'?(?:[ ,]|$)");

        private Forms() {}

        private static Optional<KmsgLine> parse(String line) {
            int text = line.indexOf(';');
            if (text < 0 || !isKernel(line, text)) {
                return Optional.empty();
            }
            String message = line.substring(text + 1).stripTrailing();
            if (message.startsWith("NVRM: Xid")) {
                return xid(message);
            }
            if (message.startsWith("NVRM: GPU")) {
                Matcher lost = LOST.matcher(message);
                return lost.matches()
                        ? PciAddress.parse(lost.group(1)).map(pci -> new Lost(pci, lost.group(2)))
                        : Optional.empty();
            }
            if (message.startsWith("nvidia-nvswitch")) {
                Matcher found = SWITCH_XID.matcher(message);
                return found.matches()
                        ? PciAddress.parse(found.group(1))
                                .map(pci ->
                                        new SwitchXid(
                                                pci,
                                                Integer.parseInt(found.group(2)),
                                                words(found, 3)))
                        : Optional.empty();
            }
            return Optional.empty();
        }

        /** Facility is what is above the three bits of the level. */
        private static boolean isKernel(String line, int end) {
            int comma = line.indexOf(',');
            if (comma < 1 || comma > 3 || comma > end) {
                return false;
            }
            int priority = 0;
            for (int i = 0; i < comma; i++) {
                char c = line.charAt(i);
                if (c < '0' || c > '9') {
                    return false;
                }
                priority = priority * 10 + (c - '0');
            }
            return priority >> 3 == 0;
        }

        private static Optional<KmsgLine> xid(String message) {
            Matcher found = XID.matcher(message);
            if (!found.matches()) {
                return Optional.empty();
            }
            String words = words(found, 3);
            Matcher pid = PID.matcher(words);
            OptionalInt process =
                    pid.find()
                            ? OptionalInt.of(Integer.parseInt(pid.group(1)))
                            : OptionalInt.empty();
            return PciAddress.parse(found.group(1))
                    .map(pci -> new Xid(pci, Integer.parseInt(found.group(2)), process, words));
        }

        private static String words(Matcher found, int group) {
            String words = found.group(group);
            return words == null ? "" : words.strip();
        }
    }
}
