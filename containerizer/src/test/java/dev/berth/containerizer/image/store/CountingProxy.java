package dev.berth.containerizer.image.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Passes TCP connections on to a registry, counts the bytes that come back, and holds them up at a mark. */
public final class CountingProxy implements AutoCloseable {
    private static final int SMALL_BUFFER_BYTES = 64 << 10;

    private final ServerSocket listener;
    private final int target;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private long served;
    private long mark = Long.MAX_VALUE;

    public CountingProxy(int targetPort) throws IOException {
        target = targetPort;
        listener = new ServerSocket();
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        Thread.ofPlatform().daemon().start(this::accept);
    }

    public int port() {
        return listener.getLocalPort();
    }

    public long served() {
        lock.lock();
        try {
            return served;
        } finally {
            lock.unlock();
        }
    }

    /** No byte beyond this many is passed on until the mark is moved. */
    public void holdAt(long bytes) {
        lock.lock();
        try {
            mark = bytes;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until the mark is reached. */
    public void awaitHeld() throws InterruptedException {
        lock.lock();
        try {
            while (served < mark) {
                changed.await();
            }
        } finally {
            lock.unlock();
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listener.accept();
                client.setSendBufferSize(SMALL_BUFFER_BYTES);
                sockets.add(client);
                Thread.ofPlatform().daemon().start(() -> connect(client));
            }
        } catch (IOException e) {
            return;
        }
    }

    private void connect(Socket client) {
        try (client;
                Socket server = new Socket()) {
            server.setReceiveBufferSize(SMALL_BUFFER_BYTES);
            server.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target));
            sockets.add(server);
            Thread up = Thread.ofPlatform().daemon().start(() -> copy(client, server, false));
            copy(server, client, true);
            client.close();
            up.join();
        } catch (IOException | InterruptedException e) {
            // The registry is down: the client sees its connection end.
            return;
        } finally {
            sockets.remove(client);
        }
    }

    private void copy(Socket from, Socket to, boolean counted) {
        byte[] buffer = new byte[16 << 10];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (counted) {
                    count(n);
                }
                out.write(buffer, 0, n);
            }
            to.shutdownOutput();
        } catch (IOException | InterruptedException e) {
            return;
        }
    }

    private void count(int bytes) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            served += bytes;
            changed.signalAll();
            while (served >= mark) {
                changed.await();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        holdAt(Long.MAX_VALUE);
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
