package dev.berth.gpu.cdi;

import dev.berth.gpu.DeviceException;
import dev.berth.gpu.cdi.CdiSpec.Edits;
import dev.berth.gpu.cdi.CdiSpec.Hook;
import dev.berth.gpu.cdi.CdiSpec.Mount;
import dev.berth.gpu.driver.DriverParams;
import dev.berth.gpu.driver.DriverView;
import dev.berth.gpu.driver.ElfFile;
import dev.berth.isolator.ContainerConfig.Link;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.linux.At;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Hooks of CDI files without a process: a program of the host that works on an image's files is what the well-known escapes went through. The sub-commands of NVIDIA's toolkit are known by what they do; all others refuse.
 *
 * <p>Thread: file lane.
 */
final class CdiHooks {
    /** A directory of nothing but links to the device's libraries: safe in LD_LIBRARY_PATH, where a directory of the system would take precedence over what programs bring along. */
    private static final String LIBRARIES = DriverView.HOME + "/lib64";

    private static final Set<String> PROGRAMS = Set.of("nvidia-cdi-hook", "nvidia-ctk");

    private final Linux linux;
    private final Path scratch;

    CdiHooks(Linux linux, Path scratch) {
        this.linux = linux;
        this.scratch = scratch;
    }

    /** What hooks add to. */
    record Into(
            List<String> env, List<MountSpec> mounts, List<Link> links, List<String> warnings) {}

    /** @throws DeviceException for a hook that is not known, with its program and sub-command */
    void apply(Edits edits, Into into) throws DeviceException, ErrnoException {
        for (Hook hook : edits.hooks()) {
            apply(hook, edits, into);
        }
    }

    private void apply(Hook hook, Edits edits, Into into) throws DeviceException, ErrnoException {
        String program = hook.path().substring(hook.path().lastIndexOf('/') + 1);
        List<String> words = new ArrayList<>(hook.args());
        if (!words.isEmpty()) {
            words.removeFirst(); // argv[0]
        }
        if (program.equals("nvidia-ctk") && !words.isEmpty() && words.getFirst().equals("hook")) {
            words.removeFirst();
        }
        if (!PROGRAMS.contains(program)
                || words.isEmpty()
                || !hook.hookName().equals("createContainer")) {
            throw refused(hook, program);
        }
        String command = words.removeFirst();
        switch (command) {
            case "create-symlinks" -> {
                for (String link : options(hook, words, Set.of("link"))) {
                    into.links().add(link(link));
                }
            }
            case "update-ldcache" -> libraries(options(hook, words, Set.of("folder")), edits, into);
            case "disable-device-node-modification" -> params(into);
            case "chmod" -> {
                for (String path : options(hook, words, Set.of("path"))) {
                    if (!path.startsWith("/dev/")) {
                        throw refused(hook, "chmod of " + path);
                    }
                }
            }
            case "enable-cuda-compat", "update-application-profile" ->
                    into.warnings()
                            .add("CDI hook " + command + " is left out: Berth does not have it");
            default -> throw refused(hook, program + " " + command);
        }
    }

    private static DeviceException refused(Hook hook, String what) {
        return new DeviceException(
                hook.hookName()
                        + " hook "
                        + what
                        + " ("
                        + hook.path()
                        + "): Berth runs no hooks, and does not know this one");
    }

    /** The values of the options that count; every option takes one, as {@code --name value} or {@code --name=value}. */
    private static List<String> options(Hook hook, List<String> words, Set<String> wanted)
            throws DeviceException {
        List<String> values = new ArrayList<>();
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            if (!word.startsWith("-")) {
                throw refused(hook, "with argument \"" + word + "\"");
            }
            String name = word.replaceFirst("^--?", "");
            String value;
            int equals = name.indexOf('=');
            if (equals >= 0) {
                value = name.substring(equals + 1);
                name = name.substring(0, equals);
            } else if (i + 1 < words.size()) {
                value = words.get(++i);
            } else {
                throw refused(hook, "with option --" + name + " without a value");
            }
            if (wanted.contains(name)) {
                values.add(value);
            }
        }
        return values;
    }

    private static Link link(String text) throws DeviceException {
        int colons = text.indexOf("::");
        String path = colons < 0 ? "" : text.substring(colons + 2);
        if (colons <= 0 || !path.startsWith("/") || List.of(path.split("/")).contains("..")) {
            throw new DeviceException("create-symlinks: want TARGET::/LINK, not \"" + text + "\"");
        }
        return new Link(path, text.substring(0, colons));
    }

    /** What ldconfig would do: a link of its SONAME for each library that is mounted into one of the folders; and a directory that the loader is told of. */
    private void libraries(List<String> folders, Edits edits, Into into) throws ErrnoException {
        boolean any = false;
        for (Mount mount : edits.mounts()) {
            String path = mount.containerPath();
            int slash = path.lastIndexOf('/');
            String folder = slash <= 0 ? "/" : path.substring(0, slash);
            if (!folders.contains(folder)) {
                continue;
            }
            String name = path.substring(slash + 1);
            String soname = soname(mount.hostPath()).orElse("");
            if (!soname.isEmpty()) {
                any = true;
                into.links().add(new Link(LIBRARIES + "/" + soname, path));
                if (!soname.equals(name)) {
                    into.links().add(new Link(folder + "/" + soname, name));
                }
            }
        }
        if (any) {
            into.env().add("LD_LIBRARY_PATH=" + LIBRARIES);
        }
    }

    /** Of a regular file only: nothing else is opened. */
    private Optional<String> soname(String hostPath) throws ErrnoException {
        try (@Nullable OwnedFd found = open(hostPath)) {
            if (found == null) {
                return Optional.empty();
            }
            Statx st = linux.files().statx(found, "", At.AT_EMPTY_PATH).orElseThrow();
            if (!st.isRegular()) {
                return Optional.empty();
            }
            String self = "/proc/self/fd/" + found.number();
            try (OwnedFd file =
                    linux.files().openat(Fd.CWD, self, Open.O_RDONLY | Open.O_NONBLOCK, 0)) {
                return ElfFile.read(linux.files(), file).soname();
            }
        } catch (ElfFile.MalformedElfException _) {
            return Optional.empty(); // a text or a program: nothing that the loader looks for
        }
    }

    private @Nullable OwnedFd open(String hostPath) throws ErrnoException {
        boolean there = linux.files().statx(Fd.CWD, hostPath, 0).isPresent();
        return there ? linux.files().openat(Fd.CWD, hostPath, Open.O_PATH, 0) : null;
    }

    private void params(Into into) throws ErrnoException {
        Optional<Path> copy = DriverParams.patchedCopy(linux, scratch);
        if (copy.isPresent()) {
            into.mounts()
                    .add(
                            new MountSpec.Bind(
                                    copy.get().toString(),
                                    DriverParams.PATH,
                                    true,
                                    false,
                                    false,
                                    "rprivate",
                                    true,
                                    true,
                                    true));
        }
    }
}
