package dev.berth.containerizer;

import dev.berth.isolator.ContainerId;
import dev.berth.linux.OwnedFd;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Closes roots on a thread of its own: with the last descriptor the kernel takes the overlay apart, half a millisecond at best and as long as the disk takes for what the container has written.
 *
 * <p>Thread: any; {@link #await} and {@link #close} wait.
 */
final class RootReleases implements AutoCloseable {
    private final LinkedBlockingQueue<Release> queue = new LinkedBlockingQueue<>();
    private final Map<ContainerId, Release> pending = new ConcurrentHashMap<>();
    private final Thread thread;

    /** {@code root} is null in the one that ends the thread. */
    private record Release(
            ContainerId id, @org.jspecify.annotations.Nullable OwnedFd root, CountDownLatch done) {}

    RootReleases() {
        thread = Thread.ofPlatform().daemon().name("berth-unmount").unstarted(this::work);
        thread.start();
    }

    /** Closes the descriptor soon; it is given away. */
    void release(ContainerId id, OwnedFd root) {
        Release release = new Release(id, root, new CountDownLatch(1));
        pending.put(id, release);
        queue.add(release);
    }

    /** Returns when nothing of what was released for this container is mounted any more: two overlays must not share one upper directory. */
    void await(ContainerId id) throws ContainerizerException {
        Release release = pending.get(id);
        if (release == null) {
            return;
        }
        try {
            release.done.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ContainerizerException(
                    "interrupted while the former root of " + id.shortForm() + " was unmounted", e);
        }
    }

    private void work() {
        try {
            while (true) {
                Release next = queue.take();
                if (next.root == null) {
                    return;
                }
                next.root.close();
                // In order: the newest of a container is the last.
                pending.remove(next.id, next);
                next.done.countDown();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits until all is closed. */
    @Override
    public void close() {
        queue.add(new Release(new ContainerId("0".repeat(64)), null, new CountDownLatch(0)));
        try {
            thread.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
