package dev.berth.master.cluster;

import dev.berth.master.ids.AgentId;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What survives the master. Every write is durable, and fenced against a later leader, before it is answered; answers come on the conductor thread, in the order of the writes, never inside the call itself.
 */
public interface Registry {
    /** Writes one agent, in place of what was there of the same id. */
    void put(AgentRecord agent, Consumer<Result> done);

    /** Forgets an agent. Not an error when there is none. */
    void remove(AgentId agent, Consumer<Result> done);

    /** Writes the weights of roles, all of them, in place of what was there. */
    void putWeights(Map<String, Double> weights, Consumer<Result> done);

    /**
     * What came of a write.
     *
     * @param error empty when it is durable; else why it is not, for people
     * @param lost true when this master is not the leader any more: nothing that it writes will ever succeed
     */
    record Result(Optional<String> error, boolean lost) {
        /** It is durable. */
        public static final Result STORED = new Result(Optional.empty(), false);

        /** It is not durable; another try may succeed. */
        public static Result failed(String error) {
            return new Result(Optional.of(error), false);
        }

        /** It is not durable: another master leads. */
        public static Result fenced(String error) {
            return new Result(Optional.of(error), true);
        }
    }

    /** What a new leader reads before its core starts. */
    record Contents(List<AgentRecord> agents, Map<String, Double> weights) {
        /** Of a registry that is used for the first time. */
        public static final Contents EMPTY = new Contents(List.of(), Map.of());
    }
}
