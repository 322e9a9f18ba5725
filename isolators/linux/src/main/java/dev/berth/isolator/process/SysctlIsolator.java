package dev.berth.isolator.process;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.Namespaces;
import dev.berth.isolator.ContainerConfig.Namespaces.NetworkMode;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Kernel parameters that belong to a namespace of the container's own, one write each (CVE-2022-0811: no value may smuggle in another key). */
public final class SysctlIsolator implements Isolator {
    private static final Set<String> IPC =
            Set.of(
                    "kernel.msgmax",
                    "kernel.msgmnb",
                    "kernel.msgmni",
                    "kernel.sem",
                    "kernel.shmall",
                    "kernel.shmmax",
                    "kernel.shmmni",
                    "kernel.shm_rmid_forced");

    @Override
    public String name() {
        return "process/sysctl";
    }

    @Override
    public LaunchContribution plan(ContainerConfig config) throws IsolatorException {
        LaunchContribution.Builder b = LaunchContribution.builder();
        for (Map.Entry<String, String> e : new TreeMap<>(config.sysctls()).entrySet()) {
            check(e.getKey(), e.getValue(), config.namespaces());
            b.op(new LaunchOp.SetSysctl("the value that was asked for", e.getKey(), e.getValue()));
        }
        return b.build();
    }

    private static void check(String key, String value, Namespaces namespaces)
            throws IsolatorException {
        if (!key.matches("[a-z0-9_./-]+(\\.[A-Za-z0-9_./-]+)+") || key.contains("..")) {
            throw new IsolatorException("process/sysctl: not the name of a sysctl: " + key);
        }
        if (value.chars().anyMatch(c -> c < ' ' && c != '\t') || value.length() > 4096) {
            throw new IsolatorException(
                    "process/sysctl: value of " + key + " holds control characters or is too long");
        }
        boolean ownNetwork = namespaces.network() != NetworkMode.HOST;
        boolean ownIpc = !namespaces.hostIpc() && namespaces.ipcOf().isEmpty();
        boolean ipc = IPC.contains(key) || key.startsWith("fs.mqueue.");
        if (key.startsWith("net.") ? !ownNetwork : ipc ? !ownIpc : true) {
            throw new IsolatorException(
                    "process/sysctl: "
                            + key
                            + (ipc || key.startsWith("net.")
                                    ? " needs a namespace of the container's own, and this one is shared"
                                    : " is not of a namespace: it would change the host"));
        }
    }
}
