package dev.berth.gpu.chardev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.gpu.DeviceException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

final class CharDeviceFileTest {
    private static final String GOOD =
            """
            {"resources": [{"name": "a", "resourceName": "x.com/a", "devices": [{"glob": "/dev/a#", "with": ["/dev/c#"]},
              {"id": "one", "nodes": ["/dev/x", {"path": "/dev/y", "major": 240, "minor": 1}]}], "controlNodes": ["/dev/k"], "mode": "0666", "clean": "reset"}]}
            """;

    @TempDir Path directory;

    @Test
    void theExampleOfTheDocumentationIsRead() throws Exception {
        String text =
                Files.readString(
                        Path.of("src/main/java/dev/berth/gpu/chardev/package-info.java"),
                        StandardCharsets.UTF_8);
        String example = text.substring(text.indexOf("{\"resources\""), text.indexOf(" * }</pre>"));
        StringBuilder json = new StringBuilder();
        for (String line : example.split("\n")) {
            // what is said beside a line stands after three blanks
            json.append(
                            line.replaceFirst("^ \\* ", "")
                                    .replaceFirst("(?<=[,{\\[\\]}\"])   +\\S.*$", ""))
                    .append('\n');
        }
        CharResource resource = CharDeviceFile.parse(json.toString(), "example").getFirst();
        assertThat(resource.name()).isEqualTo("gaudi");
        assertThat(resource.sources()).hasSize(2);
        assertThat(resource.closedIsClean()).isTrue();
    }

    @Test
    void aFileIsRead() throws Exception {
        Path file = directory.resolve("devices.json");
        Files.writeString(file, GOOD);
        CharResource resource = CharDeviceFile.read(file).getFirst();
        assertThat(resource.closedIsClean()).isFalse();
        assertThat(resource.mode()).hasValue(0666);
        assertThatThrownBy(() -> CharDeviceFile.read(directory.resolve("none")))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("none");
        Files.writeString(file, " ".repeat(1 << 21));
        assertThatThrownBy(() -> CharDeviceFile.read(file))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("more than");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"name\": \"a\"|\"nam\": \"a\"|resources[0]: unknown field 'nam'",
                "\"name\": \"a\",||resources[0]: name: is missing",
                "\"name\": \"a\"|\"name\": 5|resources[0]: name: must be text",
                "\"name\": \"a\"|\"name\": \"A b\"|name: must be small letters",
                "\"name\": \"a\"|\"name\": \"a\", \"name\": \"b\"|Duplicate",
                "x.com/a|xcoma|resourceName: must be VENDOR/CLASS",
                "/dev/a#|/etc/a#|devices[0]: glob: must be a plain path below /dev/",
                "/dev/a#|/dev/../etc/a#|must be a plain path",
                "/dev/a#|/dev/*/a#|last part of the path",
                "/dev/a#|/dev/a##|more than one #",
                "/dev/a#|/dev/a*b*c*d*|more than 3 *",
                "/dev/a#|/dev/ab|with[0]: has a '#'",
                "/dev/c#|/dev/c*|with[0]: may have '#'",
                "\"id\": \"one\",||devices[1]: id: is missing",
                "\"one\"|\"o/ne\"|id: must be letters",
                "\"major\": 240,||major: is missing",
                "\"major\": 240|\"major\": 99999|major: must be a number from 0 to 4095",
                "\"major\": 240|\"major\": 2.5|major: must be a number",
                "\"minor\": 1|\"minor\": -1|minor: must be a number",
                "\"minor\": 1|\"minor\": 1, \"mode\": 2|nodes[1]: unknown field 'mode'",
                "[\"/dev/k\"]|\"/dev/k\"|controlNodes: must be a list",
                "[\"/dev/k\"]|[[]]|controlNodes[0]: must be an object",
                "0666|9666|mode: must be octal",
                "\"reset\"|\"maybe\"|clean: must be 'closed' or 'reset'",
                "{\"resources\": [|[{\"x\": [|must be an object",
            })
    void whatIsWrongIsSaidWithItsPlace(String good, String bad, String error) {
        assertThat(GOOD).contains(good);
        String text = GOOD.replace(good, bad == null ? "" : bad);
        if (text.startsWith("[")) {
            text = text.strip() + "]";
        }
        String wrong = text;
        assertThatThrownBy(() -> CharDeviceFile.parse(wrong, "file.json"))
                .isInstanceOf(DeviceException.class)
                .hasMessageStartingWith("file.json")
                .hasMessageContaining(error);
    }

    @Test
    void doubleNamesAreRefused() {
        String one =
                GOOD.strip().substring("{\"resources\": [".length(), GOOD.strip().length() - 2);
        assertThatThrownBy(() ->
                        CharDeviceFile.parse("{\"resources\": [" + one + "," + one + "]}", "f"))
                .hasMessageContaining("is used twice");
        assertThatThrownBy(() ->
                        CharDeviceFile.parse(
                                "{\"resources\": ["
                                        + one
                                        + ","
                                        + one.replace("\"name\": \"a\"", "\"name\": \"b\"")
                                        + "]}",
                                "f"))
                .hasMessageContaining("resourceName: is used twice");
        assertThatThrownBy(() -> CharDeviceFile.parse(GOOD + "{}", "f"))
                .isInstanceOf(DeviceException.class);
    }

    @Test
    void noNoiseIsAnythingButAClearError() throws DeviceException {
        Random random = new Random(13);
        byte[] good = GOOD.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = good.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            String text =
                    new String(
                            bytes,
                            0,
                            i % 3 == 0 ? random.nextInt(bytes.length) : bytes.length,
                            StandardCharsets.ISO_8859_1);
            try {
                CharDeviceFile.parse(text, "f");
            } catch (DeviceException e) {
                assertThat(e.getMessage()).startsWith("f").hasSizeLessThan(2000);
            }
        }
        for (String deep :
                new String[] {
                    "[".repeat(500_000),
                    "{\"resources\":".repeat(200_000),
                    "\"" + "x".repeat(900_000),
                    "1".repeat(900_000),
                    ""
                }) {
            assertThatThrownBy(() -> CharDeviceFile.parse(deep, "f"))
                    .isInstanceOf(DeviceException.class);
        }
    }
}
