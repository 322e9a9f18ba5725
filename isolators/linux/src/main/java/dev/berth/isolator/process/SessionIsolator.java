package dev.berth.isolator.process;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ExecConfig;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.Slot;

/** A session of its own and standard streams. (Signals are at their default in every child of a monitor.) */
public final class SessionIsolator implements Isolator {
    @Override
    public String name() {
        return "process/session";
    }

    @Override
    public LaunchContribution plan(ContainerConfig config) {
        return LaunchContribution.builder()
                .op(
                        new LaunchOp.JoinKeyring(
                                "keys of the host are out of reach", "_ses." + config.id().value()))
                .op(
                        new LaunchOp.StartSession(
                                "its own session and streams",
                                config.tty(),
                                config.openStdin() && !config.tty(),
                                false,
                                config.process().uid()))
                .build();
    }

    @Override
    public LaunchContribution planExec(ContainerConfig container, ExecConfig exec) {
        LaunchContribution.Builder b = LaunchContribution.builder();
        boolean given = exec.streamsGiven() && !exec.tty();
        if (given) {
            b.slot(Slot.STDIN).slot(Slot.STDOUT).slot(Slot.STDERR);
        }
        if (exec.tty()) {
            b.op(
                    new LaunchOp.OpenTerminalInside(
                            "the terminal that was asked for",
                            exec.process().uid(),
                            exec.rows(),
                            exec.columns()));
        }
        return b.op(
                        new LaunchOp.JoinKeyring(
                                "keys of the host are out of reach",
                                "_ses." + container.id().value()))
                .op(
                        new LaunchOp.StartSession(
                                "its own session and streams",
                                exec.tty(),
                                exec.openStdin() && !exec.tty() && !given,
                                given,
                                exec.process().uid()))
                .build();
    }
}
