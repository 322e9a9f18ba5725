package dev.berth.agent.cli.container;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.json.JsonReader;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class ContainerViewsTest {
    private static Json sample(long used, long system) throws IOException {
        return JsonReader.read(
                "{\"id\":\"0123456789abcdef\",\"name\":\"/web\",\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":"
                        + used
                        + "},\"system_cpu_usage\":"
                        + system
                        + ",\"online_cpus\":2},\"memory_stats\":{\"usage\":2097152,\"limit\":4194304,\"stats\":{\"inactive_file\":1048576}},"
                        + "\"pids_stats\":{\"current\":3},\"blkio_stats\":{\"io_service_bytes_recursive\":[{\"op\":\"read\",\"value\":1000},{\"op\":\"write\",\"value\":2000}]}}");
    }

    @Test
    void sharesAreDifferencesOfSamples() throws IOException {
        assertThat(StatsVerb.cpu(sample(0, 0), sample(50, 100))).isEqualTo(100.0);
        assertThat(StatsVerb.cpu(sample(50, 100), sample(50, 100))).isNegative();
        assertThat(StatsVerb.cpu(Json.NULL, sample(50, 100))).isNegative();
        assertThat(
                        StatsVerb.table(
                                        Map.of("a", sample(0, 0)),
                                        Map.of("a", sample(25, 100)),
                                        false)
                                .toString())
                .contains(
                        "0123456789ab   web    50.00%   1MiB / 4MiB         25.00%   1kB / 2kB   3");
    }

    @Test
    void whatTheHostDoesNotCountIsDashes() throws IOException {
        Json bare = JsonReader.read("{\"id\":\"0123456789abcdef\",\"name\":\"/web\"}");
        assertThat(StatsVerb.table(Map.of(), Map.of("a", bare), false).toString())
                .contains(
                        "0123456789ab   web    --      -- / --             --      -- / --     --");
    }

    @Test
    void eventsAreOneLineEach() throws IOException {
        assertThat(
                        EventsVerb.line(
                                JsonReader.read(
                                        "{\"Type\":\"container\",\"Action\":\"die\",\"timeNano\":1500000000,"
                                                + "\"Actor\":{\"ID\":\"abc\",\"Attributes\":{\"name\":\"web\",\"exitCode\":\"1\"}}}")))
                .isEqualTo("1970-01-01T00:00:01.500Z container die abc (exitCode=1, name=web)");
    }

    @Test
    void timesMayBeSpans() throws UsageException {
        Instant now = Instant.ofEpochSecond(100_000, 5);
        assertThat(Times.parse("since", Optional.of("1h30m"), now)).isEqualTo("94600.000000005");
        assertThat(Times.parse("since", Optional.of("12.5"), now)).isEqualTo("12.5");
        assertThat(Times.parse("since", Optional.of("1970-01-01T01:00:00+01:00"), now))
                .isEqualTo("0.000000000");
        assertThat(Times.parse("since", Optional.empty(), now)).isEmpty();
        assertThatThrownBy(() -> Times.parse("since", Optional.of("yesterday"), now))
                .hasMessageContaining("yesterday");
    }

    @Test
    void filtersAreGroupedByKey() throws UsageException {
        assertThat(Filters.json(List.of("a=1", "b=x=y", "a=2")))
                .isEqualTo("{\"a\":[\"1\",\"2\"],\"b\":[\"x=y\"]}");
        assertThatThrownBy(() -> Filters.json(List.of("a"))).hasMessageContaining("KEY=VALUE");
    }
}
