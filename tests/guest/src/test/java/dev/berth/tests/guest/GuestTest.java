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
 * Boots a User Mode Linux guest, runs every test that is tagged {@code inside} in it with JUnit's console launcher, and shows each of them as a test of this class. A guest that dies, hangs or finds no test fails.
 */
@Tag("guest")
class GuestTest {
    private static final int DEADLINE_SECONDS = 420;

    @TestFactory
    Stream<DynamicTest> inTheGuest() throws Exception {
        Path module = Path.of("").toAbsolutePath();
        Path out = module.resolve("target/guest");
        Path reports = out.resolve("reports/TEST-junit-jupiter.xml");
        Files.createDirectories(out);
        Files.deleteIfExists(reports);
        int status = boot(module, out);
        assertThat(reports)
                .as("the guest's report (status %d); console: %s", status, console(out))
                .exists();
        List<DynamicTest> tests = read(reports);
        assertThat(tests).as("tests that ran in the guest").isNotEmpty();
        return tests.stream();
    }

    private static int boot(Path module, Path out) throws IOException, InterruptedException {
        String classPath =
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> command = new ArrayList<>();
        command.add(module.resolve("uml").toString());
        command.addAll(
                List.of(
                        "-m",
                        "3G",
                        "-d",
                        "1G",
                        "-t",
                        String.valueOf(DEADLINE_SECONDS),
                        "-o",
                        out.toString(),
                        "--"));
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
                        "inside"));
        command.addAll(
                List.of(
                        "--reports-dir",
                        "/out/reports",
                        "--details",
                        "summary",
                        "--disable-banner",
                        "--fail-if-no-tests"));
        Process guest =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(new File(out.toFile(), "boot.log"))
                        .start();
        if (!guest.waitFor(DEADLINE_SECONDS + 30, TimeUnit.SECONDS)) {
            guest.destroyForcibly();
            throw new AssertionError(
                    "the guest did not end within " + (DEADLINE_SECONDS + 30) + " s");
        }
        return guest.exitValue();
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
