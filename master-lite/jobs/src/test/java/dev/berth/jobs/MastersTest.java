package dev.berth.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.discovery.MasterAddress;

import org.junit.jupiter.api.Test;

import java.util.Optional;
import java.util.concurrent.TimeUnit;

class MastersTest {
    private static final MasterAddress OLD = new MasterAddress("old", 1);
    private static final MasterAddress NEW = new MasterAddress("new", 2);

    private static long soon() {
        return System.nanoTime();
    }

    @Test
    void whoIsElectedStandsThoughItStillNamesTheOneBefore() throws Exception {
        try (Masters masters = Masters.of("zk://127.0.0.1:1/berth")) {
            masters.elected(Optional.of(OLD));
            assertThat(masters.leader(soon())).isEqualTo(OLD);
            masters.elected(Optional.of(NEW));
            masters.redirected("//old:1/api/v1");
            assertThat(masters.leader(soon())).isEqualTo(OLD);
            masters.failed();
            assertThat(masters.leader(soon())).isEqualTo(NEW);
        }
    }

    @Test
    void nobodyLeadsUntilSomebodyIsElected() throws Exception {
        try (Masters masters = Masters.of("zk://127.0.0.1:1/berth")) {
            assertThatThrownBy(() -> masters.leader(soon()))
                    .isInstanceOf(JobException.class)
                    .hasMessage(
                            "no master leads at zk://127.0.0.1:1/berth: is one running with this as its --zk?");
        }
    }

    @Test
    void namedOnesAreAskedInTurnUntilOneNamesTheLeader() throws Exception {
        try (Masters masters = Masters.of("http://old:1,http://new:2")) {
            assertThat(masters.leader(soon())).isEqualTo(OLD);
            masters.failed();
            assertThat(masters.leader(soon())).isEqualTo(NEW);
            masters.redirected("//third:3/api/v1");
            assertThat(masters.leader(soon())).isEqualTo(new MasterAddress("third", 3));
        }
    }

    @Test
    void whatIsNoMasterIsRefusedWithWhatIsExpected() {
        assertThatThrownBy(() -> Masters.of("zk://127.0.0.1:1"))
                .isInstanceOf(JobException.class)
                .hasMessageContaining("zk://HOST:PORT,HOST:PORT/PATH");
    }

    @Test
    void aZooKeeperThatDoesNotAnswerIsNamedWithoutThePassword() throws Exception {
        try (Masters masters = Masters.of("zk://me:secret@127.0.0.1:1/berth")) {
            assertThat(masters.toString()).doesNotContain("secret");
            assertThatThrownBy(
                            () -> masters.leader(System.nanoTime() + TimeUnit.SECONDS.toNanos(3)))
                    .hasMessageContaining("ZooKeeper does not answer at 127.0.0.1:1")
                    .message()
                    .doesNotContain("secret");
        }
    }
}
