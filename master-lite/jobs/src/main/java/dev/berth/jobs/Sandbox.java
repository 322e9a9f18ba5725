package dev.berth.jobs;

import com.google.protobuf.ByteString;

import dev.berth.discovery.MasterAddress;
import dev.berth.protocol.v1.agent.Protos.Call;

/**
 * A command task's directory on its agent, read through the agent's files API.
 *
 * @param agent where the agent listens
 * @param framework the framework's id
 * @param task the task's id, which is its executor's too
 */
public record Sandbox(MasterAddress agent, String framework, String task) {
    private static final long MOST = 1 << 20;

    /** As Mesos names it. */
    String path(String file) {
        return "/frameworks/" + framework + "/executors/" + task + "/runs/latest/" + file;
    }

    /** The next bytes from there on; empty at the end of what is written so far. */
    public ByteString read(MasterClient client, String file, long offset)
            throws JobException, InterruptedException {
        Call call =
                Call.newBuilder()
                        .setType(Call.Type.READ_FILE)
                        .setReadFile(
                                Call.ReadFile.newBuilder()
                                        .setPath(path(file))
                                        .setOffset(offset)
                                        .setLength(MOST))
                        .build();
        return client.agent(agent, call).getReadFile().getData();
    }

    /** Where it is, for people. */
    @Override
    public String toString() {
        return "agent "
                + agent
                + ", DATA-ROOT/sandboxes/frameworks/"
                + framework
                + "/executors/"
                + task
                + "/runs/";
    }
}
