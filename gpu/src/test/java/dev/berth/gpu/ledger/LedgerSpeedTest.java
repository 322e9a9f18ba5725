package dev.berth.gpu.ledger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.choice.Machines;

import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What the ledger adds to a start and to an end, the journal's write not counted. The limits are those of a loaded machine; the figures are in the log. */
class LedgerSpeedTest {
    private static final int WARM = 20_000;
    private static final int TIMED = 20_000;

    @Test
    void aGrantAndItsReturnTakeMicroseconds() throws DeviceException {
        for (int size : new int[] {8, 16}) {
            LedgerDesk desk = LedgerDesk.open(Machines.switched(size, 18));
            // Half of the machine is held, so that there is something to choose.
            desk.granted(desk.ask(1, size / 2));
            long[] request = new long[TIMED];
            long[] release = new long[TIMED];
            for (int i = -WARM; i < TIMED; i++) {
                desk.pass(1);
                int number = i + WARM + 2;
                long begun = System.nanoTime();
                LedgerEvent.Answer answer = desk.ask(number, 2);
                long granted = System.nanoTime();
                List<DeviceId> devices = desk.granted(answer);
                long ended = System.nanoTime();
                desk.ledger.release(LedgerDesk.container(number), desk.now);
                long released = System.nanoTime();
                devices.forEach(desk::clean);
                desk.take();
                desk.journal.clear();
                if (i >= 0) {
                    request[i] = granted - begun;
                    release[i] = released - ended;
                }
            }
            Arrays.sort(request);
            Arrays.sort(release);
            System.out.printf(
                    Locale.ROOT,
                    "ledger of %d: request p50 %d ns p99 %d ns, release p50 %d ns p99 %d ns%n",
                    size,
                    at(request, 50),
                    at(request, 99),
                    at(release, 50),
                    at(release, 99));
            assertTrue(at(request, 50) + at(release, 50) < 100_000);
            assertEquals(size / 2, desk.ledger.grants().getFirst().devices().size());
        }
    }

    private static long at(long[] sorted, int percent) {
        return sorted[sorted.length * percent / 100];
    }
}
