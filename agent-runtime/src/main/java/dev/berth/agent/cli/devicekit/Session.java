package dev.berth.agent.cli.devicekit;

import dev.berth.agent.cli.devicekit.Cell.Stage;
import dev.berth.agent.cli.gpu.Inventory;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.playground.NodeFolder;
import dev.berth.agent.cli.playground.NodeReport;
import dev.berth.agent.cli.playground.Playground;
import dev.berth.agent.cli.playground.ProbeContainer;
import dev.berth.agent.cli.playground.ProbeImage;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** One run of the kit on one agent: the stages in their order. */
final class Session {
    private final Cli cli;
    private final Playground playground;
    private final boolean fenced;
    private final Hardware hardware;
    private final NodeFolder nodes;
    private final Matrix matrix;
    private final List<String> skipped = new ArrayList<>();

    /** @param fenced whether the device programs are left in place */
    private Session(Cli cli, Playground playground, Hardware hardware, boolean fenced)
            throws CliException {
        this.cli = cli;
        this.playground = playground;
        this.hardware = hardware;
        this.fenced = fenced;
        matrix = new Matrix(hardware);
        nodes = NodeFolder.make(playground, Matrix.files(hardware));
    }

    /** Runs all stages; the playground is the caller's to close. */
    static Outcome run(Cli cli, Playground playground, Provider provider, boolean fenced)
            throws CliException, IOException {
        playground.start(cli, provider.agentFlags());
        ProbeImage.load(cli);
        Json inventory = inventory(cli);
        Hardware hardware = Hardware.of(inventory);
        if (hardware.freeIds().isEmpty()) {
            throw new CliException(
                    1,
                    "provider "
                            + provider.name()
                            + " has no free device to test with: "
                            + inventory.at("Source", "Reason").text("none was found"));
        }
        Session session = new Session(cli, playground, hardware, fenced);
        session.stages();
        return new Outcome(
                provider.name(), hardware, List.copyOf(session.matrix.cells()), session.skipped);
    }

    /** Of GPUs, and where there are none of the first other kind. */
    private static Json inventory(Cli cli) throws CliException, IOException {
        Json found = Inventory.ask(cli, "").answer();
        for (String kind : found.at("Resources").texts()) {
            if (found.at("Devices").items().isEmpty()) {
                found = Inventory.ask(cli, kind).answer();
            }
        }
        return found;
    }

    private void stages() throws CliException, IOException {
        control();
        List<String> free = hardware.freeIds();
        Set<String> held = Set.of(free.get(0));
        ProbeContainer first = container("kit-first", held);
        if (fenced) {
            matrix.add(Stage.START, first.name(), held, first.nextReport());
        } else {
            // Its first report was made before anyone could take its program off.
            first.nextReport();
            again(Stage.START, first, held);
        }
        joined(Stage.EXEC, first, held);
        if (free.size() < 2) {
            skipped.add(
                    "beside a second container, live attach and detach: only one device is free");
        } else {
            String second = free.get(1);
            beside(first, held, second);
            live(first, held, second);
        }
        restart(first, held);
        first.remove();
    }

    /** All devices of the kernel, in a container that is otherwise the same. */
    private void control() throws CliException, IOException {
        Map<String, Json> host = new LinkedHashMap<>();
        host.put("DeviceCgroupRules", Json.texts(List.of("c *:* rwm", "b *:* rwm")));
        ProbeContainer control =
                ProbeContainer.start(cli, "kit-control", nodes, host, matrix.paths());
        matrix.control(control.nextReport());
        control.remove();
    }

    private ProbeContainer container(String name, Set<String> held)
            throws CliException, IOException {
        Map<String, Json> request = new LinkedHashMap<>();
        if (hardware.kind().equals("nvidia.com/gpu")) {
            request.put("Driver", Json.of("nvidia"));
            request.put("DeviceIDs", Json.texts(List.copyOf(held)));
            request.put("Capabilities", Json.of(List.of(Json.texts(List.of("gpu")))));
        } else {
            List<String> names = new ArrayList<>();
            for (String id : held) {
                names.add(hardware.kind() + "=" + id);
            }
            request.put("Driver", Json.of("cdi"));
            request.put("DeviceIDs", Json.texts(names));
        }
        Map<String, Json> host = new LinkedHashMap<>();
        host.put("DeviceRequests", Json.of(List.of(Json.of(request))));
        return ProbeContainer.start(cli, name, nodes, host, matrix.paths());
    }

    private void beside(ProbeContainer first, Set<String> held, String second)
            throws CliException, IOException {
        Set<String> its = Set.of(second);
        ProbeContainer other = container("kit-second", its);
        if (fenced) {
            matrix.add(Stage.BESIDE, other.name(), its, other.nextReport());
        } else {
            other.nextReport();
            again(Stage.BESIDE, other, its);
        }
        again(Stage.BESIDE, first, held);
        other.remove();
        again(Stage.ALONE, first, held);
    }

    private void live(ProbeContainer first, Set<String> held, String second)
            throws CliException, IOException {
        change(first, "attach", second);
        Set<String> both = new TreeSet<>(held);
        both.add(second);
        again(Stage.ATTACH, first, both);
        change(first, "detach", second);
        again(Stage.DETACH, first, held);
    }

    private void change(ProbeContainer container, String verb, String device)
            throws CliException, IOException {
        cli.client()
                .post(
                        Query.of("/containers/" + container.id() + "/gpus/" + verb)
                                .with("resource", hardware.kind()),
                        Json.of(Map.of("DeviceIDs", Json.texts(List.of(device)))))
                .close();
    }

    private void restart(ProbeContainer first, Set<String> held) throws CliException, IOException {
        playground.killAgent();
        tryAgain(first);
        // The dead agent's successor reads what the container said meanwhile.
        playground.startAgain(cli);
        matrix.add(Stage.ORPHANED, first.name(), held, first.nextReport());
        again(Stage.RESTART, first, held);
        joined(Stage.EXEC_AGAIN, first, held);
    }

    private void tryAgain(ProbeContainer container) throws CliException, IOException {
        if (!fenced) {
            Fence.takeOff(container.pid(), playground.cgroup());
        }
        container.signal();
    }

    private void again(Stage stage, ProbeContainer container, Set<String> held)
            throws CliException, IOException {
        tryAgain(container);
        matrix.add(stage, container.name(), held, container.nextReport());
    }

    private void joined(Stage stage, ProbeContainer container, Set<String> held)
            throws CliException, IOException {
        if (!fenced) {
            Fence.takeOff(container.pid(), playground.cgroup());
        }
        NodeReport report = container.execReport(matrix.paths());
        matrix.add(stage, container.name() + " (exec)", held, report);
    }
}
