package dev.berth.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;

import dev.berth.protocol.v1.Protos.CommandInfo;
import dev.berth.protocol.v1.Protos.Filters;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;

class MesosJsonTest {
    private static final List<Message> ROOTS =
            List.of(
                    Call.getDefaultInstance(),
                    Event.getDefaultInstance(),
                    dev.berth.protocol.v1.master.Protos.Call.getDefaultInstance(),
                    dev.berth.protocol.v1.master.Protos.Response.getDefaultInstance(),
                    dev.berth.protocol.v1.master.Protos.Event.getDefaultInstance(),
                    dev.berth.protocol.v1.agent.Protos.Call.getDefaultInstance(),
                    dev.berth.protocol.v1.agent.Protos.Response.getDefaultInstance(),
                    dev.berth.protocol.v1.executor.Protos.Call.getDefaultInstance(),
                    dev.berth.protocol.v1.executor.Protos.Event.getDefaultInstance());

    private static String json(Message message) {
        return new String(MesosJson.write(message), StandardCharsets.UTF_8);
    }

    private static <T extends Message> T read(String json, T prototype) throws ProtocolException {
        return MesosJsonReader.read(json.getBytes(StandardCharsets.UTF_8), prototype);
    }

    @Test
    void declaredDefaultsAreWrittenAndOtherUnsetFieldsAreNot() {
        assertThat(json(Filters.getDefaultInstance())).isEqualTo("{\"refuse_seconds\":5.0}");
        assertThat(json(CommandInfo.newBuilder().setValue("true").build()))
                .isEqualTo("{\"value\":\"true\",\"shell\":true}");
        assertThat(json(FrameworkInfo.newBuilder().setUser("root").setName("f").build()))
                .isEqualTo(
                        "{\"user\":\"root\",\"name\":\"f\",\"failover_timeout\":0.0,\"checkpoint\":false}");
    }

    @Test
    void aStatusLooksAsMesosWritesIt() {
        TaskStatus status =
                TaskStatus.newBuilder()
                        .setTaskId(dev.berth.protocol.v1.Protos.TaskID.newBuilder().setValue("t1"))
                        .setState(TaskState.TASK_RUNNING)
                        .setSource(TaskStatus.Source.SOURCE_AGENT)
                        .setTimestamp(1732280000.25)
                        .setUuid(ByteString.copyFrom(new byte[] {1, 2, 3, -1}))
                        .setHealthy(true)
                        .build();
        assertThat(json(status))
                .isEqualTo(
                        "{\"task_id\":{\"value\":\"t1\"},\"state\":\"TASK_RUNNING\",\"timestamp\":1732280000.25,\"healthy\":true,\"source\":\"SOURCE_AGENT\",\"uuid\":\"AQID/w==\"}");
    }

    @Test
    void whateverIsWrittenIsReadAgain() throws Exception {
        long seed = System.nanoTime();
        RandomMessages messages = new RandomMessages(seed);
        for (int i = 0; i < 400; i++) {
            for (Message root : ROOTS) {
                Message message = messages.message(root, 0);
                Message again = MesosJsonReader.read(MesosJson.write(message), root);
                // Reading sets the defaults that writing spelled out: the written form is what must
                // agree.
                assertThat(json(again)).as("seed %d", seed).isEqualTo(json(message));
                assertThat(
                                Message.class.cast(
                                        root.getParserForType().parseFrom(message.toByteArray())))
                        .isEqualTo(message);
            }
        }
    }

    @Test
    void readingIsAsLenientAsMesosIs() throws Exception {
        Call call =
                read(
                        """
                        {"type":"DECLINE","nosuch":{"deep":[1,{"x":null}]},"framework_id":{"value":"f"},
                         "decline":{"offer_ids":{"value":"o1"},"filters":{"refuse_seconds":"1.5"}},"kill":null}
                        """,
                        Call.getDefaultInstance());
        assertThat(call.getType()).isEqualTo(Call.Type.DECLINE);
        assertThat(call.getDecline().getOfferIdsList()).hasSize(1);
        assertThat(call.getDecline().getFilters().getRefuseSeconds()).isEqualTo(1.5);
        assertThat(call.hasKill()).isFalse();
        assertThat(read("{\"type\":\"FLY\"}", Call.getDefaultInstance()).hasType()).isFalse();
        assertThat(
                        read(
                                        "{\"user\":\"u\",\"name\":\"n\",\"checkpoint\":\"true\",\"failover_timeout\":\"Infinity\"}",
                                        FrameworkInfo.getDefaultInstance())
                                .getFailoverTimeout())
                .isInfinite();
        Offer.Operation.Launch launch =
                read(
                        """
                        {"task_infos":[{"name":"t","task_id":{"value":"1"},"agent_id":{"value":"a"},"limits":{"mem":512,"cpus":{"value":"Infinity"}}}]}
                        """,
                        Offer.Operation.Launch.getDefaultInstance());
        TaskInfo task = launch.getTaskInfos(0);
        assertThat(task.getLimitsOrThrow("mem").getValue()).isEqualTo(512);
        assertThat(task.getLimitsOrThrow("cpus").getValue()).isInfinite();
        assertThat(
                        read(
                                        "{\"agent_id\":{\"value\":\"a\"},\"max_grace_period\":\"10mins\"}",
                                        dev.berth.protocol.v1.master.Protos.Call.DrainAgent
                                                .getDefaultInstance())
                                .getMaxGracePeriod()
                                .getSeconds())
                .isEqualTo(600);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "[] | expected a JSON object",
                "{} {} | something follows",
                "{\"type\":3} | type: expected a name of mesos.v1.scheduler.Call.Type, found 3",
                "{\"type\":{}} | type: expected a name of mesos.v1.scheduler.Call.Type, found an object",
                "{\"framework_id\":{}} | missing required fields: framework_id.value",
                "{\"framework_id\":\"f\"} | framework_id: expected an object, found \"f\"",
                "{\"framework_id\":{\"value\":5}} | framework_id.value: expected a string, found 5",
                "{\"decline\":{\"offer_ids\":[{\"value\":\"a\"},{\"value\":[]}]}} | decline.offer_ids[1].value: expected a string, found a list",
                "{\"acknowledge\":{\"agent_id\":{\"value\":\"a\"},\"task_id\":{\"value\":\"t\"},\"uuid\":\"???\"}} | acknowledge.uuid: expected a string in base64",
                "{\"subscribe\":{\"framework_info\":{\"user\":\"u\",\"name\":\"n\",\"checkpoint\":1}}} | subscribe.framework_info.checkpoint: expected true or false, found 1",
                "{\"kill\":{\"task_id\":{\"value\":\"a\\ud83d\"}}} | kill.task_id.value: expected a string of whole characters",
                "{\"decline\":{\"filters\":{\"refuse_seconds\":\"soon\"}}} | decline.filters.refuse_seconds: expected a number, found \"soon\"",
                "{\"type\":\"KILL\" | not JSON",
            })
    void whatIsWrongIsNamed(String json, String message) {
        assertThatThrownBy(() -> read(json, Call.getDefaultInstance()))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource({
        "0,true",
        "\"7\",true",
        "3.0,true",
        "4294967295,true",
        "4294967296,false",
        "-1,false",
        "1.5,false",
        "1e999999999,false",
        "\"x\",false"
    })
    void integersMustFit(String number, boolean good) throws Exception {
        String json = "{\"consecutive_failures\":" + number + "}";
        var prototype = dev.berth.protocol.v1.Protos.HealthCheck.getDefaultInstance();
        if (good) {
            assertThat(read(json, prototype).hasConsecutiveFailures()).isTrue();
        } else {
            assertThatThrownBy(() -> read(json, prototype))
                    .hasMessageContaining("expected an integer of type uint32");
        }
    }

    @Test
    void nothingThatIsSentHarmsTheReader() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        RandomMessages messages = new RandomMessages(seed);
        for (int i = 0; i < 3000; i++) {
            Message root = ROOTS.get(i % ROOTS.size());
            byte[] bytes = MesosJson.write(messages.message(root, 2));
            for (int flips = random.nextInt(4); flips >= 0 && bytes.length > 0; flips--) {
                bytes[random.nextInt(bytes.length)] =
                        (byte) "{}[]\":,x0-e\\\u0000".charAt(random.nextInt(13));
            }
            try {
                MesosJsonReader.read(bytes, root);
            } catch (ProtocolException e) {
                assertThat(e.getMessage()).isNotBlank();
            } catch (RuntimeException | StackOverflowError e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
        String deep = "{\"framework_id\":".repeat(100_000);
        assertThatThrownBy(() -> read(deep, Call.getDefaultInstance()))
                .isInstanceOf(ProtocolException.class);
    }
}
