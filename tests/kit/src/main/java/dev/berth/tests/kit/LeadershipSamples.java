package dev.berth.tests.kit;

import com.fasterxml.jackson.databind.ObjectMapper;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Asks masters all the time, each on a thread of its own, whether they lead, and keeps when each term was surely one: from its first answer's coming to its last question's going. Any thread. */
public final class LeadershipSamples implements AutoCloseable {
    private static final long EVERY_MS = 10;
    private static final ObjectMapper JSON = new ObjectMapper();

    /** A term of leading, by the clock of {@link System#nanoTime}. */
    public record Term(String id, String master, long firstHeardNs, long lastAskedNs) {}

    private final Map<String, Term> terms = new LinkedHashMap<>();
    private final CountDownLatch end = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();
    private int answers;

    private LeadershipSamples() {}

    /** Begins to ask. */
    public static LeadershipSamples of(Collection<MasterNode> masters) {
        LeadershipSamples samples = new LeadershipSamples();
        for (MasterNode master : masters) {
            samples.threads.add(Thread.ofPlatform().daemon().start(() -> samples.ask(master)));
        }
        return samples;
    }

    private void ask(MasterNode master) {
        try {
            while (!end.await(EVERY_MS, TimeUnit.MILLISECONDS)) {
                long askedNs = System.nanoTime();
                try {
                    HttpResponse<String> answer = master.get("/state");
                    if (answer.statusCode() == 200) {
                        String id = JSON.readTree(answer.body()).path("id").asText();
                        heard(id, master.url(), askedNs, System.nanoTime());
                    }
                } catch (IOException _) {
                    // Dead or stopped: it does not lead anybody.
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void heard(String id, String master, long askedNs, long heardNs) {
        answers++;
        terms.merge(
                id,
                new Term(id, master, heardNs, askedNs),
                (before, now) -> new Term(id, master, before.firstHeardNs(), askedNs));
    }

    /** In the order in which they were first heard of. */
    public synchronized List<Term> terms() {
        return List.copyOf(terms.values());
    }

    /** How many answers of a leader there were. */
    public synchronized int answers() {
        return answers;
    }

    /** Pairs of terms that went on at one time: split brains. */
    public List<String> overlaps() {
        List<String> out = new ArrayList<>();
        List<Term> all = terms();
        for (int i = 0; i < all.size(); i++) {
            for (int j = i + 1; j < all.size(); j++) {
                long from = Math.max(all.get(i).firstHeardNs(), all.get(j).firstHeardNs());
                long to = Math.min(all.get(i).lastAskedNs(), all.get(j).lastAskedNs());
                if (to - from > 0) {
                    out.add(all.get(i) + " and " + all.get(j) + ": " + (to - from) + " ns");
                }
            }
        }
        return out;
    }

    @Override
    public void close() {
        end.countDown();
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
