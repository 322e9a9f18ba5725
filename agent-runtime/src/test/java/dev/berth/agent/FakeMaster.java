package dev.berth.agent;

import com.google.protobuf.ByteString;

import dev.berth.agent.config.MasterOptions;
import dev.berth.discovery.ZooKeeperUrl;
import dev.berth.protocol.RecordIo;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos.AgentID;
import dev.berth.protocol.v1.Protos.CommandInfo;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.MasterInfo;
import dev.berth.protocol.v1.Protos.TaskID;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A master that does what the test says, one agent at a time; its HTTP is written by hand. */
final class FakeMaster implements AutoCloseable {
    static final FrameworkID FRAMEWORK = FrameworkID.newBuilder().setValue("f-1").build();
    static final FrameworkInfo INFO =
            FrameworkInfo.newBuilder()
                    .setId(FRAMEWORK)
                    .setUser("root")
                    .setName("test")
                    .addCapabilities(
                            FrameworkInfo.Capability.newBuilder()
                                    .setType(FrameworkInfo.Capability.Type.TASK_KILLING_STATE))
                    .build();
    private static final AgentID AGENT = AgentID.newBuilder().setValue("agent-1").build();

    private final ServerSocket server;
    private Socket socket = new Socket();
    private InputStream in = InputStream.nullInputStream();
    private RecordIo records = new RecordIo(1 << 20);
    private final ArrayDeque<Link.FromAgent> read = new ArrayDeque<>();
    final List<String> headers = new ArrayList<>();

    FakeMaster() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        server.setSoTimeout(20_000);
    }

    Optional<MasterOptions> options(String attributes) {
        return options(List.of(URI.create(address())), Optional.empty(), attributes);
    }

    /** Of an agent that finds its master in ZooKeeper. */
    static Optional<MasterOptions> options(ZooKeeperUrl elected) {
        return options(List.of(), Optional.of(elected), "");
    }

    private static Optional<MasterOptions> options(
            List<URI> masters, Optional<ZooKeeperUrl> zooKeeper, String attributes) {
        return Optional.of(
                new MasterOptions(
                        masters,
                        zooKeeper,
                        "127.0.0.1",
                        0,
                        true,
                        Optional.empty(),
                        attributes,
                        "cpus:4;mem:1024"));
    }

    int port() {
        return server.getLocalPort();
    }

    String address() {
        return "http://127.0.0.1:" + server.getLocalPort();
    }

    /** Waits for an agent and answers with {@code status}. */
    private void connect(String status) throws IOException {
        socket.close();
        socket = server.accept();
        socket.setSoTimeout(20_000);
        socket.setTcpNoDelay(true);
        in = new BufferedInputStream(socket.getInputStream());
        records = new RecordIo(1 << 20);
        read.clear();
        headers.clear();
        for (String line = line(); !line.isEmpty(); line = line()) {
            headers.add(line);
        }
        write((status + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
    }

    /** Takes the next agent. */
    Link.Register accept() throws IOException {
        return accept(() -> {});
    }

    /** The same; {@code meanwhile} is done between the agent's registration and the answer to it. */
    Link.Register accept(Runnable meanwhile) throws IOException {
        connect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked");
        Link.Register register = next().getRegister();
        meanwhile.run();
        send(
                Link.FromMaster.newBuilder()
                        .setRegistered(
                                Link.Registered.newBuilder()
                                        .setAgentId(AGENT)
                                        .setMasterInfo(
                                                MasterInfo.newBuilder()
                                                        .setId("m")
                                                        .setIp(0)
                                                        .setPort(1))
                                        .setHeartbeatMs(50)
                                        .setSilenceMs(60_000))
                        .build());
        return register;
    }

    /** Takes the next agent's connection and does not want it. */
    void refuse(String why) throws IOException {
        connect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked");
        next();
        send(
                Link.FromMaster.newBuilder()
                        .setRefused(Link.Refused.newBuilder().setMessage(why).setRetry(true))
                        .build());
    }

    void redirect(String location) throws IOException {
        connect("HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\nLocation: " + location);
    }

    void hangUp() throws IOException {
        socket.close();
    }

    private void write(byte[] bytes) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(bytes);
        out.flush();
    }

    void send(Link.FromMaster message) throws IOException {
        byte[] record = RecordIo.frame(message.toByteArray());
        write((Integer.toHexString(record.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
        write(record);
        write("\r\n".getBytes(StandardCharsets.US_ASCII));
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new EOFException("the agent hung up");
            }
            if (b != '\r') {
                line.append((char) b);
            }
        }
        return line.toString();
    }

    Link.FromAgent next() throws IOException {
        while (read.isEmpty()) {
            int length = Integer.parseInt(line(), 16);
            byte[] chunk = in.readNBytes(length);
            line();
            try {
                records.read(
                        ByteBuffer.wrap(chunk),
                        record -> {
                            try {
                                read.add(Link.FromAgent.parseFrom(record));
                            } catch (com.google.protobuf.InvalidProtocolBufferException e) {
                                throw new IllegalStateException(e);
                            }
                        });
            } catch (dev.berth.protocol.ProtocolException e) {
                throw new IOException(e);
            }
        }
        return read.remove();
    }

    /** The next message that is no heartbeat. */
    Link.FromAgent nextWord() throws IOException {
        Link.FromAgent message = next();
        while (message.hasHeartbeat()) {
            message = next();
        }
        return message;
    }

    /** The next update, not acknowledged. */
    TaskStatus update() throws IOException {
        Link.FromAgent message = nextWord();
        while (!message.hasStatusUpdate()) {
            message = nextWord();
        }
        return message.getStatusUpdate().getStatus();
    }

    void acknowledge(TaskStatus status) throws IOException {
        send(
                Link.FromMaster.newBuilder()
                        .setAcknowledge(
                                Link.Acknowledge.newBuilder()
                                        .setFrameworkId(FRAMEWORK)
                                        .setTaskId(status.getTaskId())
                                        .setUuid(status.getUuid()))
                        .build());
    }

    /** Acknowledges all updates up to the first one of a state, and returns that. */
    TaskStatus until(TaskState state) throws IOException, TimeoutException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (System.nanoTime() < deadline) {
            TaskStatus status = update();
            acknowledge(status);
            if (status.getState() == state) {
                return status;
            }
            if (status.getState() == TaskState.TASK_FAILED
                    || status.getState() == TaskState.TASK_ERROR) {
                throw new IOException("the task failed: " + status);
            }
        }
        throw new TimeoutException("no " + state);
    }

    static TaskInfo.Builder task(String id, String... argv) {
        TaskInfo.Builder task =
                TaskInfo.newBuilder()
                        .setName(id)
                        .setTaskId(TaskID.newBuilder().setValue(id))
                        .setAgentId(AGENT)
                        .setCommand(
                                CommandInfo.newBuilder()
                                        .setShell(false)
                                        .setValue(argv[0])
                                        .addAllArguments(List.of(argv)));
        task.getContainerBuilder()
                .setType(dev.berth.protocol.v1.Protos.ContainerInfo.Type.MESOS)
                .getMesosBuilder()
                .getImageBuilder()
                .setType(dev.berth.protocol.v1.Protos.Image.Type.DOCKER)
                .getDockerBuilder()
                .setName("tiny");
        return task;
    }

    void launch(TaskInfo.Builder... tasks) throws IOException {
        Link.Launch.Builder launch = Link.Launch.newBuilder().setFrameworkInfo(INFO);
        for (TaskInfo.Builder task : tasks) {
            launch.addTasks(task);
        }
        send(Link.FromMaster.newBuilder().setLaunch(launch).build());
    }

    void kill(String task) throws IOException {
        send(
                Link.FromMaster.newBuilder()
                        .setKill(
                                Link.Kill.newBuilder()
                                        .setFrameworkId(FRAMEWORK)
                                        .setTaskId(TaskID.newBuilder().setValue(task)))
                        .build());
    }

    void shutdownFramework() throws IOException {
        send(
                Link.FromMaster.newBuilder()
                        .setShutdownFramework(
                                Link.ShutdownFramework.newBuilder().setFrameworkId(FRAMEWORK))
                        .build());
    }

    static ByteString uuid(TaskStatus status) {
        return status.getUuid();
    }

    @Override
    public void close() throws IOException {
        socket.close();
        server.close();
    }
}
