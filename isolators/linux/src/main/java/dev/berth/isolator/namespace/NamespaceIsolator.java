package dev.berth.isolator.namespace;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.Namespaces;
import dev.berth.isolator.ContainerConfig.Namespaces.NetworkMode;
import dev.berth.isolator.ExecConfig;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.Namespace;
import dev.berth.isolator.Phase;
import dev.berth.isolator.Slot;

import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.Set;

/**
 * Makes, joins or leaves out namespaces, and sets the names of an own uts namespace.
 *
 * <p>A network namespace of its own comes ready-made as {@link Slot#NETNS}; it is joined before sysfs is mounted, which shows the opener's. A cgroup namespace is unshared inside the container's cgroup, since one that
 * clone3 makes is rooted at the parent's.
 */
public final class NamespaceIsolator implements Isolator {
    private static final int UTS_MAX = 64;

    @Override
    public String name() {
        return "namespaces";
    }

    @Override
    public LaunchContribution plan(ContainerConfig config) throws IsolatorException {
        Namespaces asked = config.namespaces();
        LaunchContribution.Builder b = LaunchContribution.builder();
        b.namespace(Namespace.MOUNT);
        if (asked.pidOf().isPresent()) {
            b.slot(Slot.PIDNS);
            b.op(
                    new LaunchOp.JoinNamespaces(
                            Phase.JOIN,
                            "the processes of container " + asked.pidOf().get() + " are in sight",
                            Slot.PIDNS,
                            Set.of(Namespace.PID)));
        } else if (!asked.hostPid()) {
            b.namespace(Namespace.PID);
        }
        if (!asked.hostCgroup()) {
            b.op(new LaunchOp.UnshareCgroup("its own cgroup is the root that it sees"));
        }
        if (asked.ipcOf().isPresent()) {
            b.slot(Slot.IPCNS);
            b.op(
                    new LaunchOp.JoinNamespaces(
                            Phase.NAMESPACES,
                            "shared memory and queues of container " + asked.ipcOf().get(),
                            Slot.IPCNS,
                            Set.of(Namespace.IPC)));
        } else if (!asked.hostIpc()) {
            b.namespace(Namespace.IPC);
        }
        if (asked.network() == NetworkMode.NONE) {
            b.slot(Slot.NETNS);
            b.op(
                    new LaunchOp.JoinNamespaces(
                            Phase.NAMESPACES,
                            "a network namespace of its own, made ahead of time",
                            Slot.NETNS,
                            Set.of(Namespace.NETWORK)));
        }
        names(config, b);
        return b.build();
    }

    private static void names(ContainerConfig config, LaunchContribution.Builder b)
            throws IsolatorException {
        if (config.namespaces().hostUts()) {
            if (!config.domainname().isEmpty()) {
                throw new IsolatorException(
                        "namespaces: a domain name needs an own uts namespace: "
                                + config.domainname());
            }
            return;
        }
        b.namespace(Namespace.UTS);
        if (!config.hostname().isEmpty()) {
            b.op(new LaunchOp.SetHostname("its name", checked("hostname", config.hostname())));
        }
        if (!config.domainname().isEmpty()) {
            b.op(
                    new LaunchOp.SetDomainname(
                            "its domain", checked("domainname", config.domainname())));
        }
    }

    private static String checked(String what, String name) throws IsolatorException {
        if (name.getBytes(StandardCharsets.UTF_8).length > UTS_MAX || name.indexOf('\0') >= 0) {
            throw new IsolatorException(
                    "namespaces: " + what + " is longer than " + UTS_MAX + " bytes: " + name);
        }
        return name;
    }

    @Override
    public LaunchContribution planExec(ContainerConfig container, ExecConfig exec) {
        return LaunchContribution.builder()
                .slot(Slot.PIDFD)
                .op(
                        new LaunchOp.JoinNamespaces(
                                Phase.JOIN,
                                "a child is born into the container's pid namespace",
                                Slot.PIDFD,
                                Set.of(Namespace.PID)))
                .op(
                        new LaunchOp.JoinNamespaces(
                                Phase.NAMESPACES,
                                "the container's namespaces, and with them its root",
                                Slot.PIDFD,
                                EnumSet.of(
                                        Namespace.MOUNT,
                                        Namespace.CGROUP,
                                        Namespace.UTS,
                                        Namespace.IPC,
                                        Namespace.NETWORK)))
                .build();
    }
}
