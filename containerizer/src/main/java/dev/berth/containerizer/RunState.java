package dev.berth.containerizer;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.LaunchPlan;

import java.util.Optional;

/** Where one run of a container stands: each state has just the data that is valid in it. The table is in {@link #next}. */
sealed interface RunState {
    /** Asked for. */
    record Planning(ContainerConfig config) implements RunState {}

    /** What to do is known; slots are being filled. */
    record Acquiring(LaunchPlan plan) implements RunState {}

    /** The program is on its way. */
    record Launching(LaunchPlan plan) implements RunState {}

    /** The program was executed. */
    record Running(Init init) implements RunState {}

    /** All processes are frozen. */
    record Paused(Init init) implements RunState {}

    /** The process is gone, or never was; what the run had is being given back. */
    record Ending(Optional<Init> init, Outcome outcome) implements RunState {}

    /** Nothing of the run is left but this. */
    record Ended(Optional<Init> init, Outcome outcome) implements RunState {}

    /**
     * The container's first process.
     *
     * @param startTime in clock ticks since boot: with the pid and the boot id an identity
     */
    record Init(int pid, long startTime) {}

    /** How a run ended. */
    sealed interface Outcome {
        /** The program ran and ended. */
        record Exit(ExitStatus status) implements Outcome {}

        /** The program was never executed. {@code code} as in {@link Containerizer.ContainerEvent.StartFailed}. */
        record Failure(int code, String message) implements Outcome {}
    }

    /** What happens to a run. */
    sealed interface Input {
        record Planned(LaunchPlan plan) implements Input {}

        /** All slots are filled and the program is handed to the spawner. */
        record Sent() implements Input {}

        record Started(Init init) implements Input {}

        record Frozen() implements Input {}

        record Thawed() implements Input {}

        /** A failure before the program was executed, at whatever stage. */
        record Failed(Outcome.Failure failure) implements Input {}

        record Exited(ExitStatus status) implements Input {}

        /** Everything was given back. */
        record Cleaned() implements Input {}
    }

    /**
     * The only transitions there are:
     *
     * <pre>
     * Planning  --Planned--> Acquiring --Sent--> Launching --Started--> Running --Exited--> Ending --Cleaned--> Ended
     * Running   --Frozen-->  Paused    --Thawed--> Running
     * Paused    --Exited-->  Ending
     * Planning, Acquiring, Launching   --Failed--> Ending
     * </pre>
     *
     * @throws IllegalStateException for any other pair, naming both
     */
    static RunState next(RunState state, Input input) {
        return switch (state) {
            case Planning _ ->
                    switch (input) {
                        case Input.Planned p -> new Acquiring(p.plan);
                        case Input.Failed f -> new Ending(Optional.empty(), f.failure);
                        default -> throw illegal(state, input);
                    };
            case Acquiring s ->
                    switch (input) {
                        case Input.Sent _ -> new Launching(s.plan);
                        case Input.Failed f -> new Ending(Optional.empty(), f.failure);
                        default -> throw illegal(state, input);
                    };
            case Launching _ ->
                    switch (input) {
                        case Input.Started i -> new Running(i.init);
                        case Input.Failed f -> new Ending(Optional.empty(), f.failure);
                        default -> throw illegal(state, input);
                    };
            case Running s ->
                    switch (input) {
                        case Input.Frozen _ -> new Paused(s.init);
                        case Input.Exited e ->
                                new Ending(Optional.of(s.init), new Outcome.Exit(e.status));
                        default -> throw illegal(state, input);
                    };
            case Paused s ->
                    switch (input) {
                        case Input.Thawed _ -> new Running(s.init);
                        case Input.Exited e ->
                                new Ending(Optional.of(s.init), new Outcome.Exit(e.status));
                        default -> throw illegal(state, input);
                    };
            case Ending s ->
                    switch (input) {
                        case Input.Cleaned _ -> new Ended(s.init, s.outcome);
                        default -> throw illegal(state, input);
                    };
            case Ended _ -> throw illegal(state, input);
        };
    }

    private static IllegalStateException illegal(RunState state, Input input) {
        return new IllegalStateException(
                "run cannot take "
                        + input.getClass().getSimpleName()
                        + " while "
                        + state.getClass().getSimpleName());
    }
}
