package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.PullProgress;
import dev.berth.containerizer.image.manifest.Descriptor;
import dev.berth.containerizer.image.registry.RegistrySession;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

/**
 * The layers that are on their way, each once, whoever wants them. A layer's pull goes on as long as anybody waits for it.
 *
 * <p>Thread: any.
 */
final class LayerPulls {
    private final LayerPull.Context context;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Digest, Flight> flights = new HashMap<>();

    LayerPulls(LayerPull.Context context) {
        this.context = context;
    }

    private record Flight(LayerPull pull, FutureTask<Void> task, Thread thread) {}

    /** A share in a layer that is on its way. */
    final class Ticket {
        private final Digest blob;
        private final Flight flight;
        private final PullProgress progress;

        private Ticket(Digest blob, Flight flight, PullProgress progress) {
            this.blob = blob;
            this.flight = flight;
            this.progress = progress;
        }

        /** Waits until the layer is there. */
        void await() throws ImageException, InterruptedException {
            try {
                flight.task.get();
            } catch (ExecutionException e) {
                switch (e.getCause()) {
                    case ImageException failure -> throw failure;
                    case InterruptedException _ ->
                            throw new ImageException("pull layer " + blob + ": cancelled");
                    case null, default -> throw new ImageException("pull layer " + blob, e);
                }
            }
        }

        /** Gives the share back; the last one ends a pull that is still going on and waits for its end. */
        void leave() {
            lock.lock();
            try {
                if (!flight.pull.unwatch(progress)) {
                    return;
                }
            } finally {
                lock.unlock();
            }
            flight.thread.interrupt();
            boolean interrupted = false;
            while (flight.thread.isAlive()) {
                try {
                    flight.thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Joins the pull of a layer or starts it. The session is kept open until the layer's pull has ended. */
    Ticket join(Descriptor layer, Digest diffId, RegistrySession session, PullProgress progress) {
        lock.lock();
        try {
            Flight flight = flights.get(layer.digest());
            // Two images that say different things of one blob: at most one is right, so each finds
            // out for itself.
            if (flight != null
                    && !flight.task.isDone()
                    && flight.pull.watchedBy(progress, diffId)) {
                return new Ticket(layer.digest(), flight, progress);
            }
            return new Ticket(layer.digest(), start(layer, diffId, session, progress), progress);
        } finally {
            lock.unlock();
        }
    }

    private Flight start(
            Descriptor layer, Digest diffId, RegistrySession session, PullProgress progress) {
        LayerPull pull = new LayerPull(context, layer, diffId);
        pull.watch(progress);
        session.retain();
        Flight before = flights.get(layer.digest());
        FutureTask<Void> task =
                new FutureTask<>(() -> {
                    try (session) {
                        // The partial file of a blob has one writer.
                        if (before != null) {
                            before.thread.join();
                        }
                        pull.run(session);
                    } finally {
                        ended(layer.digest(), pull);
                    }
                    return null;
                });
        Thread thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("berth-pull-" + layer.digest().hex().substring(0, 12))
                        .unstarted(task);
        Flight flight = new Flight(pull, task, thread);
        flights.put(layer.digest(), flight);
        thread.start();
        return flight;
    }

    private void ended(Digest blob, LayerPull pull) {
        lock.lock();
        try {
            Flight flight = flights.get(blob);
            if (flight != null && flight.pull == pull) {
                flights.remove(blob);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Blobs whose partial files are in use. */
    Set<Digest> blobs() {
        lock.lock();
        try {
            return Set.copyOf(flights.keySet());
        } finally {
            lock.unlock();
        }
    }

    /** Ends all pulls and waits for their end. */
    void cancelAll() {
        Set<Flight> all;
        lock.lock();
        try {
            all = flights.values().stream().collect(Collectors.toSet());
        } finally {
            lock.unlock();
        }
        for (Flight flight : all) {
            flight.thread.interrupt();
        }
        boolean interrupted = false;
        for (Flight flight : all) {
            while (flight.thread.isAlive()) {
                try {
                    flight.thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
