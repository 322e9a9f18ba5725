package dev.berth.agent.cli.devicekit;

import dev.berth.agent.cli.devicekit.Cell.Stage;
import dev.berth.agent.cli.devicekit.Cell.Subject;
import dev.berth.agent.cli.playground.DeviceFile;
import dev.berth.agent.cli.playground.NodeFolder;
import dev.berth.agent.cli.playground.NodeReport;
import dev.berth.agent.cli.playground.NodeReport.Way;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** The devices under test and the cells that were filled so far. */
final class Matrix {
    /** Numbers that a device's holder has no business with: three that are set aside for local use, which no driver claims, and one that drivers of containers like to give away. */
    private static final List<DeviceFile> FOREIGN =
            List.of(
                    new DeviceFile("/dev/kit-local-60", 'c', 60, 0),
                    new DeviceFile("/dev/kit-local-120", 'c', 120, 7),
                    new DeviceFile("/dev/kit-local-block", 'b', 120, 0),
                    new DeviceFile("/dev/kit-fuse", 'c', 10, 229));

    private final Hardware hardware;
    private final List<Cell> cells = new ArrayList<>();
    private NodeReport control = NodeReport.none();

    Matrix(Hardware hardware) {
        this.hardware = hardware;
    }

    /** All nodes that the kit places for its containers. */
    static List<DeviceFile> files(Hardware hardware) {
        List<DeviceFile> all = new ArrayList<>();
        for (Hardware.Unit unit : hardware.units()) {
            all.addAll(unit.nodes());
        }
        all.addAll(hardware.controlNodes());
        all.addAll(hardware.withheldNodes());
        all.addAll(FOREIGN);
        return all;
    }

    /** All paths that a container tries: the placed nodes, and where the agent itself puts those of devices. */
    List<String> paths() {
        List<String> paths = new ArrayList<>();
        for (DeviceFile file : files(hardware)) {
            paths.add(NodeFolder.inside(file));
        }
        for (Hardware.Unit unit : hardware.units()) {
            for (DeviceFile node : unit.nodes()) {
                paths.add(node.path());
            }
        }
        for (DeviceFile node : hardware.controlNodes()) {
            paths.add(node.path());
        }
        return paths;
    }

    /** What a container saw that has every right to every device. */
    void control(NodeReport report) {
        control = report;
    }

    List<Cell> cells() {
        return cells;
    }

    /**
     * Files a container's report.
     *
     * @param held ids of the devices that it holds at that time
     */
    void add(Stage stage, String container, Collection<String> held, NodeReport report) {
        for (Hardware.Unit unit : hardware.units()) {
            boolean own = held.contains(unit.id());
            for (DeviceFile node : unit.nodes()) {
                Subject subject = own ? Subject.GRANTED : Subject.SIBLING;
                placed(stage, container, subject, node, report);
                inDev(stage, container, own ? Subject.GRANTED : Subject.ABSENT, node, report);
            }
        }
        for (DeviceFile node : hardware.controlNodes()) {
            Subject subject = held.isEmpty() ? Subject.WITHHELD : Subject.CONTROL;
            placed(stage, container, subject, node, report);
            if (!held.isEmpty()) {
                inDev(stage, container, subject, node, report);
            }
        }
        for (DeviceFile node : hardware.withheldNodes()) {
            placed(stage, container, Subject.WITHHELD, node, report);
        }
        for (DeviceFile node : FOREIGN) {
            placed(stage, container, Subject.FOREIGN, node, report);
        }
    }

    private void placed(
            Stage stage, String container, Subject subject, DeviceFile node, NodeReport report) {
        cells(stage, container, subject, NodeFolder.inside(node), node, report);
    }

    private void inDev(
            Stage stage, String container, Subject subject, DeviceFile node, NodeReport report) {
        cells(stage, container, subject, node.path(), node, report);
    }

    private void cells(
            Stage stage,
            String container,
            Subject subject,
            String path,
            DeviceFile node,
            NodeReport report) {
        for (Way way : Way.values()) {
            String got = report.result(path, way).orElse("(not tried)");
            String same = control.result(NodeFolder.inside(node), way).orElse("");
            cells.add(new Cell(stage, container, subject, path, way, got, same));
        }
    }
}
