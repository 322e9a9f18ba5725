package dev.berth.agent.cli.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.agent.cli.args.UsageException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;

class GpusTest {
    /** What the docker command line sends for the same words (28.x), except where a comment says otherwise. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "2|2|null|[[\"gpu\"]]",
                "all|-1|null|[[\"gpu\"]]",
                "count=3|3|null|[[\"gpu\"]]",
                "device=0|0|[\"0\"]|[[\"gpu\"]]",
                "\"device=0,1\"|0|[\"0\",\"1\"]|[[\"gpu\"]]",
                // docker wants the quotes of the line above
                "device=0,1|0|[\"0\",\"1\"]|[[\"gpu\"]]",
                "device=GPU-1a,GPU-2b|0|[\"GPU-1a\",\"GPU-2b\"]|[[\"gpu\"]]",
                "capabilities=utility|1|null|[[\"utility\",\"gpu\"]]",
                "all,\"capabilities=compute,utility\"|-1|null|[[\"compute\",\"utility\",\"gpu\"]]",
                "all,capabilities=compute,utility|-1|null|[[\"compute\",\"utility\",\"gpu\"]]",
                "capabilities=compute,2|2|null|[[\"compute\",\"gpu\"]]",
                "\"device=0,1\",capabilities=graphics|0|[\"0\",\"1\"]|[[\"graphics\",\"gpu\"]]",
            })
    void isReadAsDockerReadsIt(String text, long count, String devices, String capabilities)
            throws UsageException {
        assertThat(Gpus.request(text).at("Count").number()).isEqualTo(count);
        assertThat(Gpus.request(text).at("DeviceIDs").toString()).isEqualTo(devices);
        assertThat(Gpus.request(text).at("Capabilities").toString()).isEqualTo(capabilities);
    }

    @Test
    void driverAndOptions() throws UsageException {
        assertThat(Gpus.request("driver=nvidia,\"options=a=1,b\"").toString())
                .isEqualTo(
                        "{\"Driver\":\"nvidia\",\"Count\":1,\"DeviceIDs\":null,"
                                + "\"Capabilities\":[[\"gpu\"]],\"Options\":{\"a\":\"1\",\"b\":\"\"}}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0",
                "-2",
                "two",
                "2,3",
                "2,count=3",
                "1,device=0",
                "device=",
                "memory=4g",
                "\"device=0"
            })
    void whatDockerRefusesIsRefusedWithAnExample(String text) {
        assertThatThrownBy(() -> Gpus.request(text))
                .isInstanceOf(UsageException.class)
                .hasMessageStartingWith("--gpus '" + text + "': ")
                .hasMessageEndingWith("(such as 2, all, device=0,1 or device=GPU-…)");
    }

    @Test
    void aCdiNameIsNoPath() {
        assertThat(Gpus.isCdiName("nvidia.com/gpu=0")).isTrue();
        assertThat(Gpus.isCdiName("nvidia.com/gpu=GPU-1a2b:0")).isTrue();
        assertThat(Gpus.isCdiName("vendor.example/class=all")).isTrue();
        assertThat(Gpus.isCdiName("/dev/fuse")).isFalse();
        assertThat(Gpus.isCdiName("/dev/a=b:/dev/c")).isFalse();
        assertThat(Gpus.cdi(List.of("nvidia.com/gpu=0")).toString())
                .isEqualTo("{\"Driver\":\"cdi\",\"DeviceIDs\":[\"nvidia.com/gpu=0\"]}");
    }
}
