package dev.berth.agent.cli.doctor;

import dev.berth.agent.cli.doctor.Finding.Area;
import dev.berth.agent.cli.session.Cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Packages that the build and the tests use; containers need none of them. */
final class PackageCheck {
    /**
     * A Debian package by a program or file of it.
     *
     * @param program a name on the PATH or an absolute path
     */
    private record Wanted(String name, String program, String cost) {}

    private static final List<Wanted> BUILD =
            List.of(
                    new Wanted("maven", "mvn", "no build"),
                    new Wanted("gcc", "gcc", "no build of the shim"),
                    new Wanted("make", "make", "no build of the shim"),
                    new Wanted("libc6-dev", "/usr/include/stdio.h", "no layout check"),
                    new Wanted(
                            "linux-libc-dev", "/usr/include/linux/bpf.h", "no build of the shim"));

    private static final List<Wanted> TESTS =
            List.of(
                    new Wanted("clang", "clang", "no fuzzing, no sanitizers of the shim"),
                    new Wanted(
                            "libclang-rt-14-dev",
                            "/usr/lib/llvm-14",
                            "no fuzzing, no sanitizers of the shim"),
                    new Wanted("crun", "crun", "no comparison of start times"),
                    new Wanted("busybox-static", "busybox", "no root file systems in tests"),
                    new Wanted("docker.io", "docker", "no conformance tests by the docker client"),
                    new Wanted(
                            "docker-registry", "docker-registry", "no pull from a real registry"),
                    new Wanted("skopeo", "skopeo", "no images made by another tool"),
                    new Wanted("umoci", "umoci", "no images made by another tool"),
                    new Wanted("debootstrap", "debootstrap", "no Debian root in tests"),
                    new Wanted("user-mode-linux", "linux.uml", "no tests of limits"),
                    new Wanted("kmod", "modprobe", "no tests of limits"),
                    new Wanted("qemu-system-x86", "qemu-system-x86_64", "no tests of cpuset"),
                    new Wanted("cpio", "cpio", "no tests of cpuset"),
                    new Wanted("iproute2", "ip", "no tests of networks"),
                    new Wanted("strace", "strace", "no system call traces"),
                    new Wanted("tmux", "tmux", "no terminal tests"),
                    new Wanted("jq", "jq", "no script tests"),
                    new Wanted("zstd", "zstd", "no zstd layers made by another tool"));

    private PackageCheck() {}

    /** Names of all packages for the tests: the same as {@code .ci/env.sh} installs. */
    static List<String> testPackages() {
        return TESTS.stream().map(Wanted::name).toList();
    }

    static List<Finding> check(Cli cli) {
        List<Path> places = new ArrayList<>();
        for (String directory : cli.environment("PATH").split(":")) {
            if (!directory.isEmpty()) {
                places.add(Path.of(directory));
            }
        }
        places.add(Path.of("/usr/sbin"));
        places.add(Path.of("/sbin"));
        List<Finding> findings = new ArrayList<>();
        Path home = Path.of(System.getProperty("java.home"));
        findings.add(
                Finding.of(
                        Area.BUILD,
                        "JDK",
                        Files.isExecutable(home.resolve("bin/javac")),
                        System.getProperty("java.version") + " at " + home,
                        "no build",
                        "install openjdk-25-jdk or temurin-25-jdk, or set JAVA_HOME"));
        for (Wanted wanted : BUILD) {
            findings.add(find(Area.BUILD, wanted, places));
        }
        for (Wanted wanted : TESTS) {
            findings.add(find(Area.TESTS, wanted, places));
        }
        return findings;
    }

    private static Finding find(Area area, Wanted wanted, List<Path> places) {
        String found = "";
        if (wanted.program().startsWith("/")) {
            found = Files.exists(Path.of(wanted.program())) ? wanted.program() : "";
        } else {
            for (Path place : places) {
                if (Files.isExecutable(place.resolve(wanted.program()))) {
                    found = place.resolve(wanted.program()).toString();
                    break;
                }
            }
        }
        return Finding.of(
                area,
                wanted.name(),
                !found.isEmpty(),
                found,
                wanted.cost(),
                "apt-get install " + wanted.name());
    }
}
