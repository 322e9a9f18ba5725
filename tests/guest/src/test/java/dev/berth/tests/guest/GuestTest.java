package dev.berth.tests.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;

/**
 * Boots guest kernels, runs the tests that are tagged for them inside with JUnit's console launcher, and shows each of those as a test of this class. A guest that dies, hangs or finds no test fails.
 */
@Tag("guest")
class GuestTest {
    /** User Mode Linux: unified cgroups with cpu, io, memory and pids, at native speed for what computes. */
    @TestFactory
    Stream<DynamicTest> userModeLinux() throws Exception {
        return in("uml", "inside", List.of("-m", "3G", "-d", "1G"), 300);
    }

    /** An emulated machine with a stock kernel, for what User Mode Linux lacks (cpuset, several CPUs), at a twentieth of native speed. */
    @TestFactory
    Stream<DynamicTest> emulatedMachine() throws Exception {
        return in("qemu", "emulated", List.of("-m", "2G", "-c", "2"), 420);
    }

    private static Stream<DynamicTest> in(
            String guest, String tag, List<String> options, int deadlineSeconds) throws Exception {
        Path module = Path.of("").toAbsolutePath();
        Path out = module.resolve("target/" + guest);
        Path report = out.resolve("reports/TEST-junit-jupiter.xml");
        Files.createDirectories(out);
        Files.deleteIfExists(report);
        List<String> command = new ArrayList<>();
        command.add(module.resolve(guest).toString());
        command.addAll(options);
        command.addAll(List.of("-t", String.valueOf(deadlineSeconds), "-o", out.toString(), "--"));
        command.addAll(launcher(module, tag));
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(new File(out.toFile(), "boot.log"))
                        .start();
        if (!process.waitFor(deadlineSeconds + 60L, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(
                    guest + " did not end within " + (deadlineSeconds + 60) + " s");
        }
        assertThat(report)
                .as(
                        "the report of %s (status %d); console: %s",
                        guest, process.exitValue(), console(out))
                .exists();
        List<DynamicTest> tests = read(report);
        assertThat(tests).as("tests that ran in %s", guest).isNotEmpty();
        return tests.stream();
    }

    private static List<String> launcher(Path module, String tag) {
        String classPath =
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        command.addAll(
                List.of(
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:-UsePerfData",
                        "-Xmx1g"));
        command.addAll(
                List.of(
                        "--add-exports",
                        "java.base/jdk.internal.misc=ALL-UNNAMED",
                        "--enable-native-access=ALL-UNNAMED"));
        command.addAll(
                List.of("-cp", classPath, "org.junit.platform.console.ConsoleLauncher", "execute"));
        command.addAll(
                List.of(
                        "--scan-class-path",
                        module.resolve("target/test-classes").toString(),
                        "--include-tag",
                        tag));
        command.addAll(
                List.of(
                        "--reports-dir",
                        "/out/reports",
                        "--details",
                        "summary",
                        "--disable-banner",
                        "--fail-if-no-tests"));
        return command;
    }

    private static String console(Path out) throws IOException {
        Path log = out.resolve("console.log");
        String text =
                Files.exists(log)
                        ? Files.readString(log, StandardCharsets.ISO_8859_1)
                        : "no console.log";
        return text.substring(Math.max(0, text.length() - 3000));
    }

    private static List<DynamicTest> read(Path report)
            throws IOException, SAXException, ParserConfigurationException {
        NodeList cases =
                DocumentBuilderFactory.newInstance()
                        .newDocumentBuilder()
                        .parse(report.toFile())
                        .getElementsByTagName("testcase");
        List<DynamicTest> tests = new ArrayList<>();
        for (int i = 0; i < cases.getLength(); i++) {
            Element test = (Element) cases.item(i);
            String name =
                    test.getAttribute("classname").replaceFirst(".*\\.", "")
                            + "."
                            + test.getAttribute("name");
            tests.add(DynamicTest.dynamicTest(name, () -> result(test)));
        }
        return tests;
    }

    private static void result(Element test) {
        for (String bad : List.of("failure", "error", "skipped")) {
            NodeList found = test.getElementsByTagName(bad);
            if (found.getLength() > 0) {
                throw new AssertionError(bad + " in the guest: " + found.item(0).getTextContent());
            }
        }
    }
}
