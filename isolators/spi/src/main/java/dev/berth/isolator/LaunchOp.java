package dev.berth.isolator;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One step of a launch, typed. The phase says when and in which section it runs; lowering turns it into system calls.
 *
 * <p>A step that only one isolator may ask for has a {@link #claim}: two contributors of one claim are an error.
 */
public sealed interface LaunchOp {
    /** The file system that {@link MaskPath} takes {@code /dev/null} from. */
    String DEV = "dev";

    /** The devpts instance, inside {@link #DEV}. */
    String DEVPTS = "devpts";

    /** The empty read-only file system that hides masked directories. */
    String EMPTY = "empty";

    /** The proc that sysctls are written through. */
    String PROC = "proc";

    Phase phase();

    /** For people: the reason. */
    String why();

    /** What only one contributor may ask for. */
    default Optional<String> claim() {
        return Optional.empty();
    }

    /**
     * Makes a detached mount of a new file system instance, under a name ({@code fsopen(2)}).
     *
     * @param phase FILESYSTEMS (monitor) or MOUNTS (proc, sysfs, mqueue, cgroup2: they belong to the namespaces of whoever opens them)
     * @param options in order; an empty value is a flag
     * @param nodes made inside it, in order
     */
    record MakeFilesystem(
            Phase phase,
            String why,
            String name,
            String type,
            Map<String, String> options,
            Set<MountAttr> attributes,
            List<Node> nodes)
            implements LaunchOp {
        @Override
        public Optional<String> claim() {
            return Optional.of("file system " + name);
        }
    }

    /** An entry of a file system that is ours alone until it is attached: plain relative names, parents first. */
    sealed interface Node {
        String path();

        /**
         * @param type 'c' or 'b'
         */
        record Device(String path, char type, int major, int minor, int mode, int uid, int gid)
                implements Node {}

        record Directory(String path, int mode) implements Node {}

        record Link(String path, String target) implements Node {}

        record EmptyFile(String path, int mode) implements Node {}
    }

    /** A device node in the root itself: for paths outside {@code /dev}. The parent must exist. */
    record MakeDevice(String why, SafePath path, Node.Device device) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.FILESYSTEMS;
        }
    }

    /** Opens a pty pair on {@link #DEVPTS}; the slave becomes the standard streams, the monitor keeps the master. */
    record OpenTerminal(String why, int uid, int rows, int columns) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.TERMINAL;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("terminal");
        }
    }

    /** As {@link OpenTerminal}, for a further process: the child opens the pair on the container's own {@code /dev/pts}, inside its device cgroup, and the monitor fetches the master. */
    record OpenTerminalInside(String why, int uid, int rows, int columns) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.SESSION;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("terminal");
        }
    }

    /**
     * {@code setns(2)}.
     *
     *
     * @param phase JOIN (monitor; a pid namespace counts for children) or NAMESPACES
     */
    record JoinNamespaces(Phase phase, String why, Slot slot, Set<Namespace> namespaces)
            implements LaunchOp {}

    /** {@code unshare(CLONE_NEWCGROUP)}, once inside the right cgroup. */
    record UnshareCgroup(String why) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.NAMESPACES;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("cgroup namespace");
        }
    }

    record SetOomScoreAdj(String why, int value) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.SELF;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("oom_score_adj");
        }
    }

    /** A session keyring of its own. */
    record JoinKeyring(String why, String name) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.SESSION;
        }
    }

    /**
     * {@code setsid(2)}, the standard streams, and with {@code terminal} the controlling terminal.
     *
     * @param openStdin standard input is a pipe, else {@code /dev/null}
     * @param streamsGiven the three come as slots
     * @param uid owner of pipes that the monitor makes, so that the program can open {@code /dev/stdout}
     */
    record StartSession(
            String why, boolean terminal, boolean openStdin, boolean streamsGiven, int uid)
            implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.SESSION;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("standard streams");
        }
    }

    /** Attaches {@link Slot#ROOT} in the child's mount namespace; all mounts follow on it. {@code staged} are made file systems that are attached below it, out of sight, so that they can be cloned. */
    record EnterRoot(String why, List<String> staged) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.ROOTFS;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("root file system");
        }
    }

    /**
     * Attaches a mount; a missing mount point is made.
     *
     * @param attributes set on the source (all of a {@link MountSource.Made}'s are set when it is made)
     * @param recursive attributes count for submounts too
     * @param propagation of the source: {@code private}, {@code rprivate}, {@code slave}, {@code rslave}, {@code shared}, {@code rshared}, or empty to leave it
     */
    record AttachMount(
            String why,
            MountSource source,
            SafePath target,
            Set<MountAttr> attributes,
            boolean recursive,
            String propagation)
            implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.MOUNTS;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("mount point " + target);
        }
    }

    record SetHostname(String why, String name) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.HOSTNAME;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("hostname");
        }
    }

    record SetDomainname(String why, String name) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.HOSTNAME;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("domainname");
        }
    }

    /**
     * One write through {@link #PROC}.
     *
     *
     * @param key with dots, such as {@code net.core.somaxconn}
     */
    record SetSysctl(String why, String key, String value) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.SYSCTL;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("sysctl " + key);
        }
    }

    /**
     * Hides a file behind our own {@code /dev/null}, a directory behind {@link #EMPTY}; a missing one is skipped.
     *
     *
     * @param directory which of the two forms is tried first
     */
    record MaskPath(String why, SafePath path, boolean directory) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.MASKS;
        }
    }

    /** Puts a read-only mount of it over a path; a missing one is skipped. */
    record ReadOnlyPath(String why, SafePath path) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.MASKS;
        }
    }

    record PivotRoot(String why, boolean readOnly) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.PIVOT;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("pivot_root");
        }
    }

    /** {@code prlimit64(2)}; {@code required} false: EPERM is passed over. */
    record SetRlimit(String why, int resource, String name, long soft, long hard, boolean required)
            implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.RLIMITS;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("rlimit " + name);
        }
    }

    /** All CPUs that the cpuset allows, whatever the agent was pinned to. */
    record ResetAffinity(String why) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.SCHEDULING;
        }
    }

    record SetUmask(String why, int umask) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.SCHEDULING;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("umask");
        }
    }

    /**
     * The working directory, resolved inside the root and without magic links, so that it cannot be outside; where root gets EACCES (network and FUSE file systems) it is tried again as the user.
     *
     *
     * @param create make it when it is missing
     */
    record ChangeDirectory(String why, SafePath path, boolean create) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.CWD;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("working directory");
        }
    }

    /** Every descriptor from {@code first} up is closed, before the program is looked up: execve would find it through them (CVE-2024-21626). */
    record CloseDescriptors(String why, int first) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.FDS;
        }
    }

    /** User, groups and capabilities: one step, since their order is one matter. Bit n of a set is capability n. */
    record SetCredentials(
            String why,
            int uid,
            int gid,
            List<Integer> groups,
            CapabilitySets capabilities,
            boolean noNewPrivileges)
            implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.CREDENTIALS;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("credentials");
        }
    }

    /** The five sets of {@code capabilities(7)}. */
    record CapabilitySets(
            long bounding, long permitted, long effective, long inheritable, long ambient) {}

    /**
     * Installs a seccomp filter.
     *
     * @param filter {@code struct sock_filter[]}, eight bytes each
     * @param flags SECCOMP_FILTER_FLAG_*
     */
    @SuppressWarnings("ArrayRecordComponent") // equals and hashCode look into it
    record InstallSeccomp(String why, byte[] filter, int flags) implements LaunchOp {
        @Override
        public boolean equals(Object other) {
            return other instanceof InstallSeccomp o
                    && o.why.equals(why)
                    && Arrays.equals(o.filter, filter)
                    && o.flags == flags;
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(filter) ^ flags;
        }

        @Override
        public String toString() {
            return "InstallSeccomp[" + filter.length / 8 + " instructions]";
        }

        @Override
        public Phase phase() {
            return Phase.SECCOMP;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("seccomp filter");
        }
    }

    /**
     * Executes the program, the last step.
     *
     * @param argv argv[0] without a slash is looked up in PATH of {@code env}
     * @param init our own init becomes the first process and the program its child
     */
    record Exec(String why, List<String> argv, List<String> env, boolean init) implements LaunchOp {
        @Override
        public Phase phase() {
            return Phase.EXEC;
        }

        @Override
        public Optional<String> claim() {
            return Optional.of("program");
        }
    }
}
