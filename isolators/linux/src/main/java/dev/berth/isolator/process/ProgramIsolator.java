package dev.berth.isolator.process;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.ProcessSpec;
import dev.berth.isolator.ExecConfig;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.SafePath;

/** Working directory, descriptors and the program. */
public final class ProgramIsolator implements Isolator {
    private static final int FIRST_AFTER_STREAMS = 3;

    @Override
    public String name() {
        return "process/program";
    }

    @Override
    public LaunchContribution plan(ContainerConfig config) throws IsolatorException {
        return program(config.process(), true, config.init());
    }

    @Override
    public LaunchContribution planExec(ContainerConfig container, ExecConfig exec)
            throws IsolatorException {
        return program(exec.process(), false, false);
    }

    private static LaunchContribution program(ProcessSpec process, boolean create, boolean init)
            throws IsolatorException {
        if (process.argv().isEmpty()) {
            throw new IsolatorException(
                    "process/program: no command: give one, or use an image that has one");
        }
        SafePath cwd;
        try {
            cwd = new SafePath(process.cwd().isEmpty() ? "/" : process.cwd());
        } catch (IllegalArgumentException e) {
            throw new IsolatorException("process/program: working directory: " + e.getMessage(), e);
        }
        return LaunchContribution.builder()
                .op(new LaunchOp.ChangeDirectory("the working directory", cwd, create))
                .op(
                        new LaunchOp.CloseDescriptors(
                                "nothing of the launch is left open", FIRST_AFTER_STREAMS))
                .op(
                        new LaunchOp.Exec(
                                init ? "the program, below our init" : "the program",
                                process.argv(),
                                process.env(),
                                init))
                .build();
    }
}
