package dev.berth.isolator.process;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.Security;
import dev.berth.isolator.ExecConfig;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.seccomp.SeccompCompiler;
import dev.berth.isolator.seccomp.SeccompFilter;

import java.util.Optional;

/** The system call filter. Privileged containers have none unless a profile's text is given. */
public final class SeccompIsolator implements Isolator {
    private final SeccompCompiler compiler;

    public SeccompIsolator(SeccompCompiler compiler) {
        this.compiler = compiler;
    }

    @Override
    public String name() {
        return "process/seccomp";
    }

    @Override
    public LaunchContribution plan(ContainerConfig config) throws IsolatorException {
        return filter(config.security());
    }

    @Override
    public LaunchContribution planExec(ContainerConfig container, ExecConfig exec)
            throws IsolatorException {
        return filter(exec.security());
    }

    private LaunchContribution filter(Security security) throws IsolatorException {
        if (security.privileged() && security.seccomp().equals(SeccompCompiler.DEFAULT)) {
            return LaunchContribution.NONE;
        }
        Optional<SeccompFilter> filter =
                compiler.compile(security.seccomp(), security.capabilities());
        if (filter.isEmpty()) {
            return LaunchContribution.NONE;
        }
        boolean named = security.seccomp().equals(SeccompCompiler.DEFAULT);
        return LaunchContribution.builder()
                .op(
                        new LaunchOp.InstallSeccomp(
                                named ? "the default profile" : "the profile that was given",
                                filter.get().instructions(),
                                Math.toIntExact(filter.get().flags())))
                .build();
    }
}
