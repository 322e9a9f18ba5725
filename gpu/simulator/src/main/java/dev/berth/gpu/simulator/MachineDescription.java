package dev.berth.gpu.simulator;

import java.util.List;

/** A machine in the lines that {@code simctl create} reads; its words are in create.c. */
final class MachineDescription {
    private static final long MIB = 1L << 20;
    private static final int BRAND_NVIDIA = 14;
    private static final int VENDOR_NVIDIA = 0x10de;

    private final Machine machine;
    private final StringBuilder out = new StringBuilder();

    private MachineDescription(Machine machine) {
        this.machine = machine;
    }

    /** @param kmsg path of the machine's kernel log on the host */
    static String of(Machine machine, String fingerprint, String kmsg) {
        MachineDescription text = new MachineDescription(machine);
        text.line("machine", machine.name() + "#" + fingerprint);
        text.line("driver", machine.driver());
        text.line("nvml", machine.nvml());
        text.line("cuda", machine.cuda());
        text.line("kmsg", "\"" + kmsg + "\"");
        for (int gpu = 0; gpu < machine.gpus().size(); gpu++) {
            text.board(gpu, machine.gpus().get(gpu));
            text.model(gpu);
            text.links(gpu);
        }
        return text.out.toString();
    }

    private void line(Object... words) {
        for (Object word : words) {
            out.append(word).append(' ');
        }
        out.append('\n');
    }

    private void fact(int gpu, String key, Object value) {
        line("gpu", gpu, key, value);
    }

    private void board(int gpu, Machine.Board board) {
        fact(gpu, "uuid", board.uuid());
        fact(gpu, "serial", board.serial());
        fact(gpu, "minor", board.minor());
        fact(gpu, "numa_node", board.numaNode());
        if (!board.cpus().isEmpty()) {
            fact(gpu, "cpus", board.cpus());
        }
        long[] pci = pci(board.pci());
        fact(gpu, "pci.domain", pci[0]);
        fact(gpu, "pci.bus", pci[1]);
        fact(gpu, "pci.device", pci[2]);
        StringBuilder levels = new StringBuilder();
        for (Machine.Ancestor level : machine.ancestors().get(gpu)) {
            levels.append(level.nvml()).append(' ');
        }
        fact(gpu, "ancestor", levels);
    }

    private static long[] pci(String text) {
        return new long[] {
            Long.parseLong(text, 0, 4, 16),
            Long.parseLong(text, 5, 7, 16),
            Long.parseLong(text, 8, 10, 16)
        };
    }

    private static long pciId(String device) {
        return (Long.decode(device) << 16) | VENDOR_NVIDIA;
    }

    private void model(int gpu) {
        Machine.Model model = machine.model();
        fact(gpu, "name", "\"" + model.name() + "\"");
        fact(gpu, "board_part", model.partNumber());
        fact(gpu, "pci_device_id", pciId(model.pciDevice()));
        fact(gpu, "pci_subsystem_id", pciId(model.pciSubsystem()));
        fact(gpu, "brand", BRAND_NVIDIA);
        fact(gpu, "architecture", model.architecture().nvml());
        int dot = model.computeCapability().indexOf('.');
        fact(gpu, "compute_major", model.computeCapability().substring(0, dot));
        fact(gpu, "compute_minor", model.computeCapability().substring(dot + 1));
        fact(gpu, "memory_bytes", model.memoryMiB() * MIB);
        fact(gpu, "reserved_bytes", model.reservedMiB() * MIB);
        fact(gpu, "baseline_bytes", model.baselineMiB() * MIB);
        fact(gpu, "bar1_bytes", model.bar1MiB() * MIB);
        fact(gpu, "power_idle_mw", model.powerWatts().idle() * 1000L);
        fact(gpu, "power_min_mw", model.powerWatts().minimum() * 1000L);
        fact(gpu, "power_max_mw", model.powerWatts().maximum() * 1000L);
        fact(gpu, "power_default_mw", model.powerWatts().standard() * 1000L);
        fact(gpu, "temperature_idle", model.celsius().idle());
        fact(gpu, "temperature_busy", model.celsius().busy());
        fact(gpu, "temperature_slowdown", model.celsius().slowdown());
        fact(gpu, "temperature_shutdown", model.celsius().shutdown());
        fact(gpu, "clocks_idle", spaced(model.clocksMHz().idle(), " "));
        fact(gpu, "clocks_max", spaced(model.clocksMHz().maximum(), " "));
        fact(gpu, "ecc_supported", bit(model.ecc()));
        fact(gpu, "fabric_supported", bit(model.fabric()));
        fact(gpu, "link_version", model.nvLinkVersion());
        fact(gpu, "persistence", bit(machine.persistence()));
        fact(gpu, "mig_supported", bit(!model.mig().isEmpty()));
        for (Machine.MigProfile mig : model.mig()) {
            profile(gpu, mig);
        }
    }

    private static int bit(boolean value) {
        return value ? 1 : 0;
    }

    private static String spaced(List<Integer> numbers, String between) {
        return String.join(between, numbers.stream().map(String::valueOf).toList());
    }

    private void profile(int gpu, Machine.MigProfile mig) {
        line(
                "gpu",
                gpu,
                "profile",
                mig.profile(),
                mig.id(),
                mig.slices(),
                mig.instances(),
                mig.multiprocessors(),
                mig.copyEngines(),
                mig.decoders(),
                mig.encoders(),
                mig.jpeg(),
                mig.ofa(),
                0,
                mig.memoryMiB(),
                mig.size(),
                spaced(mig.starts(), ","),
                "\"" + mig.name() + "\"");
    }

    /** Links over switches go to these in turn; others to the boards in the order of the row. */
    private void links(int gpu) {
        int count = machine.links(gpu);
        fact(gpu, "links", count);
        int made = 0;
        if (!machine.switches().isEmpty()) {
            for (; made < count; made++) {
                link(gpu, made, 2, machine.switches().get(made % machine.switches().size()));
            }
            return;
        }
        List<Integer> row = machine.nvLinks().get(gpu);
        for (int peer = 0; peer < row.size(); peer++) {
            for (int i = 0; i < row.get(peer); i++) {
                link(gpu, made++, 0, machine.gpus().get(peer).pci());
            }
        }
    }

    private void link(int gpu, int index, int type, String remote) {
        long[] pci = pci(remote);
        line("gpu", gpu, "link", index, type, pci[0], pci[1], pci[2]);
    }
}
