package dev.berth.isolator.process;

import dev.berth.isolator.Capability;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.ProcessSpec;
import dev.berth.isolator.ContainerConfig.Security;
import dev.berth.isolator.ExecConfig;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;

import java.util.ArrayList;
import java.util.List;

/**
 * User, groups, the five capability sets, no_new_privs.
 *
 * <p>Root has the container's capabilities; another user none but the ambient ones, and what file capabilities and set-user-id programs give it within the bounding set. The inheritable set is empty beyond the
 * ambient one (CVE-2022-24769).
 */
public final class CredentialsIsolator implements Isolator {
    private final long grantable;

    /**
     * @param grantable the agent's own permitted and bounding capabilities: what it lacks it cannot give
     */
    public CredentialsIsolator(long grantable) {
        this.grantable = grantable;
    }

    @Override
    public String name() {
        return "process/credentials";
    }

    @Override
    public LaunchContribution plan(ContainerConfig config) throws IsolatorException {
        return credentials(config.process(), config.security());
    }

    @Override
    public LaunchContribution planExec(ContainerConfig container, ExecConfig exec)
            throws IsolatorException {
        return credentials(exec.process(), exec.security());
    }

    /** The capabilities that were asked for and cannot be given, for a warning. */
    public List<String> notGrantable(Security security) throws IsolatorException {
        List<String> missing = new ArrayList<>();
        long asked = Capability.bits(security.capabilities()) | Capability.bits(security.ambient());
        for (Capability c : Capability.values()) {
            if ((asked & c.bit() & ~grantable) != 0) {
                missing.add("CAP_" + c.name());
            }
        }
        return missing;
    }

    private LaunchContribution credentials(ProcessSpec process, Security security)
            throws IsolatorException {
        long bounding =
                grantable
                        & (security.privileged() ? -1L : Capability.bits(security.capabilities()));
        long ambient = Capability.bits(security.ambient()) & bounding;
        long permitted = process.uid() == 0 ? bounding : ambient;
        return LaunchContribution.builder()
                .op(
                        new LaunchOp.SetCredentials(
                                security.privileged()
                                        ? "privileged: all that the agent has"
                                        : "the user and no more capabilities than asked for",
                                process.uid(),
                                process.gid(),
                                process.groups(),
                                new LaunchOp.CapabilitySets(
                                        bounding, permitted, permitted, ambient, ambient),
                                security.noNewPrivileges()))
                .build();
    }
}
