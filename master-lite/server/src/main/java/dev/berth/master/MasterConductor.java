package dev.berth.master;

import dev.berth.discovery.MasterAddress;
import dev.berth.master.cluster.MasterSettings;
import dev.berth.master.cluster.Registry;
import dev.berth.master.core.MasterCore;
import dev.berth.master.registry.QueuedRegistry;
import dev.berth.master.registry.Store;
import dev.berth.master.transport.MasterGate;
import dev.berth.protocol.v1.Protos.MasterInfo;

import org.agrona.concurrent.Agent;
import org.agrona.concurrent.ManyToOneConcurrentLinkedQueue;
import org.agrona.concurrent.NanoClock;
import org.jspecify.annotations.Nullable;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * The single thread that owns the core: drains the queue of steps, lets the core do what is due, and waits for the next of both. The core exists from the end of recovery to the end of leading.
 *
 * <p>Thread: {@link #doWork} and {@link #idle} from one; {@link #submit} and the changes of standing from any.
 */
public final class MasterConductor implements Agent, MasterGate {
    private static final int STEPS_PER_CYCLE = 256;
    private static final Standing NOBODY = new Standing.Following(Optional.empty());

    private final ManyToOneConcurrentLinkedQueue<Step> steps =
            new ManyToOneConcurrentLinkedQueue<>();
    private final NanoClock clock;
    private final Map<String, String> flags;
    private final OptionalLong silenceNs;
    private final Runnable cutStreams;
    private final AtomicReference<Standing> standing = new AtomicReference<>(NOBODY);
    private volatile @Nullable Thread waiting;
    private volatile @Nullable Store term;
    private @Nullable MasterCore core;
    private @Nullable QueuedRegistry registry;
    private final MasterChronicle chronicle =
            new MasterChronicle(System::nanoTime, MasterLog::info, MasterLog::warn);
    private long nextNs = Long.MAX_VALUE;

    /**
     * A conductor that does not lead.
     *
     * @param clock nanoseconds since the epoch that never go back
     * @param flags as GET_FLAGS shows them
     * @param cutStreams ends all streams and links; any thread
     */
    public MasterConductor(NanoClock clock, Map<String, String> flags, Runnable cutStreams) {
        this(clock, flags, OptionalLong.empty(), cutStreams);
    }

    /** The same; agents that are silent for {@code silenceNs} are unreachable. */
    MasterConductor(
            NanoClock clock,
            Map<String, String> flags,
            OptionalLong silenceNs,
            Runnable cutStreams) {
        this.clock = clock;
        this.flags = flags;
        this.silenceNs = silenceNs;
        this.cutStreams = cutStreams;
    }

    @Override
    public Standing standing() {
        Standing now = standing.get();
        return now instanceof Standing.Following || mayLead() ? now : NOBODY;
    }

    /** A master that slept, or does not hear ZooKeeper, stops before it is told to. */
    private boolean mayLead() {
        Store of = term;
        return of != null && of.isHeld();
    }

    @Override
    public void submit(Step step) {
        steps.offer(step);
        Thread sleeper = waiting;
        if (sleeper != null) {
            LockSupport.unpark(sleeper);
        }
    }

    /**
     * Begins to lead: reads the registry, then answers. Until then 503.
     *
     * @param overthrown is called, on the conductor thread, when the registry says that another master leads
     */
    public void lead(MasterInfo self, MasterAddress address, Store store, Runnable overthrown) {
        Standing recovering = new Standing.Recovering(address);
        term = store;
        standing.set(recovering);
        submit((_, _) -> {
            drop();
            registry =
                    new QueuedRegistry(
                            store,
                            step -> submit((_, _) -> step.run()),
                            contents -> begin(self, recovering, address, contents),
                            result -> refused(result, overthrown));
        });
    }

    private void begin(
            MasterInfo self,
            Standing recovering,
            MasterAddress address,
            Registry.Contents contents) {
        long now = clock.nanoTime();
        QueuedRegistry open = registry;
        if (open == null) {
            return;
        }
        MasterSettings usual = MasterSettings.of(self, flags, now).chronicle(chronicle);
        MasterSettings settings =
                silenceNs.isPresent() ? usual.silence(silenceNs.getAsLong()) : usual;
        MasterCore made = new MasterCore(settings, open, contents, now);
        // The election may say at this moment that another master leads: then that stands.
        if (!standing.compareAndSet(recovering, new Standing.Leading(address))) {
            return;
        }
        core = made;
        MasterLog.info(
                "leading as "
                        + self.getId()
                        + " at "
                        + address
                        + "; "
                        + contents.agents().size()
                        + " agents in the registry");
    }

    private void refused(Registry.Result why, Runnable overthrown) {
        MasterLog.warn("registry: " + why.error().orElse(""));
        if (why.lost()) {
            follow(Optional.empty());
            overthrown.run();
        }
    }

    /** Leads no more, or never did: streams and links end now, and calls go to {@code leader}. */
    public void follow(Optional<MasterAddress> leader) {
        boolean led =
                !(standing.getAndSet(new Standing.Following(leader)) instanceof Standing.Following);
        if (led) {
            cutStreams.run();
            submit((_, _) -> drop());
            // Again, for those that began while the first cut was under way.
            submit((_, _) -> cutStreams.run());
        }
    }

    private void drop() {
        core = null;
        nextNs = Long.MAX_VALUE;
        QueuedRegistry open = registry;
        registry = null;
        if (open != null) {
            open.close();
        }
    }

    @Override
    public int doWork() {
        int work = 0;
        while (work < STEPS_PER_CYCLE) {
            Step step = steps.poll();
            if (step == null) {
                break;
            }
            run(step);
            work++;
        }
        long now = clock.nanoTime();
        MasterCore leading = core;
        if (leading != null && !mayLead()) {
            // The election says next that this term is over.
            nextNs = Long.MAX_VALUE;
        } else if (leading != null && (work > 0 || nextNs <= now)) {
            try {
                nextNs = leading.tick(now);
            } catch (RuntimeException e) {
                MasterLog.error("timers of the master", e);
                nextNs = now + 1_000_000_000L;
            }
        }
        return work;
    }

    private void run(Step step) {
        try {
            step.run(Optional.ofNullable(core).filter(_ -> mayLead()), clock.nanoTime());
        } catch (RuntimeException e) {
            MasterLog.error("a step of the master", e);
        }
    }

    /** Waits until the core wants to be called, or a step comes. */
    public void idle() {
        waiting = Thread.currentThread();
        // Looked at after it is known that this thread must be woken: no step is missed.
        if (steps.isEmpty()) {
            if (nextNs == Long.MAX_VALUE) {
                LockSupport.park(this);
            } else {
                LockSupport.parkNanos(this, nextNs - clock.nanoTime());
            }
        }
        waiting = null;
    }

    @Override
    public String roleName() {
        return "berth-master";
    }

    @Override
    public void onClose() {
        drop();
    }
}
