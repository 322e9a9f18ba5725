package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import dev.berth.master.operator.Page;
import dev.berth.master.operator.PageQuery;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.Attribute;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskState;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Mesos's older pages as what reads them needs them: mesos-dns, exporters of metrics, user interfaces. */
class PagesTest {
    /** For so long what is left of an offer is not offered again. */
    private static final int REFUSED_SECONDS = 6;

    private final World world = new World();
    private World.Stream stream = new World.Stream("");
    private World.Wire wire = world.agent("h");

    @BeforeEach
    void runATask() {
        stream =
                world.subscribe(
                        World.framework("a")
                                .setLabels(
                                        Protos.Labels.newBuilder()
                                                .addLabels(
                                                        Protos.Label.newBuilder()
                                                                .setKey("k")
                                                                .setValue("v")))
                                .build());
        launch("t1");
    }

    private void launch(String task) {
        Offer offer = stream.offers().getLast();
        world.accept(stream, offer, World.task(task, offer));
        world.update(wire, World.id(stream), task, TaskState.TASK_RUNNING);
    }

    @Test
    void tasksComeInPartsAndByTheirIds() {
        assertThat(tasks()).containsExactly("t1");
        assertThat(tasks("limit", "0")).isEmpty();
        assertThat(tasks("offset", "1")).isEmpty();
        assertThat(tasks("offset", "2147483647", "limit", "2147483647")).isEmpty();
        assertThat(tasks("limit", "many", "offset", "-1")).containsExactly("t1");
        assertThat(tasks("task_id", "t2")).isEmpty();
        assertThat(tasks("task_id", "t1", "framework_id", "M-0000")).containsExactly("t1");
        assertThat(tasks("framework_id", "M-0001")).isEmpty();
    }

    @Test
    void theYoungestTaskComesFirst() {
        world.pass(REFUSED_SECONDS);
        launch("t2");
        assertThat(tasks()).containsExactly("t2", "t1");
        assertThat(tasks("order", "asc")).containsExactly("t1", "t2");
        assertThat(tasks("order", "asc", "limit", "1", "offset", "1")).containsExactly("t2");
    }

    @Test
    void agentsAndFrameworksAreFoundByTheirIds() {
        assertThat(text(Page.SLAVES, "slave_id", "M-S0")).isEqualTo(text(Page.SLAVES));
        assertThat(text(Page.SLAVES, "slave_id", "M-S9")).contains("\"slaves\":[]");
        assertThat(text(Page.FRAMEWORKS, "framework_id", "M-0000"))
                .isEqualTo(text(Page.FRAMEWORKS));
        assertThat(text(Page.FRAMEWORKS, "framework_id", "M-9999")).contains("\"frameworks\":[]");
    }

    @Test
    void theSummaryCountsWhatHasEnded() {
        ByteString end = world.update(wire, World.id(stream), "t1", TaskState.TASK_FINISHED);
        world.acknowledge(stream, wire, "t1", end);
        assertThat(text(Page.STATE)).contains("\"tasks\":[]", "\"completed_tasks\":[{");
        String summary = text(Page.STATE_SUMMARY);
        assertThat(summary.split("\"TASK_FINISHED\":1", -1)).as("agent and framework").hasSize(3);
        assertThat(summary).contains("\"framework_ids\":[\"M-0000\"]", "\"slave_ids\":[\"M-S0\"]");
    }

    @Test
    void timesHaveNoExponent() {
        assertThat(text(Page.STATE)).doesNotContainPattern("[0-9]E[0-9]");
        assertThat(text(Page.STATE)).containsPattern("\"start_time\":[0-9]{5,}\\.[0-9]");
    }

    @Test
    void labelsAndRolesAreTold() {
        world.pass(REFUSED_SECONDS);
        assertThat(text(Page.FRAMEWORKS)).contains("\"labels\":[{\"key\":\"k\",\"value\":\"v\"}]");
        assertThat(text(Page.FRAMEWORKS)).contains("\"allocation_info\":{\"role\":\"*\"}");
    }

    @Test
    void attributesOfOneNameAreOneText() {
        world.open(
                World.register(
                        World.machine("two")
                                .addAttributes(word("rack", "r1"))
                                .addAttributes(word("zone", "z"))
                                .addAttributes(word("rack", "r2"))
                                .addAttributes(
                                        Attribute.newBuilder()
                                                .setName("memory")
                                                .setType(Protos.Value.Type.SCALAR)
                                                .setScalar(
                                                        Protos.Value.Scalar.newBuilder()
                                                                .setValue(5e7)))));
        assertThat(text(Page.SLAVES))
                .contains(
                        "\"attributes\":{\"rack\":\"r1,r2\",\"zone\":\"z\",\"memory\":50000000.0}");
    }

    /** Exporters drop a group of metrics when one of its names is not there. */
    @Test
    void metricsHaveTheNamesThatExportersLookFor() {
        assertThat(text(Page.METRICS_SNAPSHOT))
                .contains(
                        "\"master/slave_registrations\":1.0",
                        "\"master/slave_reregistrations\":0.0",
                        "\"master/slave_shutdowns_scheduled\":0.0",
                        "\"master/slave_shutdowns_canceled\":0.0",
                        "\"master/slave_unreachable_completed\":0.0",
                        "\"master/cpus_revocable_total\":0.0",
                        "\"master/gpus_revocable_percent\":0.0");
    }

    private static Attribute word(String name, String value) {
        return Attribute.newBuilder()
                .setName(name)
                .setType(Protos.Value.Type.TEXT)
                .setText(Protos.Value.Text.newBuilder().setValue(value))
                .build();
    }

    private List<String> tasks(String... parameters) {
        return Pattern.compile("\\{\"id\":\"([^\"]+)\"")
                .matcher(text(Page.TASKS, parameters))
                .results()
                .map(match -> match.group(1))
                .toList();
    }

    private String text(Page page, String... parameters) {
        Map<String, List<String>> query = new HashMap<>();
        for (int i = 0; i < parameters.length; i += 2) {
            query.put(parameters[i], List.of(parameters[i + 1]));
        }
        return new String(world.read().page(page, PageQuery.of(query)), StandardCharsets.UTF_8);
    }
}
