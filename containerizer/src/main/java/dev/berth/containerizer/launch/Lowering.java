package dev.berth.containerizer.launch;

import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.LaunchPlan.OwnedOp;
import dev.berth.isolator.Milestone;
import dev.berth.isolator.Namespace;
import dev.berth.isolator.Phase;
import dev.berth.isolator.Section;
import dev.berth.isolator.Slot;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Predicate;

/** Turns one plan into one program. Thread: one; used once. */
final class Lowering {
    /** The well-known slots come first, so that programs of one kind look alike. */
    private static final List<Slot> ORDER =
            List.of(
                    Slot.ROOT,
                    Slot.CGROUP,
                    Slot.NETNS,
                    Slot.PIDNS,
                    Slot.IPCNS,
                    Slot.PIDFD,
                    Slot.RUN_DIR,
                    Slot.LOG_DIR,
                    Slot.STDIN,
                    Slot.STDOUT,
                    Slot.STDERR);

    private static final String SELF = "launch";

    private final LaunchPlan plan;
    private final LaunchSettings settings;
    private final ProgramBuilder builder;
    private final Map<Slot, Integer> slots = new HashMap<>();
    private final FilesystemLowering filesystems;
    private final ProcessLowering processes;
    private final TerminalLowering terminals;

    Lowering(LaunchPlan plan, LaunchSettings settings, Predicate<Slot> isFile, Abi abi) {
        this.plan = plan;
        this.settings = settings;
        this.builder = new ProgramBuilder(abi);
        this.terminals = new TerminalLowering(builder);
        this.filesystems = new FilesystemLowering(builder, this::slot, isFile, terminals);
        this.processes = new ProcessLowering(builder, plan, filesystems);
    }

    LaunchProgram lower() {
        String names = fillSlots();
        terminals.streams(plan, slots);
        host();
        child();
        builder.owner(Phase.PREPARE, SELF, "");
        ProgramData data = builder.data();
        int record = data.string(settings.recordName());
        int socket = data.string(settings.socketName());
        int id = data.nulSeparated(plan.id() + names);
        ProgramHeader header =
                new ProgramHeader(
                        flags(),
                        builder.registerCount(),
                        slots.size(),
                        cloneFlags(),
                        register(Slot.CGROUP),
                        register(Slot.LOG_DIR),
                        register(Slot.RUN_DIR),
                        terminals.stdin(),
                        terminals.stdout(),
                        terminals.stderr(),
                        terminals.master(),
                        settings.logMaxBytes(),
                        settings.logMaxFiles(),
                        record,
                        socket,
                        id,
                        terminals.rows(),
                        terminals.columns());
        return new LaunchProgram(
                header,
                builder.ops(Section.HOST),
                builder.ops(Section.CHILD),
                data.pointers(),
                data.toBytes());
    }

    /** Gives each slot its register; returns the names, each behind a NUL. */
    private String fillSlots() {
        Comparator<Slot> order =
                Comparator.comparingInt(
                                (Slot s) -> ORDER.contains(s) ? ORDER.indexOf(s) : ORDER.size())
                        .thenComparingInt(s -> s.name().length())
                        .thenComparing(Slot::name);
        TreeSet<Slot> all = new TreeSet<>(order);
        all.addAll(plan.slots());
        all.add(Slot.RUN_DIR);
        if (settings.logged()) {
            all.add(Slot.LOG_DIR);
        }
        if (all.size() > LaunchProgram.MAX_SLOTS) {
            throw new IllegalArgumentException(
                    all.size()
                            + " descriptors are more than the "
                            + LaunchProgram.MAX_SLOTS
                            + " that fit in one launch: use fewer binds");
        }
        StringBuilder names = new StringBuilder();
        for (Slot slot : all) {
            if (slot.name().indexOf('\0') >= 0) {
                throw new IllegalArgumentException("a NUL in a slot's name");
            }
            slots.put(slot, builder.register());
            names.append('\0').append(slot.name());
        }
        return names.toString();
    }

    private int flags() {
        int flags = plan.exec() ? ProgramHeader.EXEC : 0;
        if (!plan.exec() && slots.containsKey(Slot.CGROUP)) {
            flags |= ProgramHeader.KILL_CGROUP;
        }
        if (terminals.terminal()) {
            flags |= ProgramHeader.TTY;
        }
        if (terminals.stdinOpen()) {
            flags |= ProgramHeader.STDIN_OPEN;
        }
        return flags;
    }

    private long cloneFlags() {
        long flags = 0;
        for (Namespace namespace : plan.namespaces()) {
            flags |= namespace.cloneFlag();
        }
        return flags;
    }

    private int register(Slot slot) {
        return slots.getOrDefault(slot, -1);
    }

    /** The register of a slot that an op needs. */
    private int slot(Slot slot) {
        Integer register = slots.get(slot);
        if (register == null) {
            throw new IllegalArgumentException(
                    "a step uses slot " + slot + ", which no contribution asks for");
        }
        return register;
    }

    private void host() {
        builder.owner(Phase.PREPARE, SELF, "modes are exactly as asked for");
        builder.call(Call.UMASK, "0").imm(0);
        ops(Section.HOST, Phase.PREPARE, Phase.JOIN);
        stamp(Phase.JOIN, Milestone.PREPARED);
        builder.owner(Phase.JOIN, SELF, "the new process");
        ProgramBuilder.Step clone = builder.special(ProgramOp.CLONE, "clone3");
        if (terminals.inside()) {
            clone.out(terminals.pidfd());
        }
        terminals.fetch();
        ops(Section.HOST, Phase.BESIDE, Phase.BESIDE);
    }

    private void child() {
        ops(Section.CHILD, Phase.SYNC, Phase.NAMESPACES);
        stamp(Phase.NAMESPACES, Milestone.NAMESPACES);
        ops(Section.CHILD, Phase.SESSION, Phase.MOUNTS);
        if (!plan.exec()) {
            stamp(Phase.MOUNTS, Milestone.MOUNTS);
        }
        ops(Section.CHILD, Phase.HOSTNAME, Phase.PIVOT);
        if (!plan.exec()) {
            stamp(Phase.PIVOT, Milestone.PIVOT);
        }
        ops(Section.CHILD, Phase.RLIMITS, Phase.NO_NEW_PRIVS);
        // A filter may not allow the clock.
        stamp(Phase.NO_NEW_PRIVS, Milestone.SANDBOX);
        ops(Section.CHILD, Phase.SECCOMP, Phase.EXEC);
    }

    private void stamp(Phase phase, Milestone milestone) {
        builder.owner(phase, SELF, "the time of \"" + milestone.label() + "\"");
        builder.special(ProgramOp.STAMP, "stamp").imm(milestone.index());
    }

    private void ops(Section section, Phase first, Phase last) {
        for (OwnedOp owned : plan.ops()) {
            Phase phase = owned.op().phase();
            if (phase.section() == section
                    && phase.compareTo(first) >= 0
                    && phase.compareTo(last) <= 0) {
                builder.owner(phase, owned.isolator(), owned.op().why());
                lower(owned.op());
            }
        }
    }

    private void lower(LaunchOp op) {
        switch (op) {
            case LaunchOp.MakeFilesystem o -> filesystems.make(o);
            case LaunchOp.MakeDevice o -> filesystems.device(o);
            case LaunchOp.EnterRoot o -> filesystems.enter(o);
            case LaunchOp.AttachMount o -> filesystems.attach(o);
            case LaunchOp.SetSysctl o -> filesystems.sysctl(o);
            case LaunchOp.MaskPath o -> filesystems.mask(o);
            case LaunchOp.ReadOnlyPath o -> filesystems.readOnly(o);
            case LaunchOp.PivotRoot o -> filesystems.pivot(o);
            case LaunchOp.OpenTerminal o -> terminals.open(o, filesystems.made(LaunchOp.DEVPTS));
            case LaunchOp.OpenTerminalInside o -> terminals.openInside(o);
            case LaunchOp.StartSession o -> terminals.session(o);
            case LaunchOp.JoinNamespaces o -> join(o);
            case LaunchOp.UnshareCgroup _ ->
                    builder.call(Call.UNSHARE, "cgroup").imm(Namespace.CGROUP.cloneFlag());
            case LaunchOp.SetOomScoreAdj o -> processes.oomScoreAdj(o);
            case LaunchOp.JoinKeyring o -> processes.keyring(o);
            case LaunchOp.SetHostname o -> processes.name(Call.SETHOSTNAME, o.name());
            case LaunchOp.SetDomainname o -> processes.name(Call.SETDOMAINNAME, o.name());
            case LaunchOp.SetRlimit o -> processes.rlimit(o);
            case LaunchOp.ResetAffinity _ -> processes.affinity();
            case LaunchOp.SetUmask o ->
                    builder.call(Call.UMASK, Integer.toOctalString(o.umask())).imm(o.umask());
            case LaunchOp.ChangeDirectory o -> processes.changeDirectory(o);
            case LaunchOp.CloseDescriptors o ->
                    builder.special(ProgramOp.CLOSE, "close from " + o.first()).imm(o.first());
            case LaunchOp.SetCredentials o -> processes.credentials(o);
            case LaunchOp.InstallSeccomp o -> processes.seccomp(o);
            case LaunchOp.Exec o -> processes.exec(o);
        }
    }

    private void join(LaunchOp.JoinNamespaces op) {
        long flags = 0;
        StringBuilder names = new StringBuilder();
        for (Namespace n : new TreeSet<>(op.namespaces())) {
            flags |= n.cloneFlag();
            names.append(names.isEmpty() ? "" : "|").append(n.procName());
        }
        builder.call(Call.SETNS, op.slot() + ", " + names).register(slot(op.slot())).imm(flags);
    }
}
