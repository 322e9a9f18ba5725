package dev.berth.agent.config;

import com.fasterxml.jackson.databind.JsonNode;

import dev.berth.gpu.DeviceRequest;
import dev.berth.gpu.DeviceRequest.Selection;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * {@code HostConfig.DeviceRequests}: what {@code docker run --gpus} and {@code --device VENDOR/CLASS=NAME} ask for.
 *
 * @param requests for devices that are handed out to one container at a time
 * @param cdiNames full names of CDI devices that no provider hands out, in order
 * @param uid whose process it is: nodes of CDI devices are its own where their file does not say
 */
public record DeviceDemand(List<DeviceRequest> requests, List<String> cdiNames, int uid, int gid) {
    /** The kind that {@code --gpus} means. */
    public static final String NVIDIA = "nvidia.com/gpu";

    public static final DeviceDemand NONE = new DeviceDemand(List.of(), List.of(), 0, 0);

    /** Parts of NVIDIA's driver, as in NVIDIA_DRIVER_CAPABILITIES. */
    private static final Set<String> DRIVER_PARTS =
            Set.of("compute", "utility", "graphics", "video", "display", "ngx", "compat32", "all");

    private static final Pattern KIND =
            Pattern.compile("[A-Za-z][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*");
    private static final Pattern CDI_DEVICE = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:-]*");

    public DeviceDemand {
        requests = List.copyOf(requests);
        cdiNames = List.copyOf(cdiNames);
    }

    /** The same for a process of this user. */
    public DeviceDemand as(int user, int group) {
        return new DeviceDemand(requests, cdiNames, user, group);
    }

    public boolean isNone() {
        return requests.isEmpty() && cdiNames.isEmpty();
    }

    /** Reads the request; CDI names of a kind in {@code handedOut} are requests for devices of their provider. */
    public static DeviceDemand of(Fields hostConfig, Set<String> handedOut) throws AgentException {
        List<Fields> asked = hostConfig.objects("DeviceRequests");
        if (asked.isEmpty()) {
            return NONE;
        }
        List<DeviceRequest> requests = new ArrayList<>();
        List<String> cdi = new ArrayList<>();
        for (Fields request : asked) {
            String driver = request.text("Driver");
            switch (driver) {
                case "cdi" -> addCdi(request, handedOut, requests, cdi);
                case "", "nvidia" ->
                        requests.add(new DeviceRequest(NVIDIA, selection(request), parts(request)));
                default -> {
                    if (!KIND.matcher(driver).matches()) {
                        throw wrong(request, "unknown Driver \"" + driver + "\"");
                    }
                    requests.add(new DeviceRequest(driver, selection(request), Set.of()));
                }
            }
        }
        Set<String> kinds = new LinkedHashSet<>();
        for (DeviceRequest request : requests) {
            if (!kinds.add(request.resourceName())) {
                throw AgentException.invalid(
                        "invalid HostConfig.DeviceRequests: two requests for "
                                + request.resourceName()
                                + ": put them into one");
            }
        }
        return new DeviceDemand(requests, cdi, 0, 0);
    }

    private static AgentException wrong(Fields request, String what) {
        return AgentException.invalid("invalid " + request.path() + ": " + what);
    }

    private static Selection selection(Fields request) throws AgentException {
        long count = request.number("Count");
        List<String> names = request.list("DeviceIDs");
        if (!names.isEmpty()) {
            if (count != 0) {
                throw wrong(request, "cannot set both Count and DeviceIDs on device request");
            }
            if (names.contains("all")) {
                return new Selection.All();
            }
            return new Selection.Named(names);
        }
        if (count == -1) {
            return new Selection.All();
        }
        if (count < 1 || count > Integer.MAX_VALUE) {
            throw wrong(request, "want Count −1 for all, a Count of at least 1, or DeviceIDs");
        }
        return new Selection.Count((int) count);
    }

    /** Capabilities are alternatives of sets; the first one that names a GPU is taken. */
    private static Set<String> parts(Fields request) throws AgentException {
        for (JsonNode alternative : request.node().path("Capabilities")) {
            Set<String> words = new LinkedHashSet<>();
            alternative.forEach(word -> words.add(word.asText()));
            boolean gpu = words.contains("gpu") || words.contains("nvidia");
            if (gpu) {
                words.removeAll(Set.of("gpu", "nvidia"));
                for (String word : words) {
                    if (!DRIVER_PARTS.contains(word)) {
                        throw wrong(
                                request,
                                "unknown capability \""
                                        + word
                                        + "\": want some of "
                                        + String.join(", ", new java.util.TreeSet<>(DRIVER_PARTS)));
                    }
                }
                return words;
            }
        }
        throw wrong(
                request,
                "could not select device driver \""
                        + request.text("Driver")
                        + "\" with capabilities: "
                        + request.node().path("Capabilities")
                        + ": Berth hands out what asks for the capability \"gpu\"");
    }

    private static void addCdi(
            Fields request, Set<String> handedOut, List<DeviceRequest> requests, List<String> cdi)
            throws AgentException {
        Map<String, List<String>> named = new LinkedHashMap<>();
        for (String name : request.list("DeviceIDs")) {
            int equals = name.indexOf('=');
            String kind = equals < 0 ? name : name.substring(0, equals);
            String device = equals < 0 ? "" : name.substring(equals + 1);
            if (!KIND.matcher(kind).matches() || !CDI_DEVICE.matcher(device).matches()) {
                throw wrong(request, "\"" + name + "\" is no CDI device: want VENDOR/CLASS=NAME");
            }
            if (handedOut.contains(kind)) {
                named.computeIfAbsent(kind, _ -> new ArrayList<>()).add(device);
            } else {
                cdi.add(name);
            }
        }
        if (request.number("Count") != 0) {
            throw wrong(request, "CDI devices are asked for by name, not by Count");
        }
        named.forEach((kind, names) ->
                requests.add(
                        new DeviceRequest(
                                kind,
                                names.contains("all")
                                        ? new Selection.All()
                                        : new Selection.Named(names),
                                Set.of())));
    }
}
