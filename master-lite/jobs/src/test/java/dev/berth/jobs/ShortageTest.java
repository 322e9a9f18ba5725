package dev.berth.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.Value;
import dev.berth.protocol.v1.master.Protos.Response.GetAgents;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;

class ShortageTest {
    private static JobSpec job(double cpus, int gpus, int workers) {
        return new JobSpec(
                "j", Optional.empty(), List.of("true"), Map.of(), "*", cpus, 100, gpus, workers);
    }

    private static GetAgents.Agent agent(double cpus, double gpus) {
        GetAgents.Agent.Builder agent = GetAgents.Agent.newBuilder();
        Map.of("cpus", cpus, "mem", 1000.0, "gpus", gpus)
                .forEach((name, value) ->
                        agent.addTotalResources(
                                Resource.newBuilder()
                                        .setName(name)
                                        .setType(Value.Type.SCALAR)
                                        .setScalar(Value.Scalar.newBuilder().setValue(value))));
        return agent.buildPartial();
    }

    @Test
    void withoutAgentsItSaysHowToStartOne() {
        assertThat(Shortage.of(job(1, 0, 1), List.of()))
                .isEqualTo(
                        "no agent has registered with this master; start one: berth agent --master URL");
    }

    @Test
    void whatIsShortIsNamed() {
        assertThat(Shortage.of(job(1, 0, 3), List.of(agent(2, 0))))
                .isEqualTo(
                        "the agents have room for 2 of 3 workers of 1 CPU, 100 MiB even when nothing else runs: the only one has 2 CPUs; ask for less, or add agents (berth node ls)");
        assertThat(Shortage.of(job(0.5, 1, 1), List.of(agent(2, 0), agent(4, 0))))
                .contains("room for none of 1 worker of 0.5 CPUs, 100 MiB, 1 GPU")
                .contains("all together have 0 GPUs")
                .doesNotContain("6 CPUs");
        assertThat(Shortage.of(job(2, 2, 1), List.of(agent(1, 1))))
                .contains("of 2 CPUs, 100 MiB, 2 GPUs")
                .contains("the only one has 1 CPU, the only one has 1 GPU;");
    }

    @Test
    void whatNoSingleAgentHasIsNotFoundInTheSum() {
        assertThat(Shortage.of(job(3, 2, 1), List.of(agent(4, 1), agent(1, 4))))
                .contains("no single agent has all of it");
    }

    @Test
    void roomThatOthersUseIsToldApart() {
        assertThat(Shortage.of(job(1, 1, 2), List.of(agent(2, 2))))
                .contains("berth job ls", "berth offers");
    }
}
