package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.v1.Protos.Offer;

import org.junit.jupiter.api.Test;

class ChronicleTest {
    private final World world = new World();

    @Test
    void whoComesAndGoesIsTold() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").setFailoverTimeout(60).build());
        assertThat(world.said).hasSize(2);
        assertThat(world.said.get(0)).startsWith("agent M-S0 (h, ").contains(" is new: ");
        assertThat(world.said.get(1)).isEqualTo("framework M-0000 ('a') has subscribed");
        world.said.clear();
        world.core.streamClosed(stream, world.now);
        world.close(wire);
        assertThat(world.said).hasSize(2);
        assertThat(world.said.get(0))
                .isEqualTo(
                        "framework M-0000 ('a') has gone away: removed in 60 s unless it comes again; its 0 tasks run on");
        assertThat(world.said.get(1)).contains("unreachable in 15 s unless it comes again");
        world.said.clear();
        world.pass(16);
        assertThat(world.said).hasSize(1);
        assertThat(world.said.getFirst()).startsWith("! agent M-S0").contains("it is unreachable");
        world.said.clear();
        world.pass(60);
        assertThat(world.said)
                .containsExactly(
                        "framework M-0000 ('a') has not come back: it is removed, and its 0 tasks are killed");
    }

    @Test
    void whyATaskAFrameworkOrAnAgentIsRefusedIsTold() {
        world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").build());
        Offer offer = stream.offers().getLast();
        world.accept(stream, offer, World.task("t", offer, World.scalar("cpus", 1000)));
        assertThat(world.said.getLast())
                .startsWith("! framework M-0000: task t is refused, TASK_ERROR: ");
        world.subscribe(World.framework("b").setName("b").addRoles("..").build());
        assertThat(world.said.getLast()).startsWith("! framework 'b' is refused: ");
        world.core.agentOpened(
                new World.Wire(),
                World.register(World.machine("")).setProtocol(9).build(),
                world.now);
        assertThat(world.said.getLast())
                .startsWith("! an agent from ")
                .contains(" is refused: the agent speaks protocol 9");
    }
}
