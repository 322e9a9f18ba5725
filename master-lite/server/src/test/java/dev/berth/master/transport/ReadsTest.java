package dev.berth.master.transport;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.http.AccessToken;
import dev.berth.http.Encoding;
import dev.berth.http.Reply;
import dev.berth.protocol.v1.master.Protos.Call;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Reads whose worker does nothing until the test lets it. */
class ReadsTest {
    private static final Question STATE =
            new Question.OfCall(Call.Type.GET_STATE, Encoding.PROTOBUF);
    private static final Question TASKS =
            new Question.OfCall(Call.Type.GET_TASKS, Encoding.PROTOBUF);

    private final LinkedBlockingQueue<Runnable> work = new LinkedBlockingQueue<>();
    private TestMaster master;

    /** One that keeps what it was answered, and has not taken it. */
    private static final class Asker implements Reads.Asker {
        private final LinkedBlockingQueue<Reply> replies = new LinkedBlockingQueue<>();
        private volatile Runnable taken = () -> {};

        @Override
        public boolean isThere() {
            return true;
        }

        @Override
        public boolean takesGzip() {
            return false;
        }

        @Override
        public void answer(Reply reply, Runnable whenTaken) {
            taken = whenTaken;
            replies.add(reply);
        }

        Reply reply() throws InterruptedException {
            Reply reply = replies.poll(60, TimeUnit.SECONDS);
            assertThat(reply).isNotNull();
            return reply;
        }
    }

    @BeforeEach
    void open() throws Exception {
        master =
                new TestMaster(AccessToken.ANONYMOUS, new Limits(1 << 20, 1 << 20, 50, 1 << 20, 4));
    }

    @AfterEach
    void close() {
        master.close();
    }

    private Reads reads(int readers, long bytes) {
        return new Reads(master, work::add, new ReadLimits(readers, bytes, 60));
    }

    private Runnable pass() throws InterruptedException {
        Runnable pass = work.poll(60, TimeUnit.SECONDS);
        assertThat(pass).isNotNull();
        return pass;
    }

    private Asker ask(Reads reads, Question question) {
        Asker asker = new Asker();
        reads.ask(question, asker);
        return asker;
    }

    @Test
    void coreGoesOnWhileAnswersAreMadeAndThoseWhoCameMeanwhileShareTheNext() throws Exception {
        Reads reads = reads(10, 1 << 20);
        Asker first = ask(reads, STATE);
        Runnable pass = pass();
        // The worker is in the middle of it now, for as long as it takes.
        CountDownLatch served = new CountDownLatch(1);
        master.submit((_, _) -> served.countDown());
        assertThat(served.await(60, TimeUnit.SECONDS)).isTrue();
        Asker second = ask(reads, STATE);
        Asker third = ask(reads, STATE);
        Asker other = ask(reads, TASKS);
        assertThat(work).isEmpty();
        pass.run();
        assertThat(first.reply().status()).isEqualTo(200);
        assertThat(second.replies).isEmpty();
        pass().run();
        assertThat(second.reply().body()).isSameAs(third.reply().body());
        assertThat(other.reply().status()).isEqualTo(200);
        assertThat(work).isEmpty();
    }

    @Test
    void tooManyReadersAreToldToComeAgain() throws Exception {
        Reads reads = reads(2, 1 << 20);
        Asker first = ask(reads, STATE);
        Runnable pass = pass();
        ask(reads, STATE);
        Asker third = ask(reads, STATE);
        Reply refusal = third.reply();
        assertThat(refusal.status()).isEqualTo(503);
        assertThat(refusal.headers()).anyMatch(header -> header.getKey().equals("Retry-After"));
        third.taken.run();
        pass.run();
        assertThat(first.reply().status()).isEqualTo(200);
        // It has its answer, and has not taken it.
        Asker fourth = ask(reads, STATE);
        assertThat(fourth.reply().status()).isEqualTo(503);
        fourth.taken.run();
        first.taken.run();
        pass().run();
        Asker fifth = ask(reads, STATE);
        pass().run();
        assertThat(fifth.reply().status()).isEqualTo(200);
    }

    @Test
    void answersThatNobodyTakesAreBounded() throws Exception {
        Reads reads = reads(10, 1);
        Asker first = ask(reads, STATE);
        pass().run();
        assertThat(first.reply().status()).isEqualTo(200);
        assertThat(reads.bytes()).isPositive();
        Asker second = ask(reads, STATE);
        assertThat(second.reply().status()).isEqualTo(503);
        second.taken.run();
        first.taken.run();
        assertThat(reads.bytes()).isZero();
        assertThat(reads.readers()).isZero();
    }
}
