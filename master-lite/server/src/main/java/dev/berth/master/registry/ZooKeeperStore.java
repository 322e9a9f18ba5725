package dev.berth.master.registry;

import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.cluster.Registry.Contents;
import dev.berth.master.ids.AgentId;

import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.transaction.CuratorOp;
import org.apache.curator.framework.api.transaction.TransactionOp;
import org.apache.zookeeper.KeeperException;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A registry in ZooKeeper: one node per agent below {@code <path>/log_replicas/berth/agents}. Every write is one transaction with two guards: the leader's own candidate node is still there (so its session is), and the epoch is
 * still the one that this leader began. ZooKeeper itself refuses the rest, however late it comes.
 *
 * <p>Thread: one at a time.
 */
public final class ZooKeeperStore implements Store {
    /** One request may have a mebibyte. */
    private static final int MOST_BYTES = 512 << 10;

    /** Of one record: with more, ZooKeeper's server ends the connection instead of an answer. */
    private static final int MOST_RECORD_BYTES = (1 << 20) - (32 << 10);

    private static final int TRIES = 3;

    private final CuratorFramework client;
    private final ZooKeeperPlaces places;
    private final String candidate;
    private final int epoch;
    private final Lease lease;
    private final Set<String> known = new HashSet<>();

    /**
     * The registry in one term of leading.
     *
     * @param client stays the caller's
     * @param candidate the leader's own node in the election
     * @param epoch the version of the epoch's node that this term began
     * @param lease how long the term lasts
     */
    public ZooKeeperStore(
            CuratorFramework client,
            ZooKeeperPlaces places,
            String candidate,
            int epoch,
            Lease lease) {
        this.client = client;
        this.places = places;
        this.candidate = candidate;
        this.epoch = epoch;
        this.lease = lease;
    }

    @Override
    public boolean isHeld() {
        return lease.isHeld();
    }

    /** The leader's own node, of which this term is. */
    public String candidate() {
        return candidate;
    }

    /** The version of the epoch's node that this leader's writes must meet. */
    public int epoch() {
        return epoch;
    }

    @Override
    public Contents load() throws IOException {
        return call(
                "read the registry",
                () -> {
                    List<AgentRecord> agents = new ArrayList<>();
                    learn();
                    for (String id : known) {
                        byte[] data = client.getData().forPath(places.agent(id));
                        agents.add(RecordJson.agent(id, places.agent(id), data));
                    }
                    Map<String, Double> weights =
                            RecordJson.weights(
                                    places.weights(), client.getData().forPath(places.weights()));
                    return new Contents(List.copyOf(agents), Map.copyOf(weights));
                });
    }

    private void learn() throws Exception {
        known.clear();
        known.addAll(client.getChildren().forPath(places.agents()));
    }

    @Override
    public Optional<String> refusal(Write write) {
        return switch (write) {
            case Write.Put(AgentRecord agent) when size(write) > MOST_RECORD_BYTES ->
                    tooLarge("the description of agent " + agent.hostname(), size(write))
                            .map(text ->
                                    text
                                            + ": give it fewer or shorter --attributes and --resources");
            case Write.Weights _ when size(write) > MOST_RECORD_BYTES ->
                    tooLarge("the weights of all roles", size(write));
            default -> Optional.empty();
        };
    }

    private static Optional<String> tooLarge(String what, int bytes) {
        return Optional.of(
                what
                        + " takes "
                        + bytes
                        + " bytes in ZooKeeper, which takes at most "
                        + MOST_RECORD_BYTES);
    }

    @Override
    public void commit(List<Write> writes) throws IOException, FencedException {
        int from = 0;
        while (from < writes.size()) {
            int bytes = 0;
            int to = from;
            while (to < writes.size()
                    && (to == from || bytes + size(writes.get(to)) <= MOST_BYTES)) {
                bytes += size(writes.get(to++));
            }
            commitTogether(writes.subList(from, to));
            from = to;
        }
    }

    private static int size(Write write) {
        return switch (write) {
            case Write.Put(AgentRecord agent) -> agent.info().length * 4 / 3 + 512;
            case Write.Remove _ -> 256;
            case Write.Weights(Map<String, Double> weights) -> weights.size() * 128;
        };
    }

    private void commitTogether(List<Write> writes) throws IOException, FencedException {
        for (int attempt = 1; ; attempt++) {
            try {
                transact(writes);
                return;
            } catch (FencedException e) {
                throw e;
            } catch (KeeperException.NodeExistsException | KeeperException.NoNodeException e) {
                // A try before this one may have succeeded though its answer was lost: what exists
                // must be asked for.
                if (attempt == TRIES) {
                    throw new IOException("write the registry: " + e.getMessage(), e);
                }
                relearn();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("write the registry: interrupted", e);
            } catch (Exception e) {
                if (attempt == TRIES) {
                    throw new IOException("write the registry: " + e.getMessage(), e);
                }
            }
        }
    }

    /** A term whose places somebody has removed ends: the next one makes them. */
    private void relearn() throws IOException, FencedException {
        boolean whole =
                call(
                        "read the registry",
                        () -> {
                            if (client.checkExists().forPath(places.agents()) == null
                                    || client.checkExists().forPath(places.weights()) == null) {
                                return false;
                            }
                            learn();
                            return true;
                        });
        if (!whole) {
            throw new FencedException(
                    "somebody has removed "
                            + places.agents()
                            + " or "
                            + places.weights()
                            + ": this master begins anew");
        }
    }

    private void transact(List<Write> writes) throws Exception {
        TransactionOp op = client.transactionOp();
        List<CuratorOp> operations = new ArrayList<>();
        operations.add(op.check().forPath(candidate));
        operations.add(op.check().withVersion(epoch).forPath(places.epoch()));
        Set<String> there = new HashSet<>(known);
        for (Write write : writes) {
            switch (write) {
                case Write.Put(AgentRecord agent) -> {
                    String path = places.agent(agent.id().value());
                    byte[] data = RecordJson.write(agent);
                    operations.add(
                            there.add(agent.id().value())
                                    ? op.create().forPath(path, data)
                                    : op.setData().forPath(path, data));
                }
                case Write.Remove(AgentId agent) -> {
                    if (there.remove(agent.value())) {
                        operations.add(op.delete().forPath(places.agent(agent.value())));
                    }
                }
                case Write.Weights(Map<String, Double> weights) ->
                        operations.add(
                                op.setData()
                                        .forPath(places.weights(), RecordJson.weights(weights)));
            }
        }
        try {
            var _ = client.transaction().forOperations(operations);
        } catch (KeeperException e) {
            throw fenced(e);
        }
        known.clear();
        known.addAll(there);
    }

    /** The failure itself, unless it was a guard that failed. */
    private Exception fenced(KeeperException e) {
        var results = e.getResults();
        int first = 0;
        while (results != null
                && first < results.size()
                && !(results.get(first) instanceof org.apache.zookeeper.OpResult.ErrorResult error
                        && error.getErr() != 0)) {
            first++;
        }
        if (e instanceof KeeperException.SessionExpiredException
                || (results != null && first < 2 && first < results.size())) {
            return new FencedException(
                    "this master leads no more: epoch "
                            + epoch
                            + " of "
                            + places.epoch()
                            + " is over",
                    e);
        }
        return e;
    }

    private interface Question<T> {
        T ask() throws Exception;
    }

    private static <T> T call(String what, Question<T> question) throws IOException {
        try {
            return question.ask();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(what + ": interrupted", e);
        } catch (IOException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(what + ": " + e.getMessage(), e);
        }
    }

    /** The connection is the election's. */
    @Override
    public void close() {}
}
