package dev.berth.master.transport;

import dev.berth.http.Reply;
import dev.berth.master.core.MasterCore;
import dev.berth.master.operator.Readings;

import org.agrona.concurrent.ManyToOneConcurrentLinkedQueue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Reads of everything there is, which dashboards ask for all the time: the core's thread gives a moment, and one thread beside it makes the answers. What is asked while it is busy waits together and is answered from one
 * moment that is taken after all of it was asked; equal questions are answered once. See ADR 6.
 *
 * <p>Thread: {@link #ask} from any; what follows as said there.
 */
final class Reads {
    /** Who wants an answer. */
    interface Asker {
        /** Whether anybody is there still. Any thread. */
        boolean isThere();

        /** Whether the answer may be compressed. Any thread. */
        boolean takesGzip();

        /** The answer will be of this moment, before anything else happens. Conductor thread. */
        default void begins(MasterCore core, long nowNs) {}

        /**
         * The answer, or why there is none. Any thread.
         *
         * @param taken is run once the client has taken it, or is gone
         */
        void answer(Reply reply, Runnable taken);
    }

    private record Asked(Question question, Asker asker) {}

    private final MasterGate gate;
    private final Executor worker;
    private final ReadLimits limits;
    private final ManyToOneConcurrentLinkedQueue<Asked> waiting =
            new ManyToOneConcurrentLinkedQueue<>();
    private final AtomicBoolean busy = new AtomicBoolean();
    private final AtomicInteger readers = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();

    /** @param worker one thread, which may be busy for a second at a time */
    Reads(MasterGate gate, Executor worker, ReadLimits limits) {
        this.gate = gate;
        this.worker = worker;
        this.limits = limits;
    }

    /** For all that may take long. */
    Executor worker() {
        return worker;
    }

    /** Readers that have no answer yet, or not taken all of it. */
    int readers() {
        return readers.get();
    }

    /** Bytes of answers that are not taken yet. */
    long bytes() {
        return bytes.get();
    }

    /** Queues a question. */
    void ask(Question question, Asker asker) {
        if (readers.incrementAndGet() > limits.readers() || bytes.get() >= limits.bytes()) {
            asker.answer(tooMany(), readers::decrementAndGet);
            return;
        }
        waiting.offer(new Asked(question, asker));
        wake();
    }

    private static Reply tooMany() {
        return Reply.text(503, "Too many readers of the cluster's state: try again")
                .with("Retry-After", "1");
    }

    private void wake() {
        if (!waiting.isEmpty() && busy.compareAndSet(false, true)) {
            gate.submit(this::capture);
        }
    }

    private void done() {
        busy.set(false);
        wake();
    }

    /** On the conductor thread: takes a moment for all that wait. */
    private void capture(Optional<MasterCore> core, long nowNs) {
        List<Asked> asked = new ArrayList<>();
        for (Asked next = waiting.poll(); next != null; next = waiting.poll()) {
            asked.add(next);
        }
        if (core.isEmpty()) {
            refuse(asked, Reply.text(503, "No leader elected").with("Retry-After", "1"));
            done();
            return;
        }
        try {
            for (Asked each : asked) {
                each.asker().begins(core.get(), nowNs);
            }
            boolean roles =
                    asked.stream()
                            .anyMatch(each -> each.question().size() == Readings.Size.WITH_ROLES);
            Readings readings = new Readings(core.get().moment(roles, nowNs));
            worker.execute(() -> pass(asked, readings));
        } catch (RuntimeException e) {
            refuse(asked, Reply.text(500, "The master failed on this: " + e));
            done();
            throw e;
        }
    }

    private void refuse(List<Asked> asked, Reply why) {
        asked.forEach(each -> give(each.asker(), why, readers::decrementAndGet));
    }

    /** On the worker: answers all that was asked of one moment. */
    private void pass(List<Asked> asked, Readings readings) {
        Map<Question, List<Asker>> askers = new LinkedHashMap<>();
        for (Asked each : asked) {
            askers.computeIfAbsent(each.question(), _ -> new ArrayList<>()).add(each.asker());
        }
        try {
            askers.forEach((question, all) -> answer(question, all, readings));
        } finally {
            done();
        }
    }

    private void answer(Question question, List<Asker> askers, Readings readings) {
        List<Asker> plain = new ArrayList<>();
        List<Asker> packed = new ArrayList<>();
        for (Asker asker : askers) {
            if (!asker.isThere()) {
                readers.decrementAndGet();
            } else if (asker.takesGzip()) {
                packed.add(asker);
            } else {
                plain.add(asker);
            }
        }
        List<Asker> there = new ArrayList<>(plain);
        there.addAll(packed);
        if (there.isEmpty()) {
            return;
        }
        // A stream has begun by now, and cannot be told to come again.
        if (bytes.get() >= limits.bytes() && !(question instanceof Question.OfStream)) {
            there.forEach(asker -> give(asker, tooMany(), readers::decrementAndGet));
            return;
        }
        Reply reply;
        try {
            reply = Reply.of(200, question.mediaType(), question.write(readings));
        } catch (RuntimeException | OutOfMemoryError e) {
            // Out of memory: this thread's buffers are what was too much, and they are gone now.
            Reply failed = Reply.text(500, "The master cannot write the answer: " + e);
            there.forEach(asker -> give(asker, failed, readers::decrementAndGet));
            return;
        }
        share(plain, reply);
        if (!packed.isEmpty()) {
            share(packed, reply.packed("gzip"));
        }
    }

    /** All have the same bytes, which count until the last has taken them. */
    private void share(List<Asker> askers, Reply reply) {
        if (askers.isEmpty()) {
            return;
        }
        int length = reply.body().length;
        bytes.addAndGet(length);
        AtomicInteger left = new AtomicInteger(askers.size());
        for (Asker asker : askers) {
            give(
                    asker,
                    reply,
                    () -> {
                        readers.decrementAndGet();
                        if (left.decrementAndGet() == 0) {
                            bytes.addAndGet(-length);
                        }
                    });
        }
    }

    private static void give(Asker asker, Reply reply, Runnable taken) {
        try {
            asker.answer(reply, taken);
        } catch (RejectedExecutionException _) {
            // The server is closing, and the client's loop with it.
            taken.run();
        }
    }
}
