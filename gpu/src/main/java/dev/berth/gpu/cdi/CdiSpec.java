package dev.berth.gpu.cdi;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One CDI file as it was read.
 *
 * @param version its {@code cdiVersion}
 * @param kind {@code vendor/class}
 * @param edits for every container that gets at least one of its devices
 */
record CdiSpec(
        String version,
        String kind,
        Map<String, String> annotations,
        Edits edits,
        List<Device> devices) {
    record Device(String name, Map<String, String> annotations, Edits edits) {}

    record Edits(
            List<String> env,
            List<Node> deviceNodes,
            List<NetDevice> netDevices,
            List<Hook> hooks,
            List<Mount> mounts,
            Optional<IntelRdt> intelRdt,
            List<Integer> additionalGids) {
        static final Edits NONE =
                new Edits(
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(),
                        Optional.empty(),
                        List.of());

        boolean isEmpty() {
            return equals(NONE);
        }
    }

    /** Empty texts are absent ones. */
    record Node(
            String path,
            String hostPath,
            String type,
            int major,
            int minor,
            OptionalInt fileMode,
            String permissions,
            OptionalInt uid,
            OptionalInt gid) {}

    record NetDevice(String hostInterfaceName, String name) {}

    record Hook(String hookName, String path, List<String> args, List<String> env) {}

    record Mount(String hostPath, String containerPath, List<String> options, String type) {}

    /** @param fromOneOne whether it says what only 1.1.0 knows */
    record IntelRdt(String closId, boolean fromOneOne) {}
}
