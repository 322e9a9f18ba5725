package dev.berth.agent.cli.devicekit;

import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.playground.DeviceFile;

import java.util.ArrayList;
import java.util.List;

/**
 * The devices of the agent under test.
 *
 * @param kind such as {@code nvidia.com/gpu}
 * @param source what found them
 * @param controlNodes what every holder gets besides its device
 * @param withheldNodes what nobody gets
 */
record Hardware(
        String kind,
        String source,
        List<Unit> units,
        List<DeviceFile> controlNodes,
        List<DeviceFile> withheldNodes) {
    /** One device; {@code free} whether the kit may have it: a request waits for one that is being verified. */
    record Unit(String id, boolean free, List<DeviceFile> nodes) {}

    /** Of the answer to {@code GET /berth/gpus}. */
    static Hardware of(Json answer) {
        List<Unit> units = new ArrayList<>();
        for (Json device : answer.at("Devices").items()) {
            units.add(
                    new Unit(
                            device.at("Id").text(),
                            List.of("FREE", "VERIFYING").contains(device.at("State").text()),
                            files(device.at("Nodes"))));
        }
        return new Hardware(
                answer.at("ResourceName").text(),
                answer.at("Source", "Name").text(),
                List.copyOf(units),
                files(answer.at("ControlNodes")),
                files(answer.at("WithheldNodes")));
    }

    private static List<DeviceFile> files(Json nodes) {
        List<DeviceFile> files = new ArrayList<>();
        for (Json node : nodes.items()) {
            files.add(DeviceFile.of(node));
        }
        return List.copyOf(files);
    }

    /** Those that the kit may have. */
    List<String> freeIds() {
        return units.stream().filter(Unit::free).map(Unit::id).toList();
    }
}
