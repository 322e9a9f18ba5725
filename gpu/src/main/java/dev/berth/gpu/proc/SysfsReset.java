package dev.berth.gpu.proc;

import dev.berth.gpu.PciAddress;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Resets a PCI device through sysfs, the driver unbound meanwhile, since it does not expect a reset below it.
 *
 * <p>Thread: lane; blocks as long as the driver takes to let go. Source: Documentation/ABI/testing/sysfs-bus-pci ("reset"), Documentation/driver-api/driver-model/binding.
 */
final class SysfsReset {
    private final HostFiles host;
    private final Files files;

    SysfsReset(HostFiles host, Files files) {
        this.host = host;
        this.files = files;
    }

    private static String at(PciAddress pci) {
        return "sys/bus/pci/devices/" + pci;
    }

    /** Whether the kernel knows a way to reset it alone. */
    boolean possible(PciAddress pci) {
        return host.exists(at(pci) + "/reset");
    }

    /** Empty when it worked. Whatever happens, the driver is bound again afterwards where it was before. */
    Optional<String> run(PciAddress pci) {
        if (!possible(pci)) {
            return Optional.of(
                    "the kernel knows no way to reset "
                            + pci
                            + " alone: use 'nvidia-smi --gpu-reset', or start the node again");
        }
        Path device = host.at(at(pci));
        Optional<Path> driver = driver(device);
        Optional<String> failure = Optional.empty();
        try {
            if (driver.isPresent()) {
                write(driver.get().resolve("unbind"), pci.toString());
            }
            write(device.resolve("reset"), "1");
        } catch (ErrnoException e) {
            failure = Optional.of("reset of " + pci + ": " + e.getMessage());
        }
        if (driver.isPresent() && driver(device).isEmpty()) {
            try {
                write(driver.get().resolve("bind"), pci.toString());
            } catch (ErrnoException e) {
                failure =
                        Optional.of(
                                "bind of "
                                        + pci
                                        + " to its driver after the reset: "
                                        + e.getMessage());
            }
        }
        return failure;
    }

    private static Optional<Path> driver(Path device) {
        try {
            return Optional.of(device.resolve("driver").toRealPath());
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    private void write(Path file, String value) throws ErrnoException {
        files.writeFile(Fd.CWD, file.toString(), value);
    }
}
