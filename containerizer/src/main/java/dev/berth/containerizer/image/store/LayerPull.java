package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.Digest;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.PullProgress;
import dev.berth.containerizer.image.manifest.Descriptor;
import dev.berth.containerizer.image.registry.RegistrySession;
import dev.berth.containerizer.image.registry.RegistrySession.BlobBody;
import dev.berth.containerizer.image.registry.RetryPolicy;

import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;

/**
 * One layer on its way from a registry to a tree, for all pulls that want it: one thread fetches into the partial file, another unpacks behind it.
 *
 * <p>Thread: {@link #run} has one of its own.
 */
final class LayerPull implements PullProgress {
    /** A server that breaks off again and again but gives at least this much each time is slow, not broken. */
    private static final long PROGRESS_BYTES = 1 << 20;

    private static final long REPORT_NS = 100_000_000;
    private static final int BUFFER_BYTES = 128 << 10;

    private final Context context;
    private final Descriptor layer;
    private final Digest diffId;
    private final String id;
    private final List<PullProgress> watchers = new CopyOnWriteArrayList<>();
    private volatile boolean abandoned;
    private volatile boolean fetched;

    /** What all layer pulls of a store share. */
    record Context(
            LayerStore layers,
            Path partial,
            boolean sameBoot,
            Semaphore downloads,
            RetryPolicy retry,
            Consumer<PullStep> crashPoints) {}

    LayerPull(Context context, Descriptor layer, Digest diffId) {
        this.context = context;
        this.layer = layer;
        this.diffId = diffId;
        this.id = layer.digest().hex().substring(0, 12);
    }

    void watch(PullProgress progress) {
        watchers.add(progress);
    }

    /** Adds a watcher unless everybody has left already or the layer is said to be another; false then. */
    boolean watchedBy(PullProgress progress, Digest wanted) {
        if (watchers.isEmpty() || !diffId.equals(wanted)) {
            return false;
        }
        watchers.add(progress);
        return true;
    }

    /** Takes a watcher away; true when it was the last. */
    boolean unwatch(PullProgress progress) {
        watchers.remove(progress);
        return watchers.isEmpty();
    }

    @Override
    public void update(String ignored, String status, long current, long total) {
        for (PullProgress watcher : watchers) {
            watcher.update(id, status, current, total);
        }
    }

    /** Fetches, verifies, unpacks and commits. An interrupt ends it; what was fetched stays for the next time. */
    void run(RegistrySession session) throws ImageException, InterruptedException {
        if (context.layers().has(diffId)) {
            update("", "Already exists", 0, 0);
            return;
        }
        update("", "Pulling fs layer", 0, 0);
        if (!context.downloads().tryAcquire()) {
            update("", "Waiting", 0, 0);
            context.downloads().acquire();
        }
        try {
            for (int round = 1; !attempt(session, round); round++) {
                update("", "Retrying in 0 seconds", 0, 0);
            }
        } catch (IOException e) {
            throw new ImageException("pull layer " + layer.digest(), e);
        } finally {
            context.downloads().release();
        }
    }

    /** False when the bytes were wrong and are gone: a broken disk or proxy may do better from the start, once. */
    private boolean attempt(RegistrySession session, int round)
            throws ImageException, IOException, InterruptedException {
        try (PartialBlob blob =
                PartialBlob.open(
                        context.partial(), layer.digest(), layer.sizeBytes(), context.sameBoot())) {
            context.crashPoints().accept(PullStep.LAYER_OPENED);
            abandoned = false;
            fetched = false;
            FutureTask<LayerStore.Unpacked> unpacking = new FutureTask<>(() -> unpack(blob));
            Thread unpacker =
                    Thread.ofPlatform().daemon().name("berth-unpack-" + id).start(unpacking);
            boolean complete = false;
            try {
                fetch(blob, session);
                if (!abandoned) {
                    Digest actual = blob.actualDigest();
                    if (!actual.equals(layer.digest())) {
                        blob.delete();
                        if (round == 1) {
                            return false;
                        }
                        throw wrongDigest(actual);
                    }
                    fetched = true;
                    update("", "Download complete", 0, 0);
                    context.crashPoints().accept(PullStep.LAYER_VERIFIED);
                }
                LayerStore.Unpacked unpacked = result(unpacking);
                complete = true;
                commit(blob, unpacked);
                return true;
            } finally {
                if (!complete) {
                    blob.fail(new IOException("the pull of layer " + layer.digest() + " ended"));
                    unpacker.interrupt();
                    discard(unpacking);
                }
            }
        }
    }

    private ImageException wrongDigest(Digest actual) {
        return new ImageException(
                ImageException.Kind.INVALID,
                "layer "
                        + layer.digest()
                        + " was served with other bytes: their digest is "
                        + actual);
    }

    private void commit(PartialBlob blob, LayerStore.Unpacked unpacked)
            throws ImageException, IOException {
        context.crashPoints().accept(PullStep.LAYER_UNPACKED);
        context.layers().commit(unpacked);
        context.crashPoints().accept(PullStep.LAYER_COMMITTED);
        blob.delete();
        update("", "Pull complete", 0, 0);
    }

    private LayerStore.Unpacked unpack(PartialBlob blob) throws ImageException, IOException {
        try (InputStream bytes = new Extracting(blob.reader())) {
            return context.layers().unpack(bytes, diffId);
        } catch (ImageException e) {
            // Refused for what it is: the rest need not come. A stream that breaks may mean wrong
            // bytes, which the digest will tell.
            abandoned = true;
            throw e;
        }
    }

    private LayerStore.Unpacked result(FutureTask<LayerStore.Unpacked> unpacking)
            throws ImageException, InterruptedException {
        try {
            return unpacking.get();
        } catch (ExecutionException e) {
            String what = "unpack layer " + layer.digest();
            throw switch (e.getCause()) {
                case ImageException refused -> new ImageException(what, refused);
                case Throwable cause -> new ImageException(what, cause);
                case null -> new ImageException(what, e);
            };
        }
    }

    /** Waits for the unpacker, which has been told to end, and removes what it may have made. */
    private void discard(FutureTask<LayerStore.Unpacked> unpacking) {
        boolean interrupted = false;
        while (true) {
            try {
                context.layers().discard(unpacking.get());
                break;
            } catch (ExecutionException e) {
                // It failed, for the reason that ended the pull or for one that no longer matters,
                // and has cleaned up.
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void fetch(PartialBlob blob, RegistrySession session)
            throws ImageException, InterruptedException {
        int failures = 0;
        while (blob.length() < layer.sizeBytes() && !abandoned) {
            long before = blob.length();
            try (BlobBody body = session.openBlob(layer, before)) {
                copy(blob, body);
            } catch (InterruptedIOException e) {
                throw interrupted(e);
            } catch (IOException e) {
                failures = blob.length() - before >= PROGRESS_BYTES ? 1 : failures + 1;
                if (failures >= context.retry().attempts()) {
                    throw new ImageException("pull layer " + layer.digest(), e);
                }
                Duration delay = context.retry().delay(failures, RegistrySession.retryAfter(e));
                long seconds = Math.max(1, Math.round(delay.toMillis() / 1000.0));
                update(
                        "",
                        "Retrying in " + seconds + (seconds == 1 ? " second" : " seconds"),
                        0,
                        0);
                RetryPolicy.pause(delay);
            }
        }
    }

    private static InterruptedException interrupted(InterruptedIOException cause) {
        InterruptedException result = new InterruptedException("interrupted");
        result.initCause(cause);
        return result;
    }

    private void copy(PartialBlob blob, BlobBody body) throws IOException {
        body.body().skipNBytes(blob.length() - body.offset());
        byte[] buffer = new byte[BUFFER_BYTES];
        long reported = 0;
        while (blob.length() < layer.sizeBytes() && !abandoned) {
            int most = (int) Math.min(buffer.length, layer.sizeBytes() - blob.length());
            int count = body.body().read(buffer, 0, most);
            if (count < 0) {
                throw new EOFException(
                        "the registry closed the connection after "
                                + blob.length()
                                + " of "
                                + layer.sizeBytes()
                                + " bytes");
            }
            blob.append(buffer, count);
            context.crashPoints().accept(PullStep.LAYER_FETCHING);
            long now = System.nanoTime();
            if (reported == 0 || now - reported >= REPORT_NS) {
                reported = now;
                update("", "Downloading", blob.length(), layer.sizeBytes());
            }
        }
    }

    /** Tells how far unpacking is, once nothing more is to be downloaded. */
    private final class Extracting extends FilterInputStream {
        private long count;
        private long reported;

        Extracting(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int n = in.read(target, offset, length);
            count += Math.max(n, 0);
            long now = System.nanoTime();
            if (fetched && (reported == 0 || now - reported >= REPORT_NS)) {
                reported = now;
                update("", "Extracting", count, layer.sizeBytes());
            }
            return n;
        }
    }
}
