package dev.berth.agent.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.conductor.Counter;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.Fields;
import dev.berth.containerizer.image.Image;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.ImageStore;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.RegistryCredentials;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Images: pull, load, list, inspect, history, tag, remove, prune. */
final class ImageRoutes {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private ImageRoutes() {}

    static void add(Route.Table table) {
        table.add("GET", "/images/json", ImageRoutes::list);
        table.add("POST", "/images/create", ImageRoutes::pull);
        table.addStreamed("POST", "/images/load", ImageRoutes::load);
        table.add("POST", "/images/prune", ImageRoutes::prune);
        table.add("GET", "/images/**/json", ImageRoutes::inspect);
        table.add(
                "GET",
                "/images/**/history",
                exchange -> exchange.answer(200, ImageJson.history(find(exchange))));
        table.add("POST", "/images/**/tag", ImageRoutes::tag);
        table.add("DELETE", "/images/**", ImageRoutes::remove);
    }

    /** What an {@link ImageException} means to a client. */
    static AgentException failure(ImageException e) {
        AgentException.Kind kind =
                switch (e.kind()) {
                    case NOT_FOUND -> AgentException.Kind.NOT_FOUND;
                    case CONFLICT -> AgentException.Kind.CONFLICT;
                    case INVALID -> AgentException.Kind.INVALID;
                    case UNAUTHORIZED, FAILED -> AgentException.Kind.FAILED;
                };
        Throwable cause = e.getCause();
        String message = String.valueOf(e.getMessage());
        return cause == null
                ? new AgentException(kind, message)
                : new AgentException(kind, message, cause);
    }

    private static Image find(Exchange exchange) throws AgentException {
        String name = exchange.star(0);
        try {
            return exchange.context()
                    .images()
                    .find(name)
                    .orElseThrow(() -> AgentException.notFound("No such image: " + name));
        } catch (ImageException e) {
            throw failure(e);
        }
    }

    private static void list(Exchange exchange) throws AgentException {
        Filters filters = exchange.filters().only("reference", "dangling", "label");
        ArrayNode out = NODES.arrayNode();
        for (Image image : exchange.context().images().list()) {
            boolean dangling = image.tags().isEmpty();
            if (filters.labels(image.config().labels())
                    && filters.fits(
                            "dangling",
                            value -> (value.equals("true") || value.equals("1")) == dangling)
                    && filters.fits("reference", pattern -> isNamed(image, pattern))) {
                ObjectNode entry = ImageJson.summary(image);
                if (!filters.has("reference")
                        || !entry.path("RepoTags").isEmpty()
                        || !entry.path("RepoDigests").isEmpty()) {
                    out.add(entry);
                }
            }
        }
        exchange.answer(200, out);
    }

    /** Docker's pattern for references: shell wildcards over the familiar name with or without its tag. */
    private static boolean isNamed(Image image, String pattern) {
        var matcher =
                java.nio.file.FileSystems.getDefault()
                        .getPathMatcher("glob:" + pattern.replace("{", "\\{"));
        for (ImageReference tag : image.tags()) {
            String name = tag.familiar();
            int colon = name.lastIndexOf(':');
            String bare = colon > name.lastIndexOf('/') ? name.substring(0, colon) : name;
            if (matcher.matches(java.nio.file.Path.of(name))
                    || matcher.matches(java.nio.file.Path.of(bare))) {
                return true;
            }
        }
        return false;
    }

    private static void inspect(Exchange exchange) throws AgentException {
        exchange.answer(200, ImageJson.inspect(find(exchange)));
    }

    private static void pull(Exchange exchange) throws AgentException {
        String source = exchange.text("fromImage");
        if (source.isEmpty()) {
            throw AgentException.refused(
                    "images/create without fromImage (docker import)", "use docker load");
        }
        String tag = exchange.text("tag");
        ImageReference reference;
        Platform platform;
        try {
            String full = source;
            if (!tag.isEmpty()) {
                full = source + (tag.contains(":") ? "@" : ":") + tag;
            }
            reference = ImageReference.parse(full);
            String wanted = exchange.text("platform");
            platform = wanted.isEmpty() ? Platform.host() : Platform.parse(wanted);
        } catch (ImageException e) {
            throw new AgentException(
                    AgentException.Kind.INVALID, String.valueOf(e.getMessage()), e);
        }
        Optional<RegistryCredentials> credentials =
                credentials(exchange.headers().get("X-Registry-Auth"));
        ProgressLines lines = new ProgressLines(exchange);
        ApiContext context = exchange.context();
        context.lane().run(() -> pull(exchange, reference, platform, credentials, lines));
    }

    private static void pull(
            Exchange exchange,
            ImageReference reference,
            Platform platform,
            Optional<RegistryCredentials> credentials,
            ProgressLines lines) {
        ApiContext context = exchange.context();
        try {
            // What is told before and after the layers comes from the store too.
            context.images().pull(reference, platform, credentials, lines);
            context.counters().increment(Counter.IMAGES_PULLED);
            lines.end();
            exchange.loop(() -> context.conductor().tellImage("pull", reference.familiar()));
        } catch (ImageException e) {
            context.counters().increment(Counter.IMAGE_PULL_FAILURES);
            lines.fail(failure(e));
        } catch (RuntimeException e) {
            AgentLog.error("pull " + reference, e);
            lines.fail(AgentException.failed("pull " + reference, e));
        }
    }

    /** Docker's header: base64url of JSON; empty or without a user is anonymous. */
    static Optional<RegistryCredentials> credentials(
            @org.jspecify.annotations.Nullable String header) throws AgentException {
        if (header == null || header.isBlank()) {
            return Optional.empty();
        }
        try {
            String plain = header.strip().replace('+', '-').replace('/', '_').replace("=", "");
            JsonNode node = Exchange.JSON.readTree(Base64.getUrlDecoder().decode(plain));
            Fields fields = new Fields(node, "X-Registry-Auth");
            String user = fields.text("username");
            String password = fields.text("password");
            String token = fields.text("identitytoken");
            String auth = fields.text("auth");
            if (user.isEmpty() && !auth.isEmpty()) {
                String pair = new String(Base64.getDecoder().decode(auth), StandardCharsets.UTF_8);
                int colon = pair.indexOf(':');
                user = colon < 0 ? pair : pair.substring(0, colon);
                password = colon < 0 ? "" : pair.substring(colon + 1);
            }
            if (user.isEmpty() && token.isEmpty()) {
                return Optional.empty();
            }
            return Optional.of(
                    new RegistryCredentials(
                            user,
                            password,
                            token.isEmpty() ? Optional.empty() : Optional.of(token)));
        } catch (IOException | IllegalArgumentException _) {
            // The value is a secret: it stays out of the message.
            throw AgentException.invalid("invalid X-Registry-Auth header");
        }
    }

    private static void load(Exchange exchange) {
        ApiContext context = exchange.context();
        boolean quiet = exchange.flag("quiet");
        ProgressLines lines = new ProgressLines(exchange);
        InputStream body = exchange.bodyStream();
        context.lane()
                .run(() -> {
                    try {
                        List<Image> images =
                                context.images()
                                        .load(
                                                body,
                                                quiet
                                                        ? dev.berth.containerizer.image.PullProgress
                                                                .NONE
                                                        : lines);
                        body.transferTo(java.io.OutputStream.nullOutputStream());
                        for (Image image : images) {
                            for (ImageReference tag : image.tags()) {
                                lines.stream("Loaded image: " + tag.familiar() + "\n");
                            }
                            if (image.tags().isEmpty()) {
                                lines.stream("Loaded image ID: " + image.id() + "\n");
                            }
                            exchange.loop(() ->
                                    context.conductor().tellImage("load", image.id().toString()));
                        }
                        lines.end();
                    } catch (ImageException e) {
                        drain(body);
                        lines.fail(failure(e));
                    } catch (IOException e) {
                        lines.fail(AgentException.failed("load image", e));
                    } catch (RuntimeException e) {
                        AgentLog.error("load image", e);
                        drain(body);
                        lines.fail(AgentException.failed("load image", e));
                    }
                });
    }

    /** The rest of a body is read away, so that the client can read the answer. */
    private static void drain(InputStream body) {
        try {
            body.transferTo(java.io.OutputStream.nullOutputStream());
        } catch (IOException _) {
            // The client is gone: nobody reads the answer.
        }
    }

    private static void tag(Exchange exchange) throws AgentException {
        Image image = find(exchange);
        String repository = exchange.text("repo");
        String tag = exchange.text("tag");
        ApiContext context = exchange.context();
        ImageReference reference;
        try {
            reference = ImageReference.parse(tag.isEmpty() ? repository : repository + ":" + tag);
        } catch (ImageException e) {
            throw new AgentException(
                    AgentException.Kind.INVALID, String.valueOf(e.getMessage()), e);
        }
        work(
                exchange,
                () -> {
                    context.images().tag(image.id(), reference);
                    return () -> {
                        context.conductor().tellImage("tag", reference.familiar());
                        exchange.empty(201);
                    };
                });
    }

    private interface Work {
        /** On the lane; what it returns runs on the loop. */
        Runnable run() throws ImageException;
    }

    private static void work(Exchange exchange, Work work) {
        exchange.context()
                .lane()
                .run(() -> {
                    try {
                        exchange.loop(work.run());
                    } catch (ImageException e) {
                        exchange.loop(() -> exchange.fail(failure(e)));
                    } catch (RuntimeException e) {
                        AgentLog.error("image", e);
                        exchange.loop(() -> exchange.fail(AgentException.failed("image", e)));
                    }
                });
    }

    /** Images of containers that exist. */
    private static Set<String> inUse(ApiContext context) {
        Set<String> ids = new HashSet<>();
        for (ContainerView view : context.containers().all()) {
            ids.add(view.spec().imageId());
        }
        return ids;
    }

    private static void remove(Exchange exchange) {
        String name = exchange.star(0);
        boolean force = exchange.flag("force");
        ApiContext context = exchange.context();
        Set<String> used = inUse(context);
        work(
                exchange,
                () -> {
                    List<ImageStore.Removal> removals =
                            context.images()
                                    .remove(name, force, id -> used.contains(id.toString()));
                    context.images().collectGarbage();
                    ArrayNode out = NODES.arrayNode();
                    for (ImageStore.Removal removal : removals) {
                        ObjectNode line = out.addObject();
                        removal.untagged().ifPresent(text -> line.put("Untagged", text));
                        removal.deleted().ifPresent(text -> line.put("Deleted", text));
                    }
                    return () -> {
                        context.conductor().tellImage("delete", name);
                        exchange.answer(200, out);
                    };
                });
    }

    private static void prune(Exchange exchange) throws AgentException {
        Filters filters = exchange.filters().only("dangling", "label");
        boolean all =
                filters.has("dangling")
                        && filters.of("dangling").stream()
                                .noneMatch(value -> value.equals("true") || value.equals("1"));
        ApiContext context = exchange.context();
        Set<String> used = inUse(context);
        work(
                exchange,
                () -> {
                    ArrayNode deleted = NODES.arrayNode();
                    for (Image image : context.images().list()) {
                        boolean unused = !used.contains(image.id().toString());
                        if (unused
                                && (all || image.tags().isEmpty())
                                && filters.labels(image.config().labels())) {
                            for (ImageStore.Removal removal :
                                    context.images()
                                            .remove(image.id().toString(), true, _ -> false)) {
                                ObjectNode line = deleted.addObject();
                                removal.untagged().ifPresent(text -> line.put("Untagged", text));
                                removal.deleted().ifPresent(text -> line.put("Deleted", text));
                            }
                        }
                    }
                    long freed = context.images().collectGarbage();
                    ObjectNode out = NODES.objectNode();
                    out.set("ImagesDeleted", deleted);
                    out.put("SpaceReclaimed", freed);
                    return () -> exchange.answer(200, out);
                });
    }
}
