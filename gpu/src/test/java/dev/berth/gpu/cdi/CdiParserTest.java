package dev.berth.gpu.cdi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.gpu.DeviceException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.Random;

/** What is read and what is refused, by file; what it does is {@link CdiRegistryTest}'s. */
class CdiParserTest {
    static final String WHOLE =
            """
            {"cdiVersion": "1.1.0", "kind": "vendor.com/net.card",
             "annotations": {"a": "b"},
             "containerEdits": {"env": ["SHARED=1"]},
             "devices": [
              {"name": "0", "annotations": {"c": "d"}, "containerEdits": {
                "env": ["FOO=bar", "EMPTY="],
                "deviceNodes": [{"path": "/dev/card0", "hostPath": "/dev/hostcard0", "type": "c", "major": 89, "minor": 2,
                                 "fileMode": 384, "permissions": "rwm", "uid": 5, "gid": 6}],
                "netDevices": [{"hostInterfaceName": "eth9", "name": "eth1"}],
                "hooks": [{"hookName": "createContainer", "path": "/usr/bin/hook", "args": ["hook", "x"],
                           "env": ["A=b"], "timeout": 5}],
                "mounts": [{"hostPath": "/opt/x", "containerPath": "/x", "options": ["ro", "nosuid"], "type": "bind"}],
                "intelRdt": {"closID": "class", "l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=50",
                             "schemata": ["L3:0=f"], "enableMonitoring": true},
                "additionalGids": [44, 109]}}]}
            """;

    private static CdiSpec json(String text) throws DeviceException {
        return CdiParser.parse("a.json", text.getBytes(StandardCharsets.UTF_8));
    }

    private static CdiSpec yaml(String text) throws DeviceException {
        return CdiParser.parse("a.yaml", text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void everyFieldIsReadFromJsonAndYamlAlike() throws Exception {
        CdiSpec spec = json(WHOLE);
        assertThat(spec.toString())
                .contains("FOO=bar", "/dev/hostcard0", "major=89", "eth9", "class", "[44, 109]");
        assertThat(yaml(WHOLE)).isEqualTo(spec);
        assertThat(
                        yaml(
                                """
                                ---
                                cdiVersion: 0.5.0
                                kind: nvidia.com/gpu
                                devices:
                                - name: "0"
                                  containerEdits:
                                    deviceNodes:
                                    - path: /dev/nvidia0
                                      hostPath: /drv/dev/nvidia0
                                      fileMode: 0660
                                - name: all
                                  containerEdits:
                                    env: [A=b]
                                containerEdits:
                                  env:
                                  - NVIDIA_VISIBLE_DEVICES=void
                                """))
                .isEqualTo(
                        json(
                                """
                                {"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": [
                                 {"name": "0", "containerEdits": {"deviceNodes": [
                                   {"path": "/dev/nvidia0", "hostPath": "/drv/dev/nvidia0", "fileMode": 432}]}},
                                 {"name": "all", "containerEdits": {"env": ["A=b"]}}],
                                 "containerEdits": {"env": ["NVIDIA_VISIBLE_DEVICES=void"]}}
                                """));
    }

    /** Each object of the tree refuses a field that it does not have. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"cdiVersion\"",
                "\"env\": [\"SHARED",
                "\"name\": \"0\"",
                "\"env\": [\"FOO",
                "\"path\": \"/dev/card0\"",
                "\"hostInterfaceName\"",
                "\"hookName\"",
                "\"hostPath\": \"/opt/x\"",
                "\"closID\""
            })
    void unknownFieldsAreRefused(String place) {
        String text = WHOLE.replace(place, "\"surprise\": 1, " + place);
        assertThat(text).isNotEqualTo(WHOLE);
        assertThatThrownBy(() -> json(text)).hasMessageContaining("surprise is not a field");
        assertThatThrownBy(() -> yaml(text)).hasMessageContaining("surprise is not a field");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1.1.0|0.2.0|\"0.2.0\" is none that is read",
                "1.1.0|2.0.0|\"2.0.0\" is none that is read",
                "vendor.com/net.card|vendor.com|want vendor/class",
                "vendor.com/net.card|9vendor/x|want vendor/class",
                "\"name\": \"0\"|\"name\": \"a b\"|want letters",
                "\"name\": \"0\"|\"name\": \"a-\"|want letters",
                "FOO=bar|FOObar|want NAME=VALUE",
                "FOO=bar|=bar|want NAME=VALUE",
                "\"type\": \"c\"|\"type\": \"x\"|want b, c, u or p",
                "\"rwm\"|\"rx\"|want letters of rwm",
                "\"rwm\"|\"none\"|want letters of rwm",
                "/dev/card0|dev/card0|absolute path",
                "/dev/card0|/dev/../card0|absolute path",
                "89|-1|from 0 to",
                "89|1.5|want a number",
                "89|\"89\"|want a number",
                "384|99999999999|from 0 to",
                "createContainer|sometime|there is no hook",
                "\"containerPath\": \"/x\"|\"containerPath\": \"\"|containerPath is missing",
                "\"hostPath\": \"/opt/x\"|\"hostPath\": null|hostPath is missing",
                "\"closID\": \"class\"|\"closID\": \"a/b\"|no name of a class",
                "\"closID\": \"class\"|\"closID\": \"..\"|no name of a class",
                "[44, 109]|[44, -1]|want a list of numbers",
                "[44, 109]|44|want a list",
                "\"enableMonitoring\": true|\"enableMonitoring\": 1|want true or false",
                "{\"a\": \"b\"}|{\"a\": 1}|want a text",
                "[\"SHARED=1\"]|{}|want a list",
                "\"timeout\": 5|\"timeout\": \"x\"|want a number"
            })
    void whatTheSpecificationForbidsIsRefusedWithItsPlace(String of, String by, String message) {
        String text = WHOLE.replace(of, by);
        assertThat(text).isNotEqualTo(WHOLE);
        assertThatThrownBy(() -> json(text))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("a.json")
                .hasMessageContaining(message);
    }

    @Test
    void wholeFilesThatAreNone() {
        for (String text :
                new String[] {
                    "",
                    "[]",
                    "1",
                    "{",
                    "{\"cdiVersion\": \"1.0.0\"} x",
                    WHOLE + WHOLE,
                    "{\"cdiVersion\": \"1.0.0\", \"cdiVersion\": \"1.0.0\", \"kind\": \"a/b\"}"
                }) {
            assertThatThrownBy(() -> json(text)).as(text).isInstanceOf(DeviceException.class);
        }
        String head = "cdiVersion: 0.3.0\nkind: a/b\n";
        String device = "devices: [{name: x, containerEdits: {env: [A=b]}}]\n";
        for (String text :
                new String[] {
                    "",
                    "- x",
                    head,
                    head + "kind: a/b\n" + device,
                    head + device + "---\n" + head,
                    head + "devices: []\n",
                    head + "devices: &x [*x]\n",
                    "a: &a [x,x]\nb: &b [*a,*a]\n" + head + device,
                    "x: " + "[".repeat(5000),
                    head + "devices: [{name: x, containerEdits: {}}]\n",
                    head + "devices: [{name: x}]\n",
                    head + device.replace("]\n", ", {name: x, containerEdits: {env: [A=b]}}]\n"),
                    head + "devices: !!java.net.URL [http://x]\n",
                    "? {a: b}\n: c\n" + head + device
                }) {
            assertThatThrownBy(() -> yaml(text)).as(text).isInstanceOf(DeviceException.class);
        }
    }

    @Test
    void byteOrderMarksAreReadOver() throws Exception {
        assertThat(json("\ufeff" + WHOLE)).isEqualTo(json(WHOLE));
        assertThat(yaml("\ufeff" + WHOLE)).isEqualTo(json(WHOLE));
    }

    /** Each field, the version that brought it, and the one before. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0.3.0|0.4.0|\"mounts\": [{\"hostPath\": \"/a\", \"containerPath\": \"/b\", \"type\": \"bind\"}]",
                "0.4.0|0.5.0|\"deviceNodes\": [{\"path\": \"/dev/a\", \"hostPath\": \"/dev/b\"}]",
                "0.6.0|0.7.0|\"additionalGids\": [1]",
                "0.6.0|0.7.0|\"intelRdt\": {\"closID\": \"x\"}",
                "1.0.0|1.1.0|\"intelRdt\": {\"closID\": \"x\", \"enableMonitoring\": true}",
                "1.0.0|1.1.0|\"intelRdt\": {\"closID\": \"x\", \"schemata\": [\"L3\"]}",
                "1.0.0|1.1.0|\"netDevices\": [{\"hostInterfaceName\": \"a\", \"name\": \"b\"}]"
            })
    void fieldsNeedTheirVersion(String before, String from, String field) throws Exception {
        String form =
                "{\"cdiVersion\": \"%s\", \"kind\": \"a/b\", \"devices\": [{\"name\": \"x\", \"containerEdits\": {%s}}]}";
        assertThat(json(form.formatted(from, field)).version()).isEqualTo(from);
        assertThat(json(form.formatted("1.1.0", field)).devices()).hasSize(1);
        assertThatThrownBy(() -> json(form.formatted(before, field)))
                .hasMessageContaining("needs cdiVersion " + from)
                .hasMessageContaining("it says " + before);
    }

    @Test
    void namesAndAnnotationsNeedTheirVersion() throws Exception {
        String form =
                "{\"cdiVersion\": \"%s\", \"kind\": \"%s\", \"devices\": [{\"name\": \"%s\", \"containerEdits\": {\"env\": [\"A=b\"]}}]%s}";
        assertThat(json(form.formatted("0.3.0", "a.b/c", "x", "")).devices()).hasSize(1);
        assertThatThrownBy(() -> json(form.formatted("0.4.0", "a/b", "0", "")))
                .hasMessageContaining("begins with a digit needs cdiVersion 0.5.0");
        assertThatThrownBy(() -> json(form.formatted("0.5.0", "a/b.c", "x", "")))
                .hasMessageContaining("a dot in the class needs cdiVersion 0.6.0");
        assertThatThrownBy(() ->
                        json(
                                form.formatted(
                                        "0.5.0", "a/b", "x", ", \"annotations\": {\"a\": \"b\"}")))
                .hasMessageContaining("annotations needs cdiVersion 0.6.0");
    }

    @ParameterizedTest
    @CsvSource({
        "nvidia.com/gpu=0,true",
        "nvidia.com/gpu=GPU-1234-ab,true",
        "nvidia.com/gpu=0:1,true",
        "a/b=c,true",
        "v_1-x.y/c_l-s=d,true",
        "nvidia.com/gpu,false",
        "nvidia.com/gpu=,false",
        "nvidia.com=0,false",
        "/gpu=0,false",
        "1v/gpu=0,false",
        "v./gpu=0,false",
        "v/gpu-=0,false",
        "v/g=_0,false",
        "v/g=a/b,false"
    })
    void namesFollowTheGrammar(String name, boolean good) {
        assertThat(CdiRegistry.isName(name)).isEqualTo(good);
    }

    @Test
    void anyBytesAreReadOrRefused() {
        Random random = new Random(20261122);
        byte[] original = WHOLE.getBytes(StandardCharsets.UTF_8);
        String signs = "{}[]\",:&*!|>-#%@`'?\n\t 0\\\0\u00ff";
        int read = 0;
        for (int i = 0; i < 4000; i++) {
            byte[] bytes = original.clone();
            for (int change = random.nextInt(4); change >= 0; change--) {
                bytes[random.nextInt(bytes.length)] =
                        (byte) signs.charAt(random.nextInt(signs.length()));
            }
            if (i % 7 == 0) {
                bytes = java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length));
            }
            try {
                CdiParser.parse(i % 2 == 0 ? "f.json" : "f.yaml", bytes);
                read++;
            } catch (DeviceException e) {
                assertThat(e.getMessage()).startsWith("f.");
            }
        }
        assertThat(read).isBetween(1, 3999);
    }
}
