package dev.berth.gpu.ledger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.choice.Machines;
import dev.berth.gpu.ledger.Judge.Verdict;
import dev.berth.gpu.ledger.Judge.Want;
import dev.berth.isolator.ContainerId;

import org.junit.jupiter.api.Test;

import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * No device is lost, none is granted twice or unclean, waits end in time and in order, whatever happens in whatever order and wherever the agent dies. Another seed: {@code -Dberth.seed=N}; more: {@code -Dberth.histories=N}.
 */
class LedgerPropertyTest {
    private static final long SEED = Long.getLong("berth.seed", 20260821L);
    private static final int HISTORIES = Integer.getInteger("berth.histories", 300);
    private static final int STEPS = 500;

    private static class Sound extends DeviceLedger {
        Sound(GrantJournal journal, GrantSteps steps) {
            super(Machines.RESOURCE, LedgerSettings.DEFAULT, journal, steps);
        }
    }

    @Test
    void nothingIsLostNorGrantedTwiceInRandomHistories() throws DeviceException {
        Map<GrantStep, Integer> deaths = new EnumMap<>(GrantStep.class);
        int granted = 0;
        int waited = 0;
        int refused = 0;
        long begun = System.nanoTime();
        for (int i = 0; i < HISTORIES; i++) {
            RandomHistory history = new RandomHistory(SEED + i, Sound::new);
            try {
                history.run(STEPS);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + (SEED + i) + ": " + e.getMessage(), e);
            }
            history.deaths.forEach((step, count) -> deaths.merge(step, count, Integer::sum));
            granted += history.granted;
            waited += history.waited;
            refused += history.refused;
        }
        System.out.printf(
                Locale.ROOT,
                "ledger: %d steps from seed %d in %d ms: %d granted, %d waited, %d refused, deaths %s%n",
                HISTORIES * STEPS,
                SEED,
                (System.nanoTime() - begun) / 1_000_000,
                granted,
                waited,
                refused,
                deaths);
        assertEquals(Set.of(GrantStep.values()), deaths.keySet(), "died at every step");
        assertTrue(granted > HISTORIES && waited > HISTORIES && refused > HISTORIES);
    }

    @Test
    void theSameSeedIsTheSameHistory() throws DeviceException {
        RandomHistory first = new RandomHistory(SEED, Sound::new);
        RandomHistory second = new RandomHistory(SEED, Sound::new);
        first.run(2000);
        second.run(2000);
        assertEquals(first.hash, second.hash);
    }

    @Test
    void everyBrokenLedgerIsFound() {
        Map<String, RandomHistory.Maker> broken = new LinkedHashMap<>();
        broken.put("skips verification", SkipsVerification::new);
        broken.put("takes every look for clean", BlindToDirt::new);
        broken.put("takes any answer for the last one", TakesOldAnswers::new);
        broken.put("gives what others hold", GivesTwice::new);
        broken.put("lets small requests overtake", Unfair::new);
        broken.put("never ends a wait", NeverEnds::new);
        broken.put("loses what comes back", LosesDevices::new);
        broken.put("forgets holders", ForgetsHolders::new);
        broken.put("takes the dead for running", AdoptsTheDead::new);
        broken.put("does not write quarantine", (j, s) -> dropping(j, s, Dropped.QUARANTINE));
        broken.put("does not write grants", (j, s) -> dropping(j, s, Dropped.GRANTS));
        Set<String> unnoticed = new HashSet<>(broken.keySet());
        broken.forEach((name, maker) -> {
            for (int i = 0; i < HISTORIES && unnoticed.contains(name); i++) {
                try {
                    new RandomHistory(SEED + i, maker).run(STEPS);
                } catch (AssertionError e) {
                    unnoticed.remove(name);
                    System.out.println("found that it " + name + ": " + e.getMessage());
                } catch (DeviceException e) {
                    fail(e);
                }
            }
        });
        assertEquals(Set.of(), unnoticed);
    }

    private static final class SkipsVerification extends Sound {
        SkipsVerification(GrantJournal journal, GrantSteps steps) {
            super(journal, steps);
        }

        @Override
        void giveBack(Slot slot, long nowNs) {
            slot.become(DeviceState.FREE, nowNs);
        }
    }

    private static final class BlindToDirt extends Sound {
        BlindToDirt(GrantJournal journal, GrantSteps steps) {
            super(journal, steps);
        }

        @Override
        void onLook(Slot slot, Cleanliness found, boolean current, long nowNs) {
            super.onLook(slot, LedgerDesk.CLEAN, current, nowNs);
        }
    }

    private static final class TakesOldAnswers extends Sound {
        TakesOldAnswers(GrantJournal journal, GrantSteps steps) {
            super(journal, steps);
        }

        @Override
        void onLook(Slot slot, Cleanliness found, boolean current, long nowNs) {
            super.onLook(slot, found, true, nowNs);
        }
    }

    private static final class GivesTwice extends Sound {
        GivesTwice(GrantJournal journal, GrantSteps steps) {
            super(journal, steps);
        }

        @Override
        Verdict judge(Want want, long kept) {
            Verdict verdict = super.judge(want, kept);
            if (verdict instanceof Verdict.Never
                    && want.selection() instanceof Selection.Count(int count)
                    && count == 1) {
                for (int i = 0; i < table().devices().size(); i++) {
                    LedgerView.DeviceView device = view().devices().get(i);
                    if (device.usable() && device.state() == DeviceState.GRANTED) {
                        return new Verdict.Take(1L << i);
                    }
                }
            }
            return verdict;
        }
    }

    private static final class Unfair extends Sound {
        Unfair(GrantJournal journal, GrantSteps steps) {
            super(journal, steps);
        }

        @Override
        Verdict judge(Want want, long kept) {
            return super.judge(want, 0);
        }
    }

    private static final class NeverEnds extends Sound {
        NeverEnds(GrantJournal journal, GrantSteps steps) {
            super(journal, steps);
        }

        @Override
        void expire(long nowNs) {}
    }

    private static final class LosesDevices extends Sound {
        LosesDevices(GrantJournal journal, GrantSteps steps) {
            super(journal, steps);
        }

        @Override
        void giveBack(Slot slot, long nowNs) {
            slot.become(DeviceState.VERIFYING, nowNs);
            slot.dueNs = Long.MAX_VALUE;
        }
    }

    private static final class ForgetsHolders extends Sound {
        ForgetsHolders(GrantJournal journal, GrantSteps steps) {
            super(journal, steps);
        }

        @Override
        void replay(List<GrantRecord> records, Set<ContainerId> running, long nowNs) {
            super.replay(records, Set.of(), nowNs);
        }
    }

    private static final class AdoptsTheDead extends Sound {
        AdoptsTheDead(GrantJournal journal, GrantSteps steps) {
            super(journal, steps);
        }

        @Override
        void replay(List<GrantRecord> records, Set<ContainerId> running, long nowNs) {
            Set<ContainerId> all = new HashSet<>(running);
            for (GrantRecord record : records) {
                if (record instanceof GrantRecord.Granted(DeviceGrant grant)) {
                    all.add(grant.container());
                }
            }
            super.replay(records, all, nowNs);
        }
    }

    /** What a journal leaves out. */
    private enum Dropped {
        QUARANTINE,
        GRANTS
    }

    private static DeviceLedger dropping(GrantJournal journal, GrantSteps steps, Dropped what) {
        return new Sound(
                record -> {
                    boolean drop =
                            switch (record) {
                                case GrantRecord.Granted _ -> what == Dropped.GRANTS;
                                case GrantRecord.Quarantined _ -> what == Dropped.QUARANTINE;
                                default -> false;
                            };
                    if (!drop) {
                        journal.append(record);
                    }
                },
                steps);
    }
}
