package dev.berth.agent.cli.container;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.json.JsonReader;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** {@code berth events}. */
public final class EventsVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.CONTAINERS,
                        "events",
                        "Show what happens, as it happens",
                        0,
                        0,
                        List.of(
                                Flag.list(
                                                "filter",
                                                "KEY=VALUE",
                                                "Only those that match: type, event, container, image, label")
                                        .letter('f'),
                                Flag.value("since", "TIME", "Also those since then"),
                                Flag.value("until", "TIME", "End then"),
                                Format.FLAG))
                .examples(
                        "Ends of one container",
                        "berth events -f container=web -f event=die",
                        "The last ten minutes, then end",
                        "berth events --since 10m --until 0s");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException {
        boolean json = Format.isJson(arguments);
        Instant now = Instant.now();
        Query query =
                Query.of("/events")
                        .withNonEmpty("since", Times.parse("since", arguments.value("since"), now))
                        .withNonEmpty("until", Times.parse("until", arguments.value("until"), now))
                        .withNonEmpty("filters", Filters.json(arguments.values("filter")));
        try (Response response = cli.client().get(query)) {
            JsonReader reader = new JsonReader(response.body());
            for (Optional<Json> next = reader.next(); next.isPresent(); next = reader.next()) {
                cli.out().println(json ? next.get().toString() : line(next.get()));
                cli.out().flush();
            }
        }
        return 0;
    }

    static String line(Json event) {
        long ns = event.at("timeNano").number();
        Instant time =
                ns > 0
                        ? Instant.ofEpochSecond(0, ns)
                        : Instant.ofEpochSecond(event.at("time").number());
        StringBuilder text = new StringBuilder();
        text.append(time).append(' ').append(event.at("Type").text()).append(' ');
        text.append(event.at("Action").text()).append(' ');
        text.append(event.at("Actor", "ID").text());
        Map<String, Json> attributes = event.at("Actor", "Attributes").members();
        if (!attributes.isEmpty()) {
            List<String> pairs = new ArrayList<>();
            for (Map.Entry<String, Json> attribute : new TreeMap<>(attributes).entrySet()) {
                pairs.add(attribute.getKey() + "=" + attribute.getValue().text());
            }
            text.append(" (").append(String.join(", ", pairs)).append(')');
        }
        return text.toString();
    }
}
