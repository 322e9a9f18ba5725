package dev.berth.master.registry;

import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.cluster.Registry;
import dev.berth.master.ids.AgentId;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * A registry before a {@link Store}: writes are queued, and a thread of its own commits together what has gathered meanwhile, so that a thousand agents that register at once cost a few transactions. Answers go back
 * in the order of the writes. It lasts for one term of leading.
 *
 * <p>Thread: the conductor's.
 */
public final class QueuedRegistry implements Registry, AutoCloseable {
    private static final int TOGETHER = 256;
    private static final long RETRY_NS = 500_000_000L;

    /** Also of what was written, but not answered, in time: whether it was, the next leader knows. */
    private static final Result OVER =
            Result.fenced("this master leads no more: look at the next leader what became of it");

    /** A write and who waits for it; answered once, on the conductor thread. */
    private static final class Item {
        final Write write;
        private final Consumer<Result> done;
        private boolean answered;

        Item(Write write, Consumer<Result> done) {
            this.write = write;
            this.done = done;
        }

        boolean isAnswered() {
            return answered;
        }

        void answer(Result result) {
            answered = true;
            done.accept(result);
        }
    }

    /** In the order of the writes; conductor thread. */
    private final ArrayDeque<Item> unanswered = new ArrayDeque<>();

    private final LinkedBlockingQueue<Item> queue = new LinkedBlockingQueue<>();
    private final Store store;
    private final Consumer<Runnable> conductor;
    private final Thread thread;
    private volatile boolean closed;

    /**
     * Begins to read.
     *
     * @param store is closed with this
     * @param conductor runs a step on the conductor thread
     * @param loaded is given what is stored, on the conductor thread
     * @param failed is told, on the conductor thread, why it cannot be read yet, or, with {@code lost}, that this term is over
     */
    public QueuedRegistry(
            Store store,
            Consumer<Runnable> conductor,
            Consumer<Contents> loaded,
            Consumer<Result> failed) {
        this.store = store;
        this.conductor = conductor;
        thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("berth-registry")
                        .start(() -> run(loaded, failed));
    }

    private void run(Consumer<Contents> loaded, Consumer<Result> failed) {
        try (store) {
            Optional<Contents> contents = load(failed);
            if (contents.isEmpty()) {
                return;
            }
            answer(() -> loaded.accept(contents.get()));
            List<Item> batch = new ArrayList<>();
            while (!closed) {
                batch.add(queue.take());
                queue.drainTo(batch, TOGETHER - 1);
                List<Write> writes = new ArrayList<>();
                List<Optional<Result>> refused = new ArrayList<>();
                for (Item item : batch) {
                    Optional<Result> no = store.refusal(item.write).map(Result::failed);
                    refused.add(no);
                    if (no.isEmpty()) {
                        writes.add(item.write);
                    }
                }
                Result result = writes.isEmpty() ? Result.STORED : commit(writes);
                for (int i = 0; i < batch.size(); i++) {
                    answer(batch.get(i), refused.get(i).orElse(result));
                }
                batch.clear();
                if (result.lost()) {
                    answer(() -> failed.accept(result));
                }
            }
        } catch (InterruptedException _) {
            // Closed.
        }
    }

    /** Tries until it works; empty when this term is over. */
    private Optional<Contents> load(Consumer<Result> failed) throws InterruptedException {
        boolean told = false;
        while (!closed) {
            Result why;
            try {
                return Optional.of(store.load());
            } catch (FencedException e) {
                why = Result.fenced(String.valueOf(e.getMessage()));
            } catch (IOException | RuntimeException e) {
                why = Result.failed(String.valueOf(e.getMessage()));
            }
            if (!told || why.lost()) {
                told = true;
                answer(() -> failed.accept(why));
            }
            if (why.lost()) {
                return Optional.empty();
            }
            LockSupport.parkNanos(this, RETRY_NS);
            if (Thread.interrupted()) {
                throw new InterruptedException("closed");
            }
        }
        return Optional.empty();
    }

    private Result commit(List<Write> writes) {
        try {
            store.commit(writes);
            return Result.STORED;
        } catch (FencedException e) {
            return Result.fenced(String.valueOf(e.getMessage()));
        } catch (IOException | RuntimeException e) {
            return Result.failed(String.valueOf(e.getMessage()));
        }
    }

    private void answer(Runnable step) {
        conductor.accept(() -> {
            // The core that asked is gone with the term.
            if (!closed) {
                step.run();
            }
        });
    }

    // This very item: another with the same write is another.
    @SuppressWarnings("ReferenceEquality")
    private void answer(Item item, Result result) {
        conductor.accept(() -> {
            if (!item.isAnswered()) {
                unanswered.remove(); // answers come in the order of the writes
                item.answer(closed ? OVER : result);
            }
        });
    }

    private void enqueue(Write write, Consumer<Result> done) {
        Item item = new Item(write, done);
        unanswered.add(item);
        if (closed) {
            conductor.accept(this::answerAll);
        } else {
            queue.add(item);
        }
    }

    /** Whoever asked may be a client that waits. */
    private void answerAll() {
        for (Item item = unanswered.poll(); item != null; item = unanswered.poll()) {
            item.answer(OVER);
        }
    }

    @Override
    public void put(AgentRecord agent, Consumer<Result> done) {
        enqueue(new Write.Put(agent), done);
    }

    @Override
    public void remove(AgentId agent, Consumer<Result> done) {
        enqueue(new Write.Remove(agent), done);
    }

    @Override
    public void putWeights(Map<String, Double> weights, Consumer<Result> done) {
        enqueue(new Write.Weights(Map.copyOf(weights)), done);
    }

    /** Ends; what is queued is not written, and what is not answered yet is answered as lost. Does not wait. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        conductor.accept(this::answerAll);
    }

    /** Waits until the store is closed too, for so long. */
    public void awaitEnd(long millis) throws InterruptedException {
        thread.join(millis);
    }
}
