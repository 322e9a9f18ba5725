package dev.berth.agent.cli.devicekit;

import dev.berth.agent.cli.args.UsageException;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Where the kit's devices come from.
 *
 * @param name as it was asked for
 * @param agentFlags that make an agent have them
 */
record Provider(String name, List<String> agentFlags) {
    static final String DEFAULT = "nvidia-sim";
    static final String CHOICES = "nvidia-sim[:MACHINE]|nvidia|chardev:FILE";

    static Provider of(String text) throws UsageException {
        int colon = text.indexOf(':');
        String kind = colon < 0 ? text : text.substring(0, colon);
        String value = colon < 0 ? "" : text.substring(colon + 1);
        switch (kind) {
            case "nvidia-sim" -> {
                String machine = value.isEmpty() ? "8xH100" : value;
                return new Provider(text, List.of("--gpus", "sim:" + machine));
            }
            case "nvidia" -> {
                if (colon < 0) {
                    return new Provider(text, List.of("--gpus", "auto"));
                }
            }
            case "chardev" -> {
                Path file = Path.of(value).toAbsolutePath();
                if (value.isEmpty() || !Files.isReadable(file)) {
                    throw new UsageException(
                            "--provider chardev: no readable file '" + value + "'");
                }
                return new Provider(text, List.of("--gpus", "none", "--devices", file.toString()));
            }
            default -> {}
        }
        throw new UsageException("--provider: want " + CHOICES + ", got '" + text + "'");
    }
}
