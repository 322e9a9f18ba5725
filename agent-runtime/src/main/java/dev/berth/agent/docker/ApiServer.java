package dev.berth.agent.docker;

import dev.berth.agent.conductor.Conductor;
import dev.berth.agent.conductor.ConductorProxy;
import dev.berth.agent.conductor.ContainerViews;
import dev.berth.agent.conductor.Counters;
import dev.berth.agent.conductor.ExecViews;
import dev.berth.agent.conductor.FileLane;
import dev.berth.agent.config.AgentConfig;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.LimitTranslation;
import dev.berth.containerizer.Containerizer.Enforcement;
import dev.berth.containerizer.image.ImageStore;
import dev.berth.isolator.ContainerId;
import dev.berth.linux.Linux;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoEventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.PeerCredentials;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * The API on its unix socket: one epoll loop for all connections. Who may use it is decided by the socket's mode and group; the peer of each new user id is logged.
 *
 * <p>Thread: {@link #open} and {@link #close} from the agent's main thread.
 */
public final class ApiServer implements AutoCloseable {
    private static final int QUIET_SECONDS = 0;
    private static final int CLOSE_SECONDS = 5;

    private final MultiThreadIoEventLoopGroup group;
    private final IoEventLoop loop;
    private final ChannelGroup channels;
    private final Set<Integer> seenUsers = new HashSet<>();
    private final Set<RawStream> rawStreams = new HashSet<>();
    private final Path socket;
    private @Nullable Channel server;
    private @Nullable LogWaker waker;

    private ApiServer(Path socket) {
        this.socket = socket;
        group =
                new MultiThreadIoEventLoopGroup(
                        1,
                        (Runnable body) ->
                                Thread.ofPlatform().daemon().name("berth-api").unstarted(body),
                        EpollIoHandler.newFactory());
        loop = group.next();
        channels = new DefaultChannelGroup(loop);
    }

    /**
     * What the API serves.
     *
     * @param lane for what blocks
     * @param generatedFile where a generated file of a container is
     * @param logDirectory where a container's log is
     */
    public record Services(
            AgentConfig config,
            Conductor conductor,
            LimitTranslation limits,
            ContainerViews containers,
            ExecViews execs,
            ImageStore images,
            FileLane lane,
            Counters counters,
            Linux linux,
            Enforcement enforcement,
            Function<ContainerId, Path> logDirectory,
            BiFunction<ContainerId, String, Path> generatedFile) {}

    /** Listens. A socket file that nobody listens on is replaced; the caller holds the lock that says so. */
    public static ApiServer open(Services services) throws AgentException {
        ApiServer api = new ApiServer(services.config().socket());
        try {
            api.bind(services);
            return api;
        } catch (AgentException e) {
            api.close();
            throw e;
        }
    }

    private void bind(Services services) throws AgentException {
        try {
            Files.createDirectories(socket.toAbsolutePath().getParent());
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            throw AgentException.failed("prepare socket " + socket, e);
        }
        ApiContext context = onLoop(() -> context(services));
        Route.Table routes = routes();
        ChannelFuture bound =
                new ServerBootstrap()
                        .group(loop)
                        .channel(EpollServerDomainSocketChannel.class)
                        .option(ChannelOption.SO_BACKLOG, 1024)
                        .childHandler(
                                new ChannelInitializer<EpollDomainSocketChannel>() {
                                    @Override
                                    protected void initChannel(EpollDomainSocketChannel channel) {
                                        accept(channel, context, routes);
                                    }
                                })
                        .bind(new DomainSocketAddress(socket.toString()))
                        .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw AgentException.failed("listen on " + socket, bound.cause());
        }
        server = bound.channel();
        protect(services.config());
    }

    private ApiContext context(Services services) throws AgentException {
        LogWaker made = new LogWaker(services.linux(), loop);
        waker = made;
        return new ApiContext(
                services.config(),
                new ConductorProxy(services.conductor(), services.limits(), loop::execute),
                services.containers(),
                services.execs(),
                services.images(),
                services.lane(),
                services.counters(),
                services.linux(),
                services.enforcement(),
                services.logDirectory(),
                services.generatedFile(),
                made,
                rawStreams,
                loop);
    }

    private interface LoopStep<T> {
        T run() throws AgentException;
    }

    private <T> T onLoop(LoopStep<T> step) throws AgentException {
        var future = loop.submit(step::run).awaitUninterruptibly();
        if (future.cause() instanceof AgentException failure) {
            throw failure;
        }
        if (!future.isSuccess()) {
            throw AgentException.failed("start the API", future.cause());
        }
        return future.getNow();
    }

    private static Route.Table routes() {
        Route.Table table = new Route.Table();
        SystemRoutes.add(table);
        ContainerRoutes.add(table);
        AttachRoutes.add(table);
        WaitRoutes.add(table);
        LogRoutes.add(table);
        ExecRoutes.add(table);
        StatsRoutes.add(table);
        TopRoutes.add(table);
        ImageRoutes.add(table);
        GpuRoutes.add(table);
        MetricsRoutes.add(table);
        return table;
    }

    private void accept(EpollDomainSocketChannel channel, ApiContext context, Route.Table routes) {
        channels.add(channel);
        try {
            PeerCredentials peer = channel.peerCredentials();
            if (seenUsers.add(peer.uid())) {
                AgentLog.info(
                        "API used by user " + peer.uid() + " (first by pid " + peer.pid() + ")");
            }
        } catch (IOException e) {
            AgentLog.error("peer of an API connection", e);
        }
        channel.pipeline()
                .addLast(
                        new HttpServerCodec(
                                new HttpDecoderConfig()
                                        .setMaxInitialLineLength(64 * 1024)
                                        .setMaxHeaderSize(64 * 1024)
                                        .setMaxChunkSize(64 * 1024)))
                .addLast(new HttpConnection(context, routes));
    }

    private void protect(AgentConfig config) throws AgentException {
        try {
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw----"));
            if (config.group().isPresent()) {
                GroupPrincipal owners =
                        FileSystems.getDefault()
                                .getUserPrincipalLookupService()
                                .lookupPrincipalByGroupName(config.group().get());
                Files.getFileAttributeView(socket, PosixFileAttributeView.class).setGroup(owners);
            }
        } catch (IOException e) {
            throw AgentException.failed(
                    "protect socket "
                            + socket
                            + config.group().map(g -> " for group " + g).orElse(""),
                    e);
        }
    }

    /** Open connections that are no raw streams. Any thread. */
    public int connections() {
        return channels.size();
    }

    /** Stops listening and ends all connections; containers are not touched. */
    @Override
    public void close() {
        Channel listening = server;
        server = null;
        if (listening != null) {
            listening.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        }
        loop.submit(() -> Set.copyOf(rawStreams).forEach(RawStream::abort))
                .awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        channels.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        LogWaker watching = waker;
        waker = null;
        if (watching != null) {
            loop.submit(watching::close).awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        }
        group.shutdownGracefully(QUIET_SECONDS, CLOSE_SECONDS, TimeUnit.SECONDS)
                .awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        try {
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            AgentLog.error("remove socket " + socket, e);
        }
    }
}
