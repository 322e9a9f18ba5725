/**
 * Who holds which device: the single writer of device state. Decisions in, events out; the caller carries the events out and reports what came of them.
 *
 * <pre>
 * from         to           by
 * (new)        VERIFYING    a table, recovery: nothing is given out that was not looked at
 * FREE         GRANTED      a request that is met
 * FREE         VERIFYING    recheck, operator release, an unasked look that found something
 * GRANTED      VERIFYING    release, detach, recovery without its holder
 * VERIFYING    FREE         found clean
 * VERIFYING    VERIFYING    not clean: looked at again after a pause, then reset
 * VERIFYING    QUARANTINED  still not clean after the last look and reset; for ever, over restarts
 * any          QUARANTINED  quarantine(); a granted device when its holder gives it back
 * QUARANTINED  VERIFYING    operator release
 * </pre>
 *
 * <p>Requests are answered in the order in which they came. One that devices under verification could meet waits for them, and until it is answered what is free already and could serve it is kept for it: a later request gets
 * at once what no earlier one can use, and otherwise waits behind. So a request for eight is not starved by a stream of requests for one, and the price, idle devices, lasts at most one wait (10 s).
 *
 * <p>Every change of a holder and every quarantine is in the {@link dev.berth.gpu.ledger.GrantJournal} before anyone acts on it. After a crash the grants of containers that run are adopted, every other device is verified, and
 * what was in quarantine stays there.
 *
 * <p>Thread: conductor; the time is passed in, as the monotonic clock's nanoseconds. Views are values.
 */
@NullMarked
package dev.berth.gpu.ledger;

import org.jspecify.annotations.NullMarked;
