package dev.berth.agent.cli.gpu;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.view.Human;
import dev.berth.agent.cli.view.Paint;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;

/** The agent's answer to {@code GET /berth/gpus}. */
public final class Inventory {
    private static final int SHORT_UUID = 12;
    private static final long DISCOVERY_NS = 10_000_000_000L;
    private static final long POLL_NS = 20_000_000;

    private final Json answer;

    private Inventory(Json answer) {
        this.answer = answer;
    }

    static Inventory of(Json answer) {
        return new Inventory(answer);
    }

    /** Devices of other kinds: what CDI files and the agent's {@code --devices} bring. */
    static final Flag RESOURCE =
            Flag.value("resource", "KIND", "Devices of this kind (default: nvidia.com/gpu)");

    /** Asks the agent, which may have no device. */
    static Inventory ask(Cli cli, Arguments arguments) throws CliException, IOException {
        return ask(cli, arguments.value("resource").orElse(""));
    }

    /**
     * Asks the agent; one that has just started is given time to find its devices.
     *
     * @param resource kind of device, empty for GPUs
     */
    public static Inventory ask(Cli cli, String resource) throws CliException, IOException {
        long deadline = System.nanoTime() + DISCOVERY_NS;
        while (true) {
            Query query = Query.of("/berth/gpus").withNonEmpty("resource", resource);
            try (Response response = cli.client().get(query)) {
                Inventory inventory = new Inventory(response.json());
                if (!inventory.isUnderWay() || System.nanoTime() > deadline) {
                    return inventory;
                }
            }
            LockSupport.parkNanos(POLL_NS);
        }
    }

    /** Whether there is a source that has not told its first table yet. */
    private boolean isUnderWay() {
        return answer.at("Generation").number() == 0
                && !answer.at("Source", "Name").text("none").equals("none");
    }

    /** The same path for the kind of device that was asked for. */
    static Query query(String path, Arguments arguments) {
        return Query.of(path).withNonEmpty("resource", arguments.value("resource").orElse(""));
    }

    /**
     * Asks the agent for at least one device.
     *
     * @throws CliException that says why there is none and how to get some
     */
    static Inventory askForSome(Cli cli, Arguments arguments) throws CliException, IOException {
        Inventory inventory = ask(cli, arguments);
        if (inventory.devices().isEmpty()) {
            throw new CliException(1, inventory.whyNone());
        }
        return inventory;
    }

    /** Why there is no device and what to do, one sentence each. */
    String whyNone() {
        String reason = answer.at("Source", "Reason").text();
        String source = answer.at("Source", "Name").text();
        return "this agent has no GPUs"
                + (source.isEmpty() ? "" : " (source " + source)
                + (source.isEmpty() ? "" : reason.isEmpty() ? ")" : ": " + reason + ")")
                + "; 'berth doctor' says what a real one needs; to try without one: berth agent --gpus sim:8xH100";
    }

    public Json answer() {
        return answer;
    }

    List<Json> devices() {
        return answer.at("Devices").items();
    }

    /** What the driver says of itself and who told, in one line. */
    String headline() {
        int count = devices().size();
        StringBuilder line = new StringBuilder();
        line.append(count).append(count == 1 ? " device of " : " devices of ");
        line.append(answer.at("ResourceName").text("unknown kind"));
        word(line, "driver ", answer.at("Driver", "Version").text());
        word(line, "CUDA ", answer.at("Driver", "Cuda").text());
        word(line, "source ", answer.at("Source", "Name").text());
        return line.toString();
    }

    private static void word(StringBuilder line, String name, String value) {
        if (!value.isEmpty()) {
            line.append(", ").append(name).append(value);
        }
    }

    /** A warning when what is shown is not fresh; empty while the source works. */
    String sourceWarning() {
        Json source = answer.at("Source");
        if (!source.isObject() || source.at("Working").truth()) {
            return "";
        }
        return "source "
                + source.at("Name").text()
                + " does not work: "
                + source.at("Reason").text("no reason given")
                + "; figures are the last that were read";
    }

    /**
     * The id of a device that is named by index, UUID, unique beginning of one, or PCI address.
     *
     * @throws CliException naming what there is
     */
    String resolve(String name) throws CliException {
        List<String> found = new ArrayList<>();
        for (Json device : devices()) {
            String id = device.at("Id").text();
            if (id.equals(name)
                    || device.at("Index").text().equals(name)
                    || device.at("Pci").text().equalsIgnoreCase(name)) {
                return id;
            }
            if (name.length() >= 4 && id.startsWith(name)) {
                found.add(id);
            }
        }
        if (found.size() == 1) {
            return found.get(0);
        }
        throw new CliException(
                1,
                found.isEmpty()
                        ? "no device '" + name + "' on this node; 'berth gpu ls' lists them"
                        : "'" + name + "' begins " + found.size() + " devices: " + found);
    }

    /** {@code GPU0 (GPU-1a2b3c4d)} of an id, the id alone when it is not known. */
    String label(String id) {
        for (Json device : devices()) {
            if (device.at("Id").text().equals(id)) {
                return "GPU" + device.at("Index").text() + " (" + shortId(id) + ")";
            }
        }
        return id;
    }

    /** {@code GPU0} of an id, the id itself when it is not known. */
    String shortLabel(String id) {
        for (Json device : devices()) {
            if (device.at("Id").text().equals(id)) {
                return "GPU" + device.at("Index").text();
            }
        }
        return id;
    }

    /** Ids of what a container holds; {@code container} is an id, the beginning of one, or a name. */
    List<String> heldBy(String container) {
        List<String> held = new ArrayList<>();
        for (Json device : devices()) {
            String holder = device.at("Container").text();
            if (!holder.isEmpty()
                    && (holder.startsWith(container)
                            || device.at("ContainerName").text().equals(container))) {
                held.add(device.at("Id").text());
            }
        }
        return held;
    }

    /** As much of a UUID as tells the node's devices apart, at least twelve characters; accepted wherever a device is named. */
    String shortId(String id) {
        if (!id.startsWith("GPU-")) {
            return id;
        }
        int length = SHORT_UUID;
        for (Json device : devices()) {
            String other = device.at("Id").text();
            if (!other.equals(id)) {
                length = Math.max(length, shared(id, other) + 1);
            }
        }
        return id.length() > length ? id.substring(0, length) : id;
    }

    /** Length of the beginning that two have in common. */
    private static int shared(String a, String b) {
        int i = 0;
        while (i < a.length() && i < b.length() && a.charAt(i) == b.charAt(i)) {
            i++;
        }
        return i;
    }

    /** The holder's name, else its short id, else empty. */
    static String holder(Json device) {
        return device.at("ContainerName").text(Human.shortId(device.at("Container").text()));
    }

    /** Whether its health lets a container have it. */
    static boolean isGivenOut(Json device) {
        return List.of("HEALTHY", "SUSPECT").contains(device.at("Health").text());
    }

    /** Why it is not simply free or granted and healthy; empty when it is. */
    static String reason(Json device) {
        boolean plain =
                device.at("Health").text().equals("HEALTHY")
                        && List.of("FREE", "GRANTED", "").contains(device.at("State").text());
        return plain ? "" : device.at("Reason").text();
    }

    /** {@code HEALTHY} as {@code healthy}, in the colour of how bad it is. */
    static String health(Json device, Paint paint) {
        String health = device.at("Health").text();
        String word = health.toLowerCase(Locale.ROOT);
        return switch (health) {
            case "HEALTHY" -> paint.good(word);
            case "FAILED" -> paint.bad(word);
            default -> paint.warning(word);
        };
    }

    /** The ledger's word; {@code withheld} for one that is nobody's and given to nobody. */
    static String state(Json device, Paint paint) {
        String state = device.at("State").text();
        if (state.equals("FREE") && !isGivenOut(device)) {
            return paint.warning("withheld");
        }
        String word = state.toLowerCase(Locale.ROOT);
        return switch (state) {
            case "FREE" -> paint.good(word);
            case "GRANTED" -> paint.accent(word);
            case "QUARANTINED" -> paint.bad(word);
            default -> paint.warning(word);
        };
    }
}
