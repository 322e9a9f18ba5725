package dev.berth.tests.root.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.gpu.simulator.Simulator;
import dev.berth.gpu.simulator.SimulatorControl;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Linux;
import dev.berth.linux.Statx;
import dev.berth.shim.ShimBinary;
import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.BusyboxRoot;
import dev.berth.tests.kit.Engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * An agent with simulated GPUs on directories of its own, and a root for its containers with {@code /probe}, {@code /simtask} and, in {@code /nodes}, a node for every device there is: made by this test, outside of every
 * device program, so that what opening one says is the program's word alone. One thread.
 */
final class GpuHost implements AutoCloseable {
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(30);

    final Linux linux = Linux.host();
    final Path directory;
    final Path root;
    final String cgroup;
    final AgentProcess agent;
    final Engine engine;
    private static int hosts;
    private final List<String> containers = new ArrayList<>();

    /** Starts an agent and waits until every GPU is free. */
    GpuHost(String machine, List<String> jvmOptions, String... options) throws Exception {
        directory = Files.createTempDirectory("gpus");
        root = BusyboxRoot.make(directory.resolve("root"));
        cgroup = "berth-gpus-" + ProcessHandle.current().pid() + "-" + ++hosts;
        List<String> all = new ArrayList<>(List.of("--cgroup-parent", cgroup));
        all.addAll(List.of("--gpus", machine));
        all.addAll(List.of(options));
        agent = AgentProcess.start(directory.resolve("agent"), jvmOptions, all);
        engine = agent.engine();
        await("discovery", () -> gpus().path("Devices").size() > 0);
        program("probe", ShimBinary.probe().bytes());
        program("simtask", Files.readAllBytes(simulator().resolve("tools/simtask")));
        makeNodes();
    }

    private void program(String name, byte[] bytes) throws IOException {
        Path file = root.resolve(name);
        Files.write(file, bytes);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    Path simulator() {
        return agent.dataRoot().resolve("simulator");
    }

    SimulatorControl control() throws Exception {
        return Simulator.controlOf(linux, simulator()).orElseThrow();
    }

    /** Every node that the agent knows of, by a name that is a path's without slashes. */
    private void makeNodes() throws Exception {
        Files.createDirectories(root.resolve("nodes"));
        for (Map.Entry<String, int[]> node : nodes().entrySet()) {
            linux.files()
                    .mknodat(
                            Fd.CWD,
                            root.resolve("nodes").resolve(node.getKey()).toString(),
                            FileMode.S_IFCHR | 0666,
                            Statx.makedev(node.getValue()[0], node.getValue()[1]));
            Files.setPosixFilePermissions(
                    root.resolve("nodes").resolve(node.getKey()),
                    PosixFilePermissions.fromString("rw-rw-rw-"));
        }
    }

    /** Major and minor of every node: the devices' own, those that every holder gets, those that nobody gets. */
    Map<String, int[]> nodes() throws IOException {
        Map<String, int[]> nodes = new TreeMap<>();
        JsonNode all = gpus();
        all.path("Devices").forEach(device -> add(nodes, device.path("Nodes")));
        add(nodes, all.path("ControlNodes"));
        add(nodes, all.path("WithheldNodes"));
        return nodes;
    }

    private static void add(Map<String, int[]> nodes, JsonNode list) {
        for (JsonNode node : list) {
            nodes.put(
                    node.path("Path").asText().substring("/dev/".length()).replace('/', '_'),
                    new int[] {node.path("Major").asInt(), node.path("Minor").asInt()});
        }
    }

    interface Check {
        boolean holds() throws IOException;
    }

    /** Looks again and again, for half a minute. */
    void await(String what, Check check) throws IOException {
        long end = System.nanoTime() + PATIENCE_NS;
        while (!check.holds()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError(
                        "not reached: " + what + "; " + gpus().toPrettyString() + agent.log());
            }
            LockSupport.parkNanos(5_000_000);
        }
    }

    JsonNode gpus() throws IOException {
        return engine.call("GET", "/berth/gpus", "");
    }

    JsonNode gpu(int index) throws IOException {
        return gpus().path("Devices").get(index);
    }

    JsonNode health(int index) throws IOException {
        return engine.call("GET", "/berth/gpus/health", "").path("Devices").get(index);
    }

    int count(String state) throws IOException {
        int count = 0;
        for (JsonNode device : gpus().path("Devices")) {
            count += device.path("State").asText().equals(state) ? 1 : 0;
        }
        return count;
    }

    void awaitFree(int count) throws IOException {
        await(count + " free GPUs", () -> count("FREE") == count);
    }

    /** A request for a container with so many GPUs. */
    ObjectNode request(int gpus, String... argv) {
        ObjectNode request = Engine.command(root, argv);
        ObjectNode wish =
                ((ObjectNode) request.get("HostConfig")).putArray("DeviceRequests").addObject();
        wish.put("Count", gpus).putArray("Capabilities").addArray().add("gpu");
        return request;
    }

    /** The same for named ones. */
    ObjectNode requestNamed(List<String> names, String... argv) {
        ObjectNode request = request(0, argv);
        names.forEach(
                ((ObjectNode) request.at("/HostConfig/DeviceRequests/0")).putArray("DeviceIDs")
                        ::add);
        return request;
    }

    String start(ObjectNode request) throws IOException {
        String id = engine.create(request);
        containers.add(id);
        engine.start(id);
        return id;
    }

    List<String> held(String id) throws IOException {
        List<String> ids = new ArrayList<>();
        engine.inspect(id).at("/Berth/Devices").forEach(device -> ids.add(device.asText()));
        return ids;
    }

    /** What a further process in a container prints, both streams. */
    String inside(String id, String... argv) throws IOException {
        return engine.exec(id, argv);
    }

    /** What opening each of {@code /nodes} says inside a container: ENXIO is the kernel's word for a device that may be opened and has no driver. */
    Map<String, String> opens(String id) throws IOException {
        return parse(inside(id, "sh", "-c", OPEN_ALL));
    }

    static final String OPEN_ALL = "cd /nodes; for n in *; do /probe open $n r; done 2>&1";

    static Map<String, String> parse(String output) {
        Map<String, String> words = new TreeMap<>();
        for (String line : output.split("\n")) {
            int space = line.lastIndexOf(' ');
            if (space > 0) {
                words.put(line.substring(0, space), line.substring(space + 1));
            }
        }
        return words;
    }

    Path cgroupDirectory() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
            if (line.contains(" - cgroup2 ")) {
                return Path.of(line.split(" ")[4]).resolve(cgroup);
            }
        }
        throw new AssertionError("no cgroup2");
    }

    void remove(String id) throws IOException {
        engine.remove(id);
        containers.remove(id);
    }

    /** Removes what is left of containers, ends the agent, and takes the files away; a failed mount of ours would keep them. */
    @Override
    public void close() throws IOException {
        for (String id : List.copyOf(containers)) {
            remove(id);
        }
        agent.close();
        await("the cgroup tree is gone", () -> !Files.exists(cgroupDirectory()));
        assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
                .doesNotContain(directory.toString());
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
