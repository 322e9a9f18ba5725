package dev.berth.tests.witness;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A framework in JSON on the JDK's HTTP client, as its defaults have it (it offers HTTP/2 and keeps connections): no generated classes, the id that the master gives, redirects followed by hand.
 *
 * <p>Arguments: as those of {@link RxFramework}. One thread reads events and calls.
 */
public final class JsonFramework {
    private static final long PAUSE_MS = 200;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient http = HttpClient.newHttpClient();
    private final Work work;
    private final String shared;
    private URI master = URI.create("http://none");
    private String authorization = "";
    private String frameworkId = "";
    private String streamId = "";

    private JsonFramework(Work work, String shared) {
        this.work = work;
        this.shared = shared;
    }

    /** Runs until all tasks have ended and the master has taken the farewell. */
    public static void main(String[] args) throws InterruptedException {
        JsonFramework framework = new JsonFramework(new Work(Job.all(args[2])), args[1]);
        List<String> masters = List.of(args[0].split(","));
        boolean done = false;
        for (int turn = 0; !done; turn++) {
            framework.turnTo(URI.create(masters.get(turn % masters.size())));
            try {
                done = framework.subscribe();
                Work.say("stream-ended", "completed");
            } catch (IOException e) {
                if (!framework.streamId.isEmpty()) {
                    Work.say("stream-ended", e.toString());
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(PAUSE_MS));
            }
        }
        Work.say("done");
    }

    private void turnTo(URI address) {
        master = address;
        if (address.getUserInfo() != null) {
            authorization =
                    "Basic "
                            + Base64.getEncoder()
                                    .encodeToString(
                                            address.getUserInfo().getBytes(StandardCharsets.UTF_8));
        }
    }

    private HttpResponse<InputStream> post(ObjectNode call)
            throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(
                                URI.create(
                                        "http://"
                                                + master.getHost()
                                                + ":"
                                                + master.getPort()
                                                + master.getPath()))
                        .header("Content-Type", "application/json")
                        .header("Accept", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofByteArray(JSON.writeValueAsBytes(call)));
        if (!authorization.isEmpty()) {
            request.header("Authorization", authorization);
        }
        if (!streamId.isEmpty()) {
            request.header("Mesos-Stream-Id", streamId);
        }
        return http.send(request.build(), BodyHandlers.ofInputStream());
    }

    /** One subscription, from where the client has turned to, to its end: whether all is done. */
    private boolean subscribe() throws IOException, InterruptedException {
        streamId = "";
        HttpResponse<InputStream> response = post(subscription());
        while (response.statusCode() == 307) {
            URI leader = master.resolve(response.headers().firstValue("Location").orElseThrow());
            Work.say("redirected", master.getAuthority(), leader.getAuthority());
            master = leader;
            response = post(subscription());
        }
        try (InputStream body = response.body()) {
            if (response.statusCode() != 200) {
                throw new IOException(
                        response.statusCode()
                                + " "
                                + new String(body.readAllBytes(), StandardCharsets.UTF_8));
            }
            streamId = response.headers().firstValue("Mesos-Stream-Id").orElseThrow();
            RecordReader records = new RecordReader(body);
            for (Optional<byte[]> record = records.next();
                    record.isPresent();
                    record = records.next()) {
                react(JSON.readTree(record.get()));
                if (work.done() && call(bare("TEARDOWN"))) {
                    return true;
                }
            }
            return false;
        }
    }

    private ObjectNode bare(String type) {
        ObjectNode call = JSON.createObjectNode().put("type", type);
        if (!frameworkId.isEmpty()) {
            call.putObject("framework_id").put("value", frameworkId);
        }
        return call;
    }

    private ObjectNode subscription() {
        ObjectNode call = bare("SUBSCRIBE");
        ObjectNode info = call.putObject("subscribe").putObject("framework_info");
        info.put("user", "root").put("name", "witness-json").put("failover_timeout", 60);
        info.putArray("capabilities").addObject().put("type", "GPU_RESOURCES");
        if (!frameworkId.isEmpty()) {
            info.putObject("id").put("value", frameworkId);
        }
        return call;
    }

    /** Whether the master accepted. */
    private boolean call(ObjectNode call) throws InterruptedException {
        String type = call.path("type").asText();
        try {
            HttpResponse<InputStream> response = post(call);
            try (InputStream body = response.body()) {
                String said = new String(body.readAllBytes(), StandardCharsets.UTF_8);
                boolean accepted = response.statusCode() == 202;
                Work.say(
                        accepted ? "accepted" : "refused",
                        type,
                        accepted ? "" : response.statusCode() + " " + said);
                return accepted;
            }
        } catch (IOException e) {
            // The stream ends as well: the next subscription makes up for it.
            Work.say("unheard", type, e.toString());
            return false;
        }
    }

    private void react(JsonNode event) throws InterruptedException {
        switch (event.path("type").asText()) {
            case "SUBSCRIBED" -> {
                frameworkId = event.path("subscribed").path("framework_id").path("value").asText();
                work.subscribed(frameworkId, master.getAuthority());
                if (!work.open().isEmpty()) {
                    call(reconciliation(work.open()));
                }
            }
            case "OFFERS" -> {
                for (JsonNode offer : event.path("offers").path("offers")) {
                    call(answer(offer));
                }
            }
            case "UPDATE" -> update(event.path("update").path("status"));
            case "ERROR" -> Work.say("error", event.path("error").path("message").asText());
            default -> Work.say("event", event.path("type").asText());
        }
    }

    private ObjectNode reconciliation(Map<String, String> open) {
        ObjectNode call = bare("RECONCILE");
        ArrayNode tasks = call.putObject("reconcile").putArray("tasks");
        open.forEach((task, agent) -> {
            ObjectNode one = tasks.addObject();
            one.putObject("task_id").put("value", task);
            one.putObject("agent_id").put("value", agent);
        });
        return call;
    }

    private void update(JsonNode status) throws InterruptedException {
        work.update(
                status.path("task_id").path("value").asText(),
                status.path("state").asText(),
                status.path("uuid").asText(),
                status.path("message").asText());
        if (status.has("uuid")) {
            ObjectNode call = bare("ACKNOWLEDGE");
            ObjectNode acknowledge = call.putObject("acknowledge");
            acknowledge.set("agent_id", status.path("agent_id"));
            acknowledge.set("task_id", status.path("task_id"));
            acknowledge.set("uuid", status.path("uuid"));
            call(call);
        }
    }

    private static double scalar(JsonNode offer, String name) {
        double sum = 0;
        for (JsonNode resource : offer.path("resources")) {
            if (resource.path("name").asText().equals(name)) {
                sum += resource.path("scalar").path("value").asDouble();
            }
        }
        return sum;
    }

    private ObjectNode answer(JsonNode offer) {
        List<Job> jobs =
                work.take(
                        scalar(offer, "cpus"),
                        scalar(offer, "mem"),
                        scalar(offer, "gpus"),
                        offer.path("agent_id").path("value").asText());
        ObjectNode call = bare(jobs.isEmpty() ? "DECLINE" : "ACCEPT");
        ObjectNode body = call.putObject(jobs.isEmpty() ? "decline" : "accept");
        body.putArray("offer_ids").add(offer.path("id"));
        body.putObject("filters").put("refuse_seconds", 0.5);
        if (!jobs.isEmpty()) {
            ObjectNode operation = body.putArray("operations").addObject().put("type", "LAUNCH");
            ArrayNode tasks = operation.putObject("launch").putArray("task_infos");
            jobs.forEach(job -> tasks.add(task(job, offer.path("agent_id"))));
        }
        return call;
    }

    private ObjectNode task(Job job, JsonNode agent) {
        ObjectNode task = JSON.createObjectNode().put("name", job.id());
        task.putObject("task_id").put("value", job.id());
        task.set("agent_id", agent);
        ArrayNode resources = task.putArray("resources");
        resource(resources, "cpus", Job.CPUS);
        resource(resources, "mem", Job.MEM_MB);
        if (job.gpus() > 0) {
            resource(resources, "gpus", job.gpus());
        }
        task.putObject("command").put("value", job.script());
        ObjectNode container = task.putObject("container").put("type", "MESOS");
        container
                .putArray("volumes")
                .addObject()
                .put("mode", "RW")
                .put("container_path", Job.SHARED)
                .put("host_path", shared);
        return task;
    }

    private static void resource(ArrayNode resources, String name, double amount) {
        resources
                .addObject()
                .put("name", name)
                .put("type", "SCALAR")
                .putObject("scalar")
                .put("value", amount);
    }
}
