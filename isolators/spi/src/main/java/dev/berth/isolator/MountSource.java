package dev.berth.isolator;

/** Where a mount comes from. */
public sealed interface MountSource {
    /** Made by a {@link LaunchOp.MakeFilesystem} of this name; it can be attached once. */
    record Made(String name) implements MountSource {}

    /** Came with the program. */
    record Given(Slot slot) implements MountSource {}

    /** A further mount of the terminal's device file, for {@code /dev/console}. */
    record Terminal() implements MountSource {}
}
