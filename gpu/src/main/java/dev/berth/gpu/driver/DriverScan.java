package dev.berth.gpu.driver;

import dev.berth.gpu.DeviceException;
import dev.berth.gpu.driver.DriverInventory.BoundFile;
import dev.berth.gpu.driver.DriverInventory.Item;
import dev.berth.gpu.driver.DriverInventory.Need;
import dev.berth.gpu.driver.DriverInventory.RootLink;
import dev.berth.gpu.driver.DriverInventory.TreeLink;
import dev.berth.isolator.ContainerConfig.Link;
import dev.berth.linux.At;
import dev.berth.linux.DirEntry;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.FileMode;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;
import dev.berth.linux.file.SafeRoot;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the driver's files below a driver root, once. Thread: file lane. */
final class DriverScan {
    static final Pattern VERSION =
            Pattern.compile("(?<![\\d.])(\\d{3,4}\\.\\d{1,3}(\\.\\d{1,3})?)(?![\\d.])");
    private static final Pattern SUFFIX =
            Pattern.compile("\\.so\\.(\\d{3,4}\\.\\d{1,3}(?:\\.\\d{1,3})?)$");
    private static final int MAX_NAMES = 200_000;
    private static final String FIRMWARE_SETTING = "/sys/module/firmware_class/parameters/path";

    private final Linux linux;
    private final SafeRoot host;
    private final SafeRoot driver;
    private final DriverTrust trust;
    private final Map<String, Item> items = new LinkedHashMap<>();
    private final List<RootLink> rootLinks = new ArrayList<>();
    private final Map<DriverCapability, String> refusals = new EnumMap<>(DriverCapability.class);
    private final List<String> warnings = new ArrayList<>();
    private final Map<String, Set<String>> listed = new HashMap<>();
    private String version = "";
    private final int machine =
            System.getProperty("os.arch").equals("aarch64") ? ElfFile.AARCH64 : ElfFile.X86_64;

    /** {@code host} is where proc and sys are, {@code driver} where the files are. */
    DriverScan(Linux linux, SafeRoot host, SafeRoot driver, DriverTrust trust) {
        this.linux = linux;
        this.host = host;
        this.driver = driver;
        this.trust = trust;
    }

    /** Looks for everything; the result owns its descriptors. */
    DriverInventory scan() throws DeviceException, ErrnoException {
        boolean done = false;
        try {
            version = version();
            libraries(DriverNames.LIBRARY_DIRECTORIES, false);
            libraries(DriverNames.LIBRARY_DIRECTORIES_32, true);
            binaries();
            firmware();
            configuration(DriverNames.GRAPHICS_FILES, DriverCapability.GRAPHICS);
            configuration(DriverNames.COMPUTE_FILES, DriverCapability.COMPUTE);
            done = true;
            return new DriverInventory(
                    version, List.copyOf(items.values()), rootLinks, refusals, warnings);
        } finally {
            if (!done) {
                new DriverInventory("", List.copyOf(items.values()), List.of(), Map.of(), List.of())
                        .close();
            }
        }
    }

    /** What the kernel module says; without it, what the libraries are called. */
    private String version() throws DeviceException, ErrnoException {
        Optional<String> loaded = loadedVersion(host);
        if (loaded.isPresent()) {
            return loaded.get();
        }
        for (String directory : DriverNames.LIBRARY_DIRECTORIES) {
            for (String name : names(directory)) {
                Matcher suffix = SUFFIX.matcher(name);
                if ((name.startsWith("libcuda.so.") || name.startsWith("libnvidia-ml.so."))
                        && suffix.find()) {
                    return suffix.group(1);
                }
            }
        }
        throw new DeviceException(
                "no NVIDIA driver: neither /proc/driver/nvidia/version nor libcuda.so.VERSION is there; if its files are elsewhere, give --driver-root");
    }

    static Optional<String> loadedVersion(SafeRoot host) throws ErrnoException {
        Optional<String> text =
                ProcView.text(host, "/proc/driver/nvidia/version").filter(t -> t.contains("NVRM"));
        if (text.isEmpty()) {
            return Optional.empty();
        }
        Matcher found = VERSION.matcher(text.get().lines().findFirst().orElse(""));
        return found.find() ? Optional.of(found.group(1)) : Optional.empty();
    }

    private Set<String> names(String directory) throws ErrnoException {
        Set<String> known = listed.get(directory);
        if (known != null) {
            return known;
        }
        Set<String> names = new TreeSet<>();
        Optional<OwnedFd> found = driver.resolve(directory);
        if (found.isPresent()) {
            try (OwnedFd path = found.get();
                    OwnedFd open = driver.reopen(path, Open.O_RDONLY | Open.O_DIRECTORY)) {
                List<DirEntry> some = linux.files().listSome(open);
                while (!some.isEmpty() && names.size() < MAX_NAMES) {
                    some.forEach(entry -> names.add(entry.name()));
                    some = linux.files().listSome(open);
                }
            } catch (ErrnoException e) {
                warnings.add(directory + " cannot be listed: " + e.getMessage());
            }
        }
        listed.put(directory, names);
        return names;
    }

    private void libraries(List<String> directories, boolean compat32) throws ErrnoException {
        for (Map.Entry<String, Set<DriverCapability>> wanted : DriverNames.LIBRARIES.entrySet()) {
            String stem = wanted.getKey();
            Need need = new Need(wanted.getValue(), compat32);
            String sub = stem.startsWith("libvdpau_") ? "/vdpau" : "";
            if (!library(stem, stem + ".so." + version, directories, sub, need)) {
                // A driver that is not versioned by file name has the plain name only.
                library(stem, stem + ".so.1", directories, sub, need);
            }
        }
        for (Map.Entry<String, Set<DriverCapability>> wanted : DriverNames.OWN_VERSION.entrySet()) {
            String name = wanted.getKey();
            Need need = new Need(wanted.getValue(), compat32);
            library(name.substring(0, name.indexOf('.')), name, directories, "", need);
        }
    }

    private boolean library(
            String stem, String name, List<String> directories, String sub, Need need)
            throws ErrnoException {
        for (String directory : directories) {
            String at = directory + sub;
            if (names(at).contains(name) && library(stem, at, name, need)) {
                return true;
            }
        }
        return false;
    }

    /** False when it is another driver's or another machine's, so that the search goes on. */
    private boolean library(String stem, String directory, String name, Need need)
            throws ErrnoException {
        String path = directory + "/" + name;
        Optional<OwnedFd> found = regular(path);
        if (found.isEmpty()) {
            return false;
        }
        OwnedFd file = found.get();
        boolean kept = false;
        try {
            String real = trust.path(file);
            Matcher actual = SUFFIX.matcher(real);
            if (!SUFFIX.matcher(name).find()
                    && actual.find()
                    && !actual.group(1).equals(version)
                    && DriverNames.LIBRARIES.containsKey(stem)) {
                warnings.add(
                        path
                                + " is of driver "
                                + actual.group(1)
                                + ", which is not the one that is loaded: left out");
                return false;
            }
            Optional<ElfFile> elf = elf(file, path);
            if (elf.isEmpty()
                    || elf.get().machine() != (need.compat32() ? ElfFile.I386 : machine)) {
                return false;
            }
            Optional<String> objection = trust.objection(file, real);
            if (objection.isPresent()) {
                refuse(stem, objection.get());
                return true;
            }
            kept =
                    add(
                            stem,
                            directory,
                            new BoundFile(treePath(directory, name, need), file, real, need),
                            elf.get());
            return true;
        } finally {
            if (!kept) {
                file.close();
            }
        }
    }

    private static String treePath(String directory, String name, Need need) {
        return (need.compat32() ? "lib/" : "lib64/")
                + (directory.endsWith("/vdpau") ? "vdpau/" : "")
                + name;
    }

    private void refuse(String stem, String objection) {
        warnings.add(objection + " (left out of containers)");
        DriverCapability essential = DriverNames.ESSENTIAL.get(stem);
        if (essential != null) {
            refusals.putIfAbsent(essential, objection);
        }
    }

    private Optional<ElfFile> elf(OwnedFd file, String path) throws ErrnoException {
        try (OwnedFd open = driver.reopen(file, Open.O_RDONLY | Open.O_NONBLOCK)) {
            return Optional.of(ElfFile.read(linux.files(), open));
        } catch (ElfFile.MalformedElfException e) {
            warnings.add(path + " was left out: " + e.getMessage());
            return Optional.empty();
        }
    }

    /** Puts a library and the names that it is loaded by into the tree; false when one of its name is there. */
    private boolean add(String stem, String directory, BoundFile file, ElfFile elf)
            throws ErrnoException {
        if (items.putIfAbsent(file.path(), file) != null) {
            return false;
        }
        int slash = file.path().lastIndexOf('/') + 1;
        String folder = file.path().substring(0, slash);
        String name = file.path().substring(slash);
        elf.soname()
                .filter(s -> !s.equals(name))
                .ifPresent(s -> link(folder + s, name, file.need()));
        Map<String, String> aliases = DriverNames.ALIASES.getOrDefault(stem, Map.of());
        aliases.forEach((alias, target) ->
                link(folder + alias, target.endsWith("%") ? name : target, file.need()));
        if (!aliases.containsKey(stem + ".so") && names(directory).contains(stem + ".so")) {
            link(folder + stem + ".so", elf.soname().orElse(name), file.need());
        }
        String tree = DriverView.HOME + "/" + folder;
        if (folder.endsWith("vdpau/") && !file.need().compat32()) {
            elf.soname().ifPresent(s -> rootLink(directory + "/" + s, tree + s, file.need()));
        }
        if (stem.equals("libnvidia-allocator") && !file.need().compat32()) {
            Need graphics = new Need(Set.of(DriverCapability.GRAPHICS), false);
            rootLink(
                    directory + "/gbm/nvidia-drm_gbm.so", tree + "gbm/nvidia-drm_gbm.so", graphics);
        }
        return true;
    }

    private void link(String path, String target, Need need) {
        items.putIfAbsent(path, new TreeLink(path, target, need));
    }

    private void rootLink(String path, String target, Need need) {
        rootLinks.add(new RootLink(new Link(path, target), need));
    }

    private void binaries() throws ErrnoException {
        for (Map.Entry<String, Set<DriverCapability>> wanted : DriverNames.BINARIES.entrySet()) {
            for (String directory : DriverNames.BINARY_DIRECTORIES) {
                String name = wanted.getKey();
                Need need = new Need(wanted.getValue(), false);
                if (bound(directory + "/" + name, "bin/" + name, need)) {
                    rootLink("/usr/bin/" + name, DriverView.HOME + "/bin/" + name, need);
                    break;
                }
            }
        }
    }

    /** A file that is checked and bound as it is. */
    private boolean bound(String path, String treePath, Need need) throws ErrnoException {
        Optional<OwnedFd> found = regular(path);
        if (found.isEmpty()) {
            return false;
        }
        OwnedFd file = found.get();
        String real = trust.path(file);
        Optional<String> objection = trust.objection(file, real);
        boolean kept =
                objection.isEmpty()
                        && items.putIfAbsent(treePath, new BoundFile(treePath, file, real, need))
                                == null;
        if (!kept) {
            file.close();
            objection.ifPresent(o -> warnings.add(o + " (left out of containers)"));
        }
        return kept;
    }

    /** The regular file there, looked at before it is opened: FIFOs and devices are never opened. */
    private Optional<OwnedFd> regular(String path) throws ErrnoException {
        Optional<OwnedFd> found;
        try {
            found = driver.resolve(path);
        } catch (ErrnoException e) {
            warnings.add(path + " was left out: " + e.getMessage());
            return Optional.empty();
        }
        if (found.isPresent()) {
            Optional<Statx> st = linux.files().statx(found.get(), "", At.AT_EMPTY_PATH);
            if (st.isEmpty() || !st.get().isRegular()) {
                found.get().close();
                int type = st.map(s -> s.mode() & FileMode.S_IFMT).orElse(0);
                warnings.add(
                        path
                                + " was left out: it is no regular file (type 0"
                                + Integer.toOctalString(type)
                                + ")");
                return Optional.empty();
            }
        }
        return found;
    }

    /** In the kernel's order of search, {@code Documentation/driver-api/firmware/fw_search_path.rst}. */
    private void firmware() throws ErrnoException {
        String release = linux.processes().kernelRelease();
        List<String> places = new ArrayList<>();
        ProcView.text(host, FIRMWARE_SETTING)
                .map(String::strip)
                .filter(s -> s.startsWith("/"))
                .ifPresent(places::add);
        places.add("/lib/firmware/updates/" + release);
        places.add("/lib/firmware/updates");
        places.add("/lib/firmware/" + release);
        places.add("/lib/firmware");
        Need need = new Need(Set.of(DriverCapability.UTILITY, DriverCapability.COMPUTE), false);
        for (String place : places) {
            String directory = place + "/nvidia/" + version;
            boolean any = false;
            for (String name : names(directory)) {
                if (name.startsWith("gsp") && name.endsWith(".bin")) {
                    any |= bound(directory + "/" + name, "firmware/" + version + "/" + name, need);
                }
            }
            if (any) {
                rootLink(
                        "/lib/firmware/nvidia/" + version,
                        DriverView.HOME + "/firmware/" + version,
                        need);
                return;
            }
        }
    }

    private void configuration(List<String> files, DriverCapability capability)
            throws ErrnoException {
        Need need = new Need(Set.of(capability), false);
        for (String file : files) {
            for (String place : List.of("/etc/", "/usr/share/")) {
                if (bound(place + file, "share/" + file, need)) {
                    rootLink(place + file, DriverView.HOME + "/share/" + file, need);
                    break;
                }
            }
        }
    }
}
