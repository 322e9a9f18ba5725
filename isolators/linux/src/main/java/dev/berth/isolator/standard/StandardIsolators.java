package dev.berth.isolator.standard;

import dev.berth.isolator.Isolator;
import dev.berth.isolator.filesystem.DevIsolator;
import dev.berth.isolator.filesystem.MountIsolator;
import dev.berth.isolator.filesystem.RootIsolator;
import dev.berth.isolator.namespace.NamespaceIsolator;
import dev.berth.isolator.process.CredentialsIsolator;
import dev.berth.isolator.process.LimitIsolator;
import dev.berth.isolator.process.ProgramIsolator;
import dev.berth.isolator.process.SeccompIsolator;
import dev.berth.isolator.process.SessionIsolator;
import dev.berth.isolator.process.SysctlIsolator;
import dev.berth.isolator.seccomp.Architecture;
import dev.berth.isolator.seccomp.SeccompCompiler;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** All isolators but those of cgroups, networks and devices: what they need to know of the host is read once, here. */
public final class StandardIsolators {
    private static final int RLIMIT_NOFILE = 7;
    private static final int STATUS_LIMIT = 64 * 1024;

    private StandardIsolators() {}

    /** For the agent's own process on this host. */
    public static List<Isolator> of(Linux linux) throws ErrnoException {
        return of(
                linux,
                grantable(linux),
                linux.processes().rlimit(RLIMIT_NOFILE)[1],
                new SeccompCompiler(Architecture.host(), linux.processes().kernelRelease()));
    }

    /**
     * For a host that is described.
     *
     * @param grantable capabilities that the agent can give
     * @param hardNofile its hard limit of open files
     */
    public static List<Isolator> of(
            Linux linux, long grantable, long hardNofile, SeccompCompiler seccomp) {
        return List.of(
                new NamespaceIsolator(),
                new RootIsolator(),
                new DevIsolator(),
                new MountIsolator(linux),
                new SysctlIsolator(),
                new SessionIsolator(),
                new LimitIsolator(hardNofile),
                new CredentialsIsolator(grantable),
                new SeccompIsolator(seccomp),
                new ProgramIsolator());
    }

    /** CapPrm and CapBnd of {@code /proc/self/status}, both. */
    static long grantable(Linux linux) throws ErrnoException {
        String status =
                new String(
                        linux.files().readFile(Fd.CWD, "/proc/self/status", STATUS_LIMIT),
                        StandardCharsets.UTF_8);
        long both = -1L;
        for (String line : status.lines().toList()) {
            if (line.startsWith("CapPrm:") || line.startsWith("CapBnd:")) {
                both &= Long.parseUnsignedLong(line.substring(7).strip(), 16);
            }
        }
        return both;
    }
}
