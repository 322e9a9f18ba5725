package dev.berth.agent.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.conductor.Status;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.ContainerSpec;
import dev.berth.agent.config.SpecTranslation.Identity;
import dev.berth.isolator.ContainerId;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;
import dev.berth.protocol.v1.Protos.Value;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What a task asks for in the local API's words, and what its end means in Mesos's. */
class TaskWordsTest {
    private static final long SECOND_NS = 1_000_000_000L;
    private static final int HOST_CPUS = 4;

    private static TaskInfo.Builder task() {
        TaskInfo.Builder task = TaskInfo.newBuilder().setName("t");
        task.getTaskIdBuilder().setValue("t");
        task.getAgentIdBuilder().setValue("M-S0");
        return task;
    }

    private static TaskInfo.Builder with(String name, double... amounts) {
        TaskInfo.Builder task = task();
        for (double amount : amounts) {
            task.addResources(
                    Resource.newBuilder()
                            .setName(name)
                            .setType(Value.Type.SCALAR)
                            .setScalar(scalar(amount)));
        }
        return task;
    }

    private static Value.Scalar scalar(double value) {
        return Value.Scalar.newBuilder().setValue(value).build();
    }

    private static ObjectNode limits(TaskInfo.Builder task) throws AgentException {
        ObjectNode host = JsonNodeFactory.instance.objectNode();
        TaskLimits.add(host, task.build(), HOST_CPUS);
        return host;
    }

    @Test
    void cpusAreAShareAndOnlyALimitWhereOneIsAskedFor() throws Exception {
        assertThat(limits(with("cpus", 0.25, 0.25)).toString()).isEqualTo("{\"CpuShares\":512}");
        assertThat(limits(with("cpus", 0.0001)).toString()).isEqualTo("{\"CpuShares\":2}");
        assertThat(limits(with("cpus", 1).putLimits("cpus", scalar(1.5))).toString())
                .isEqualTo("{\"CpuShares\":1024,\"NanoCpus\":1500000000}");
        for (double all : new double[] {HOST_CPUS, 100, Double.POSITIVE_INFINITY}) {
            assertThat(limits(with("cpus", 1).putLimits("cpus", scalar(all))).toString())
                    .isEqualTo("{\"CpuShares\":1024}");
        }
    }

    @Test
    void memIsALimitOfAtLeast32MegabytesUnlessAnotherIsAskedFor() throws Exception {
        long mb = 1 << 20;
        assertThat(limits(with("mem", 100)).path("Memory").asLong()).isEqualTo(100 * mb);
        assertThat(limits(with("mem", 100)).path("MemorySwap").asLong()).isEqualTo(100 * mb);
        assertThat(limits(with("mem", 8)).path("Memory").asLong()).isEqualTo(32 * mb);
        assertThat(limits(with("mem", 100)).has("MemoryReservation")).isFalse();
        ObjectNode more = limits(with("mem", 100).putLimits("mem", scalar(300)));
        assertThat(more.path("Memory").asLong()).isEqualTo(300 * mb);
        assertThat(more.path("MemoryReservation").asLong()).isEqualTo(100 * mb);
        assertThat(limits(with("mem", 100).putLimits("mem", scalar(Double.POSITIVE_INFINITY))))
                .isEmpty();
    }

    @Test
    void gpusAreWhole() throws Exception {
        assertThat(limits(with("gpus", 1, 1)).path("DeviceRequests").path(0).path("Count").asInt())
                .isEqualTo(2);
        assertThat(limits(with("gpus", 0))).isEmpty();
        assertThatThrownBy(() -> limits(with("gpus", 1.5)))
                .isInstanceOf(AgentException.class)
                .hasMessageContaining("1.5");
    }

    private static ContainerView ended(int code, boolean outOfMemory, long secondsRun) {
        ObjectNode nothing = JsonNodeFactory.instance.objectNode();
        return new ContainerView(
                new ContainerId("c".repeat(64)),
                "berth-0123456789abcdef",
                0,
                new ContainerSpec(nothing, nothing, "", Optional.empty(), List.of(), false),
                Identity.ROOT,
                Status.EXITED,
                1,
                0,
                SECOND_NS,
                SECOND_NS + secondsRun * SECOND_NS,
                code,
                outOfMemory,
                "",
                0,
                List.of(),
                List.of(),
                Optional.empty(),
                List.of(),
                List.of());
    }

    private static TaskEntry entry(TaskInfo.Builder task) {
        return new TaskEntry(
                FrameworkID.newBuilder().setValue("f").build(),
                task.build(),
                Optional.empty(),
                "berth-0123456789abcdef");
    }

    private static TaskEntry killed(TaskInfo.Builder task) {
        TaskEntry entry = entry(task);
        entry.killGraceNs = OptionalLong.of(0);
        return entry;
    }

    private static void assertEnd(
            TaskStatus.Builder status, TaskState state, Optional<Reason> reason) {
        assertThat(status.getState()).isEqualTo(state);
        assertThat(status.hasReason() ? Optional.of(status.getReason()) : Optional.empty())
                .isEqualTo(reason);
    }

    @Test
    void whatAnEndMeans() {
        TaskInfo.Builder task = with("mem", 64);
        assertEnd(
                Verdict.of(entry(task), ended(0, false, 5), false, ""),
                TaskState.TASK_FINISHED,
                Optional.empty());
        assertEnd(
                Verdict.of(entry(task), ended(3, false, 5), false, ""),
                TaskState.TASK_FAILED,
                Optional.of(Reason.REASON_COMMAND_EXECUTOR_FAILED));
        assertEnd(
                Verdict.of(entry(task), ended(137, true, 5), false, ""),
                TaskState.TASK_FAILED,
                Optional.of(Reason.REASON_CONTAINER_LIMITATION_MEMORY));
        // One of its processes was taken, and it ended well all the same.
        assertEnd(
                Verdict.of(entry(task), ended(0, true, 5), false, ""),
                TaskState.TASK_FINISHED,
                Optional.empty());
        assertEnd(
                Verdict.of(killed(task), ended(137, true, 5), false, ""),
                TaskState.TASK_KILLED,
                Optional.empty());
        assertEnd(
                Verdict.of(killed(task), ended(0, false, 5), false, ""),
                TaskState.TASK_KILLED,
                Optional.empty());
        assertEnd(
                Verdict.of(killed(task), ended(143, false, 5), false, "no answer"),
                TaskState.TASK_KILLED,
                Optional.of(Reason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED));
        assertEnd(
                Verdict.of(entry(task), ended(137, false, 5), true, ""),
                TaskState.TASK_FAILED,
                Optional.of(Reason.REASON_MAX_COMPLETION_TIME_REACHED));
    }

    @Test
    void anEndAtItsTimeIsOneAlsoForTheNextAgent() {
        TaskInfo.Builder task = task();
        task.getMaxCompletionTimeBuilder().setNanoseconds(5 * SECOND_NS);
        Optional<Reason> timeIsOver = Optional.of(Reason.REASON_MAX_COMPLETION_TIME_REACHED);
        Optional<Reason> failed = Optional.of(Reason.REASON_COMMAND_EXECUTOR_FAILED);
        assertEnd(
                Verdict.of(entry(task), ended(137, false, 5), false, ""),
                TaskState.TASK_FAILED,
                timeIsOver);
        assertEnd(
                Verdict.of(entry(task), ended(137, false, 4), false, ""),
                TaskState.TASK_FAILED,
                failed);
        assertEnd(
                Verdict.of(entry(task), ended(1, false, 6), false, ""),
                TaskState.TASK_FAILED,
                failed);
        assertEnd(
                Verdict.of(killed(task), ended(137, false, 6), false, ""),
                TaskState.TASK_KILLED,
                Optional.empty());
        // None at all is no time that could be over.
        task.getMaxCompletionTimeBuilder().setNanoseconds(0);
        assertEnd(
                Verdict.of(entry(task), ended(137, false, 5), false, ""),
                TaskState.TASK_FAILED,
                failed);
    }
}
