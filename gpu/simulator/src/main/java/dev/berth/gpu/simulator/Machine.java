package dev.berth.gpu.simulator;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A machine with GPUs, as its file says: what {@code --gpus sim:NAME} and {@code sim:FILE} pretend to be. The file is JSON with exactly these fields, all of them; {@link #check} says what else must hold.
 *
 * @param name of the machine, for people
 * @param driver version of the driver, such as {@code 580.65.06}
 * @param nvml version of the library
 * @param cuda major times 1000 plus minor times 10
 * @param persistence whether the boards are in persistence mode at the start
 * @param majors wished numbers of the drivers that have no fixed one
 * @param model of all boards
 * @param gpus the boards
 * @param switches PCI addresses of NVSwitches; empty when NVLinks go from board to board
 * @param nvLinks links between each two boards, over the switches where there are any
 * @param ancestors nearness of each two boards on PCI
 */
public record Machine(
        String name,
        String driver,
        String nvml,
        int cuda,
        boolean persistence,
        Majors majors,
        Model model,
        List<Board> gpus,
        List<String> switches,
        List<List<Integer>> nvLinks,
        List<List<Ancestor>> ancestors) {

    /** Names of the machines that are shipped. */
    public static final List<String> SHIPPED =
            List.of("8xH100", "8xA100", "4xL40S", "1xH200", "1xA30");

    /** The most boards that the state has room for. */
    public static final int MAX_GPUS = 16;

    static final Pattern PCI = Pattern.compile("[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\\.0");
    private static final Pattern UUID =
            Pattern.compile("GPU-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
    private static final Pattern CPUS = Pattern.compile("|\\d+(-\\d+)?(,\\d+(-\\d+)?)*");
    private static final Pattern WORD = Pattern.compile("[A-Za-z0-9._-]+");
    private static final Pattern PRINTED = Pattern.compile("[A-Za-z0-9 ._+-]+");
    private static final int MAX_FILE_BYTES = 1 << 20;

    private static final ObjectReader READER =
            JsonMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
                    .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                    .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
                    .build()
                    .readerFor(Machine.class);

    public Machine {
        gpus = List.copyOf(gpus);
        switches = List.copyOf(switches);
        nvLinks = nvLinks.stream().map(List::copyOf).toList();
        ancestors = ancestors.stream().map(List::copyOf).toList();
    }

    /** Wished majors. 195 is fixed and not among them; one that the host's kernel has given away is replaced by a free one. */
    public record Majors(int uvm, int caps, int imex, int nvlink, int nvswitch) {}

    /**
     * What all boards have in common.
     *
     * @param pciDevice PCI device id, such as {@code 0x2330}
     * @param reservedMiB memory that the driver keeps
     * @param baselineMiB memory in use without any process
     * @param nvLinkVersion 0 for boards without NVLink
     * @param fabric whether a fabric manager sets the links up
     * @param mig the instance profiles; empty for boards without MIG
     */
    public record Model(
            String name,
            String pciDevice,
            String pciSubsystem,
            String partNumber,
            String videoBios,
            Architecture architecture,
            String computeCapability,
            int memoryMiB,
            int reservedMiB,
            int baselineMiB,
            int bar1MiB,
            Power powerWatts,
            Clocks clocksMHz,
            Temperatures celsius,
            boolean ecc,
            int nvLinkVersion,
            boolean fabric,
            List<MigProfile> mig) {
        public Model {
            mig = List.copyOf(mig);
        }
    }

    /** nvmlDeviceArchitecture_t. */
    public enum Architecture {
        AMPERE(7),
        ADA(8),
        HOPPER(9),
        BLACKWELL(10);

        private final int nvml;

        Architecture(int nvml) {
            this.nvml = nvml;
        }

        int nvml() {
            return nvml;
        }
    }

    /** Power in watts: idle, the limits that may be set, and the limit at the start. */
    public record Power(int idle, int minimum, int maximum, int standard) {}

    /** Clocks of graphics, SM, memory and video in MHz. */
    public record Clocks(List<Integer> idle, List<Integer> maximum) {
        public Clocks {
            idle = List.copyOf(idle);
            maximum = List.copyOf(maximum);
        }
    }

    /** Degrees: idle, under full load, and the thresholds. */
    public record Temperatures(int idle, int busy, int slowdown, int shutdown) {}

    /**
     * A MIG instance profile.
     *
     * @param profile nvmlGpuInstanceProfile's number, the argument of the queries
     * @param id what NVML gives back and creation takes
     * @param size memory slices of one
     * @param starts memory slices where one may begin
     */
    public record MigProfile(
            int profile,
            int id,
            String name,
            int slices,
            int instances,
            int multiprocessors,
            int copyEngines,
            int decoders,
            int encoders,
            int jpeg,
            int ofa,
            int memoryMiB,
            int size,
            List<Integer> starts) {
        public MigProfile {
            starts = List.copyOf(starts);
        }
    }

    /**
     * One board.
     *
     * @param minor of its node, which need not be its index
     * @param numaNode −1 when the firmware does not say
     * @param cpus as in sysfs {@code local_cpulist}; empty when unknown
     */
    public record Board(
            String uuid, String serial, String pci, int minor, int numaNode, String cpus) {}

    /** The nearest thing on PCI that two boards have in common: nvmlGpuTopologyLevel_t. */
    public enum Ancestor {
        SELF(0),
        INTERNAL(0),
        SINGLE(10),
        MULTIPLE(20),
        HOSTBRIDGE(30),
        NODE(40),
        SYSTEM(50);

        private final int nvml;

        Ancestor(int nvml) {
            this.nvml = nvml;
        }

        int nvml() {
            return nvml;
        }
    }

    /**
     * One of {@link #SHIPPED}.
     *
     * @throws SimulatorException if there is none of this name
     */
    public static Machine shipped(String name) throws SimulatorException {
        if (!SHIPPED.contains(name)) {
            throw new SimulatorException(
                    "no machine "
                            + name
                            + ": there are "
                            + String.join(", ", SHIPPED)
                            + ", or the path of a machine file");
        }
        String resource = "machines/" + name + ".json";
        try (InputStream in = Machine.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException(resource + " is not in the jar");
            }
            return parse(in.readAllBytes(), resource);
        } catch (IOException e) {
            throw new SimulatorException("read " + resource, e);
        }
    }

    /**
     * Reads a machine file.
     *
     * @throws SimulatorException if it cannot be read, has an unknown field, lacks one, or contradicts itself
     */
    public static Machine read(Path file) throws SimulatorException {
        try {
            if (Files.size(file) > MAX_FILE_BYTES) {
                throw new SimulatorException(
                        "machine file " + file + " is larger than " + MAX_FILE_BYTES + " bytes");
            }
            return parse(Files.readAllBytes(file), file.toString());
        } catch (IOException e) {
            throw new SimulatorException("read machine file " + file, e);
        }
    }

    static Machine parse(byte[] json, String from) throws SimulatorException {
        Machine machine;
        try {
            machine = READER.readValue(json);
        } catch (JsonProcessingException e) {
            String where = e.getLocation() == null ? "" : ", line " + e.getLocation().getLineNr();
            throw new SimulatorException(
                    "machine file " + from + where + ": " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new SimulatorException("machine file " + from, e);
        }
        machine.check("machine file " + from + ": ");
        return machine;
    }

    /** What the file's form does not say. */
    private void check(String prefix) throws SimulatorException {
        int n = gpus.size();
        need(n >= 1 && n <= MAX_GPUS, prefix, "gpus: 1 to " + MAX_GPUS + ", not " + n);
        word(name, prefix + "name");
        word(driver, prefix + "driver");
        word(nvml, prefix + "nvml");
        matrix(nvLinks, n, prefix + "nvLinks");
        matrix(ancestors, n, prefix + "ancestors");
        for (int a = 0; a < n; a++) {
            need(
                    (ancestors.get(a).get(a) == Ancestor.SELF),
                    prefix,
                    "ancestors: SELF on the diagonal");
            need(nvLinks.get(a).get(a) == 0, prefix, "nvLinks: 0 on the diagonal");
            need(links(a) <= 36, prefix, "nvLinks: gpu " + a + " has more than 36");
        }
        Set<Object> seen = new HashSet<>();
        for (Board board : gpus) {
            need(
                    UUID.matcher(board.uuid).matches(),
                    prefix,
                    "uuid: not of the form GPU-…: " + board.uuid);
            need(
                    PCI.matcher(board.pci).matches(),
                    prefix,
                    "pci: not of the form 0000:1b:00.0: " + board.pci);
            need(
                    CPUS.matcher(board.cpus).matches(),
                    prefix,
                    "cpus: not a list such as 0-3,8: " + board.cpus);
            need(
                    board.minor >= 0 && board.minor < 254,
                    prefix,
                    "minor: 0 to 253, not " + board.minor);
            need(board.numaNode >= -1, prefix, "numaNode: -1 or more, not " + board.numaNode);
            word(board.serial, prefix + "serial");
            need(seen.add(board.uuid), prefix, "uuid twice: " + board.uuid);
            need(seen.add(board.pci), prefix, "pci twice: " + board.pci);
            need(seen.add(board.minor), prefix, "minor twice: " + board.minor);
        }
        for (String pci : switches) {
            need(
                    PCI.matcher(pci).matches(),
                    prefix,
                    "switches: not of the form 0000:07:00.0: " + pci);
            need(seen.add(pci), prefix, "pci twice: " + pci);
        }
        Majors m = majors;
        for (int major : List.of(m.uvm, m.caps, m.imex, m.nvlink, m.nvswitch)) {
            need(major >= 234 && major <= 511, prefix, "majors: 234 to 511, not " + major);
        }
        checkModel(prefix + "model: ");
    }

    private void checkModel(String prefix) throws SimulatorException {
        need(
                PRINTED.matcher(model.name).matches(),
                prefix,
                "name: letters, digits and blanks: " + model.name);
        word(model.partNumber, prefix + "partNumber");
        word(model.videoBios, prefix + "videoBios");
        for (String id : List.of(model.pciDevice, model.pciSubsystem)) {
            need(
                    id.matches("0x[0-9a-f]{4}"),
                    prefix,
                    "pciDevice, pciSubsystem: 0x and four digits, not " + id);
        }
        need(
                model.computeCapability.matches("\\d+\\.\\d+"),
                prefix,
                "computeCapability: such as 9.0");
        need(
                model.reservedMiB >= 0
                        && model.baselineMiB >= 0
                        && model.reservedMiB + model.baselineMiB < model.memoryMiB,
                prefix,
                "memoryMiB: more than reservedMiB and baselineMiB together");
        need(model.bar1MiB >= 0, prefix, "bar1MiB: not negative");
        Power power = model.powerWatts;
        need(
                power.idle > 0
                        && power.idle <= power.minimum
                        && power.minimum <= power.standard
                        && power.standard <= power.maximum,
                prefix,
                "powerWatts: idle, minimum, standard, maximum must ascend");
        Temperatures t = model.celsius;
        need(
                t.idle > 0 && t.idle <= t.busy && t.busy <= t.slowdown && t.slowdown <= t.shutdown,
                prefix,
                "celsius: idle, busy, slowdown, shutdown must ascend");
        need(
                model.clocksMHz.idle.size() == 4 && model.clocksMHz.maximum.size() == 4,
                prefix,
                "clocksMHz: four each");
        for (MigProfile mig : model.mig) {
            need(
                    mig.profile >= 0 && mig.profile < 18,
                    prefix,
                    "mig: profile 0 to 17, not " + mig.profile);
            need(PRINTED.matcher(mig.name).matches(), prefix, "mig: name: " + mig.name);
            need(
                    !mig.starts.isEmpty()
                            && mig.starts.size() <= 8
                            && mig.size >= 1
                            && mig.size <= 8,
                    prefix,
                    "mig: 1 to 8 starts and memory slices in " + mig.name);
        }
    }

    private <T> void matrix(List<List<T>> rows, int n, String what) throws SimulatorException {
        need(rows.size() == n, what, ": a row for each of the " + n + " gpus");
        for (int a = 0; a < n; a++) {
            need(rows.get(a).size() == n, what, ": " + n + " columns in row " + a);
        }
        for (int a = 0; a < n; a++) {
            for (int b = 0; b < a; b++) {
                need(
                        rows.get(a).get(b).equals(rows.get(b).get(a)),
                        what,
                        ": " + a + " to " + b + " differs from " + b + " to " + a);
            }
        }
    }

    private static void word(String value, String what) throws SimulatorException {
        need(WORD.matcher(value).matches(), what, ": letters, digits, . _ and - only: " + value);
    }

    private static void need(boolean holds, String prefix, String what) throws SimulatorException {
        if (!holds) {
            throw new SimulatorException(prefix + what);
        }
    }

    /** Links that leave a board. */
    int links(int gpu) {
        int most = 0;
        int sum = 0;
        for (int links : nvLinks.get(gpu)) {
            most = Math.max(most, links);
            sum += links;
        }
        return switches.isEmpty() ? sum : most;
    }

    /** {@code 13.0}. */
    String cudaText() {
        return String.format(Locale.ROOT, "%d.%d", cuda / 1000, cuda % 1000 / 10);
    }
}
