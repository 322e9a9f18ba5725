package dev.berth.master.scheduler;

import dev.berth.master.cluster.Answer;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Count;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.FrameworkStream;
import dev.berth.master.cluster.Wire;
import dev.berth.master.ids.FrameworkId;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Who is subscribed for which framework: SUBSCRIBE, fail-over, heartbeats, and the end of those that stay away. */
public final class Subscriptions {
    /** How often a stream hears from the master at least. */
    public static final long HEARTBEAT_NS = TimeUnit.SECONDS.toNanos(15);

    private final Cluster cluster;

    public Subscriptions(Cluster cluster) {
        this.cluster = cluster;
    }

    /** What makes a SUBSCRIBE malformed, whatever the master knows. Any thread. */
    public static Optional<String> malformed(Call call, Optional<String> principal) {
        if (!call.hasSubscribe()) {
            return Optional.of("Expecting 'subscribe' to be present");
        }
        FrameworkInfo info = call.getSubscribe().getFrameworkInfo();
        String inCall = call.getFrameworkId().getValue();
        String inInfo = info.getId().getValue();
        if (!inCall.equals(inInfo)) {
            return Optional.of(
                    "'framework_id' differs from 'subscribe.framework_info.id': '"
                            + inCall
                            + "' and '"
                            + inInfo
                            + "'");
        }
        if (principal.isPresent()
                && info.hasPrincipal()
                && !principal.get().equals(info.getPrincipal())) {
            return Optional.of(
                    "Authenticated principal '"
                            + principal.get()
                            + "' does not match principal '"
                            + info.getPrincipal()
                            + "' of FrameworkInfo");
        }
        return Optional.empty();
    }

    /** Answers a SUBSCRIBE: 400 when it is malformed; else 200, and SUBSCRIBED or ERROR on the stream. */
    public Answer subscribe(Call call, Optional<String> principal, FrameworkStream stream) {
        Optional<String> malformed = malformed(call, principal);
        if (malformed.isPresent()) {
            return Answer.refusal(400, malformed.get());
        }
        FrameworkInfo info = call.getSubscribe().getFrameworkInfo();
        if (principal.isPresent()) {
            info = info.toBuilder().setPrincipal(principal.get()).build();
        }
        Optional<String> problem = problem(info, call.getSubscribe());
        if (problem.isPresent()) {
            cluster.settings()
                    .chronicle()
                    .warn("framework '" + info.getName() + "' is refused: " + problem.get());
            stream.send(Events.error(problem.get()));
            stream.close();
        } else {
            subscribe(info, call.getSubscribe().getSuppressedRolesList(), stream);
        }
        return Answer.OK;
    }

    private Optional<String> problem(FrameworkInfo info, Call.Subscribe subscribe) {
        Optional<String> problem = FrameworkRules.problem(info, subscribe.getSuppressedRolesList());
        if (problem.isPresent()) {
            return problem;
        }
        if (subscribe.getOfferConstraints().getRoleConstraintsCount() > 0) {
            return Optional.of("offer_constraints are not there yet: decline what does not fit");
        }
        if (info.getId().getValue().isEmpty()) {
            return Optional.empty();
        }
        FrameworkId id = Wire.frameworkId(info.getId());
        if (cluster.completed(id).isPresent()) {
            return Optional.of("Framework has been removed");
        }
        Optional<Framework> known = cluster.framework(id);
        if (known.isPresent() && !known.get().info().getPrincipal().equals(info.getPrincipal())) {
            return Optional.of(
                    "Changing framework's principal from '"
                            + known.get().info().getPrincipal()
                            + "' to '"
                            + info.getPrincipal()
                            + "' is not allowed");
        }
        return Optional.empty();
    }

    private void subscribe(FrameworkInfo info, List<String> suppressed, FrameworkStream stream) {
        FrameworkId id =
                info.getId().getValue().isEmpty()
                        ? cluster.newFrameworkId()
                        : Wire.frameworkId(info.getId());
        FrameworkInfo whole = info.toBuilder().setId(Wire.frameworkId(id)).build();
        Set<String> quiet = new LinkedHashSet<>(suppressed);
        Optional<Framework> known = cluster.framework(id);
        cluster.counts().add(known.isPresent() ? Count.RESUBSCRIBES : Count.SUBSCRIBES);
        Framework framework;
        if (known.isPresent()) {
            framework = known.get();
            cluster.discardOffers(framework);
            framework.stream()
                    .ifPresent(old -> {
                        old.send(Events.error("Framework failed over"));
                        old.close();
                    });
            cluster.update(framework, fixed(whole, framework.info()), quiet);
        } else {
            framework = cluster.addFramework(id, whole, quiet, false);
        }
        // A framework that this master does not know but that has an id was another master's: it is
        // back, too.
        boolean again = known.isPresent() || !info.getId().getValue().isEmpty();
        begin(framework, stream, again, known.isEmpty());
        cluster.settings()
                .chronicle()
                .note(named(framework) + (again ? " is back" : " has subscribed"));
    }

    private static String named(Framework framework) {
        return "framework " + framework.id() + " ('" + framework.info().getName() + "')";
    }

    /** The new facts, but for what a framework cannot change. */
    static FrameworkInfo fixed(FrameworkInfo next, FrameworkInfo old) {
        FrameworkInfo.Builder fixed = next.toBuilder().setUser(old.getUser());
        if (old.hasCheckpoint()) {
            fixed.setCheckpoint(old.getCheckpoint());
        } else {
            fixed.clearCheckpoint();
        }
        return fixed.build();
    }

    private void begin(Framework framework, FrameworkStream stream, boolean again, boolean isNew) {
        cluster.connect(framework, stream, again, isNew);
        Event.Subscribed subscribed =
                Event.Subscribed.newBuilder()
                        .setFrameworkId(Wire.frameworkId(framework.id()))
                        .setHeartbeatIntervalSeconds(HEARTBEAT_NS / 1e9)
                        .setMasterInfo(cluster.settings().info())
                        .build();
        cluster.send(
                framework,
                Event.newBuilder()
                        .setType(Event.Type.SUBSCRIBED)
                        .setSubscribed(subscribed)
                        .build());
        cluster.send(framework, Events.HEARTBEAT);
        framework.heartbeatAt(cluster.nowNs() + HEARTBEAT_NS);
        cluster.frameworksDueAt(framework.heartbeatAtNs());
    }

    /** The client went away: its framework may come back until its fail-over timeout. */
    public void closed(FrameworkStream stream) {
        for (Framework framework : cluster.frameworks()) {
            if (framework.stream().filter(stream::equals).isPresent()) {
                cluster.disconnect(framework);
                cluster.settings()
                        .chronicle()
                        .note(
                                named(framework)
                                        + " has gone away: removed in "
                                        + Math.round(framework.info().getFailoverTimeout())
                                        + " s unless it comes again; its "
                                        + framework.live().size()
                                        + " tasks run on");
                return;
            }
        }
    }

    /** Heartbeats that are due, and frameworks that were away for too long. */
    public void tick() {
        if (!cluster.frameworksAreDue()) {
            return;
        }
        for (Framework framework : List.copyOf(cluster.frameworks())) {
            if (framework.teardownAtNs() <= cluster.nowNs()) {
                cluster.settings()
                        .chronicle()
                        .note(
                                named(framework)
                                        + " has not come back: it is removed, and its "
                                        + framework.live().size()
                                        + " tasks are killed");
                cluster.removeFramework(framework);
                continue;
            }
            if (framework.heartbeatAtNs() <= cluster.nowNs()) {
                framework.heartbeatAt(cluster.nowNs() + HEARTBEAT_NS);
                cluster.send(framework, Events.HEARTBEAT);
            }
            cluster.frameworksDueAt(Math.min(framework.heartbeatAtNs(), framework.teardownAtNs()));
        }
    }
}
