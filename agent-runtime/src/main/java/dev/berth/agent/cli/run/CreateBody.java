package dev.berth.agent.cli.run;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The body of {@code POST /containers/create} that a command line means. What was not said is left out: defaults are the agent's. */
final class CreateBody {
    private final Cli cli;
    private final Arguments arguments;
    private final Map<String, Json> config = new LinkedHashMap<>();
    private final Map<String, Json> host = new LinkedHashMap<>();

    private CreateBody(Cli cli, Arguments arguments) {
        this.cli = cli;
        this.arguments = arguments;
    }

    /**
     * Makes the body. With {@code --rootfs} all operands are the command, otherwise the first is the image.
     *
     * @param attach whether the caller stays with the container
     */
    static Json of(Cli cli, Arguments arguments, boolean attach)
            throws UsageException, IOException {
        return new CreateBody(cli, arguments).build(attach);
    }

    /** The image that is named, empty with {@code --rootfs}. */
    static String image(Arguments arguments) throws UsageException {
        if (arguments.given("rootfs")) {
            return "";
        }
        if (arguments.operands().isEmpty()) {
            throw new UsageException("missing IMAGE (or --rootfs DIR)");
        }
        return arguments.operands().get(0);
    }

    private Json build(boolean attach) throws UsageException, IOException {
        process(attach);
        files();
        limits();
        security();
        devices();
        life();
        Map<String, Json> body = new LinkedHashMap<>(config);
        body.put("HostConfig", Json.of(host));
        Map<String, Json> extension = new LinkedHashMap<>();
        Optional<String> rootfs = arguments.value("rootfs");
        if (rootfs.isPresent()) {
            extension.put("Rootfs", Json.of(absolute(rootfs.get())));
        }
        if (arguments.given("require")) {
            List<String> required = new ArrayList<>();
            for (String value : arguments.values("require")) {
                required.addAll(List.of(value.split(",")));
            }
            extension.put("Required", Json.texts(required));
        }
        if (!extension.isEmpty()) {
            body.put("Berth", Json.of(extension));
        }
        return Json.of(body);
    }

    private void process(boolean attach) throws UsageException, IOException {
        String image = image(arguments);
        List<String> command = arguments.operands();
        if (!image.isEmpty()) {
            config.put("Image", Json.of(image));
            command = command.subList(1, command.size());
        }
        if (!command.isEmpty()) {
            config.put("Cmd", Json.texts(command));
        }
        Optional<String> entrypoint = arguments.value("entrypoint");
        if (entrypoint.isPresent()) {
            // Docker: an empty text resets the image's entry point.
            config.put("Entrypoint", Json.texts(List.of(entrypoint.get())));
        }
        boolean stdin = arguments.has("interactive");
        config.put("Tty", Json.of(arguments.has("tty")));
        config.put("OpenStdin", Json.of(stdin));
        config.put("StdinOnce", Json.of(stdin && attach));
        config.put("AttachStdin", Json.of(stdin && attach));
        config.put("AttachStdout", Json.of(attach));
        config.put("AttachStderr", Json.of(attach));
        List<String> environment = new ArrayList<>();
        for (String file : arguments.values("env-file")) {
            Environment.file(file, cli.environment(), environment);
        }
        for (String variable : arguments.values("env")) {
            Environment.add(variable, cli.environment(), environment);
        }
        if (!environment.isEmpty()) {
            config.put("Env", Json.texts(environment));
        }
        text(config, "WorkingDir", "workdir");
        text(config, "User", "user");
        text(config, "Hostname", "hostname");
        text(config, "Domainname", "domainname");
        labels();
        texts("GroupAdd", "group-add");
        texts("ExtraHosts", "add-host");
        text(host, "NetworkMode", "network");
        text(host, "PidMode", "pid");
        text(host, "IpcMode", "ipc");
        text(host, "UTSMode", "uts");
        text(host, "CgroupnsMode", "cgroupns");
        pairs(host, "Sysctls", "sysctl");
        if (arguments.given("init")) {
            host.put("Init", Json.of(arguments.has("init")));
        }
    }

    private void labels() throws UsageException, IOException {
        Map<String, Json> labels = new LinkedHashMap<>();
        List<String> all = new ArrayList<>();
        for (String file : arguments.values("label-file")) {
            Environment.file(file, Map.of(), all);
        }
        all.addAll(arguments.values("label"));
        for (String label : all) {
            int equals = label.indexOf('=');
            labels.put(
                    equals < 0 ? label : label.substring(0, equals),
                    Json.of(equals < 0 ? "" : label.substring(equals + 1)));
        }
        if (!labels.isEmpty()) {
            config.put("Labels", Json.of(labels));
        }
    }

    private void files() throws UsageException {
        List<String> binds = new ArrayList<>();
        for (String volume : arguments.values("volume")) {
            binds.add(Mounts.bind(volume));
        }
        if (!binds.isEmpty()) {
            host.put("Binds", Json.texts(binds));
        }
        List<Json> mounts = new ArrayList<>();
        for (String mount : arguments.values("mount")) {
            mounts.add(Mounts.mount(mount));
        }
        if (!mounts.isEmpty()) {
            host.put("Mounts", Json.of(mounts));
        }
        Map<String, Json> tmpfs = new LinkedHashMap<>();
        for (String value : arguments.values("tmpfs")) {
            int colon = value.indexOf(':');
            tmpfs.put(
                    colon < 0 ? value : value.substring(0, colon),
                    Json.of(colon < 0 ? "" : value.substring(colon + 1)));
        }
        if (!tmpfs.isEmpty()) {
            host.put("Tmpfs", Json.of(tmpfs));
        }
        if (arguments.given("read-only")) {
            host.put("ReadonlyRootfs", Json.of(arguments.has("read-only")));
        }
        bytes("ShmSize", "shm-size");
    }

    private void limits() throws UsageException {
        bytes("Memory", "memory");
        bytes("MemoryReservation", "memory-reservation");
        if (arguments.value("memory-swap").orElse("").equals("-1")) {
            host.put("MemorySwap", Json.of(-1));
        } else {
            bytes("MemorySwap", "memory-swap");
        }
        Optional<String> cpus = arguments.value("cpus");
        if (cpus.isPresent()) {
            host.put("NanoCpus", Json.of(Sizes.nanoCpus(cpus.get())));
        }
        number("CpuShares", "cpu-shares", 0);
        number("CpuPeriod", "cpu-period", 0);
        number("CpuQuota", "cpu-quota", -1);
        text(host, "CpusetCpus", "cpuset-cpus");
        text(host, "CpusetMems", "cpuset-mems");
        number("PidsLimit", "pids-limit", -1);
        number("BlkioWeight", "blkio-weight", 0);
        number("OomScoreAdj", "oom-score-adj", -1000);
        List<Json> ulimits = new ArrayList<>();
        for (String ulimit : arguments.values("ulimit")) {
            ulimits.add(Devices.ulimit(ulimit));
        }
        if (!ulimits.isEmpty()) {
            host.put("Ulimits", Json.of(ulimits));
        }
        rates("BlkioDeviceReadBps", "device-read-bps", true);
        rates("BlkioDeviceWriteBps", "device-write-bps", true);
        rates("BlkioDeviceReadIOps", "device-read-iops", false);
        rates("BlkioDeviceWriteIOps", "device-write-iops", false);
    }

    private void security() throws UsageException, IOException {
        texts("CapAdd", "cap-add");
        texts("CapDrop", "cap-drop");
        List<String> options = new ArrayList<>();
        for (String option : arguments.values("security-opt")) {
            options.add(securityOption(option));
        }
        if (!options.isEmpty()) {
            host.put("SecurityOpt", Json.texts(options));
        }
        if (arguments.given("privileged")) {
            host.put("Privileged", Json.of(arguments.has("privileged")));
        }
        texts("DeviceCgroupRules", "device-cgroup-rule");
    }

    /** A device is a node of the host or a name of the Container Device Interface, told apart as docker does. */
    private void devices() throws UsageException {
        List<Json> nodes = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (String device : arguments.values("device")) {
            if (Gpus.isCdiName(device)) {
                names.add(device);
            } else {
                nodes.add(Devices.device(device));
            }
        }
        List<Json> requests = new ArrayList<>();
        for (String gpus : arguments.values("gpus")) {
            requests.add(Gpus.request(gpus));
        }
        if (!names.isEmpty()) {
            requests.add(Gpus.cdi(names));
        }
        if (!nodes.isEmpty()) {
            host.put("Devices", Json.of(nodes));
        }
        if (!requests.isEmpty()) {
            host.put("DeviceRequests", Json.of(requests));
        }
    }

    /** A seccomp profile is read here: the file is the caller's, not the agent's. */
    private static String securityOption(String option) throws IOException {
        for (String prefix : List.of("seccomp=", "seccomp:")) {
            String value = option.startsWith(prefix) ? option.substring(prefix.length()) : "";
            if (!value.isEmpty() && !List.of("unconfined", "default", "builtin").contains(value)) {
                return "seccomp=" + Files.readString(Path.of(value), StandardCharsets.UTF_8);
            }
        }
        return option;
    }

    private void life() throws UsageException {
        if (arguments.has("rm")) {
            host.put("AutoRemove", Json.of(true));
        }
        text(config, "StopSignal", "stop-signal");
        if (arguments.given("stop-timeout")) {
            config.put("StopTimeout", Json.of(arguments.number("stop-timeout", 0, -1)));
        }
        Optional<String> restart = arguments.value("restart");
        if (restart.isPresent()) {
            host.put("RestartPolicy", restartPolicy(restart.get()));
        }
        if (arguments.given("log-opt")) {
            Map<String, Json> log = new LinkedHashMap<>();
            pairs(log, "Config", "log-opt");
            host.put("LogConfig", Json.of(log));
        }
    }

    private Json restartPolicy(String text) throws UsageException {
        if (arguments.has("rm") && !text.equals("no")) {
            throw new UsageException("--restart and --rm contradict each other");
        }
        int colon = text.indexOf(':');
        Map<String, Json> policy = new LinkedHashMap<>();
        policy.put("Name", Json.of(colon < 0 ? text : text.substring(0, colon)));
        if (colon >= 0) {
            try {
                policy.put(
                        "MaximumRetryCount", Json.of(Integer.parseInt(text.substring(colon + 1))));
            } catch (NumberFormatException e) {
                throw new UsageException("--restart: want on-failure:N, got '" + text + "'");
            }
        }
        return Json.of(policy);
    }

    private void text(Map<String, Json> target, String field, String flag) {
        Optional<String> value = arguments.value(flag);
        if (value.isPresent()) {
            target.put(field, Json.of(value.get()));
        }
    }

    private void texts(String field, String flag) {
        if (arguments.given(flag)) {
            host.put(field, Json.texts(arguments.values(flag)));
        }
    }

    private void pairs(Map<String, Json> target, String field, String flag) throws UsageException {
        Map<String, Json> pairs = new LinkedHashMap<>();
        for (String pair : arguments.values(flag)) {
            int equals = pair.indexOf('=');
            if (equals <= 0) {
                throw new UsageException("--" + flag + ": want NAME=VALUE, got '" + pair + "'");
            }
            pairs.put(pair.substring(0, equals), Json.of(pair.substring(equals + 1)));
        }
        if (!pairs.isEmpty()) {
            target.put(field, Json.of(pairs));
        }
    }

    private void bytes(String field, String flag) throws UsageException {
        Optional<String> value = arguments.value(flag);
        if (value.isPresent()) {
            host.put(field, Json.of(Sizes.bytes(flag, value.get())));
        }
    }

    private void number(String field, String flag, long least) throws UsageException {
        if (arguments.given(flag)) {
            host.put(field, Json.of(arguments.number(flag, 0, least)));
        }
    }

    private void rates(String field, String flag, boolean bytes) throws UsageException {
        List<Json> rates = new ArrayList<>();
        for (String value : arguments.values(flag)) {
            rates.add(Devices.rate(flag, value, bytes));
        }
        if (!rates.isEmpty()) {
            host.put(field, Json.of(rates));
        }
    }

    private static String absolute(String path) {
        return Path.of(path).toAbsolutePath().normalize().toString();
    }
}
