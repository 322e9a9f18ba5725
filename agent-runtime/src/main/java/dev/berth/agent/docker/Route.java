package dev.berth.agent.docker;

import dev.berth.agent.config.AgentException;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One endpoint.
 *
 * @param streamed whether the handler reads the body as it comes ({@link Exchange#bodyStream}) instead of getting it whole
 */
record Route(String method, Pattern path, boolean streamed, Handler handler) {
    /** Answers a request; an exception is answered as its kind says. */
    @FunctionalInterface
    interface Handler {
        void handle(Exchange exchange) throws AgentException;
    }

    /** The endpoints of the API, in the order in which they were added. */
    static final class Table {
        private final List<Route> routes = new ArrayList<>();

        /** {@code *} stands for one segment, {@code **} for one or more. */
        void add(String method, String pattern, Handler handler) {
            routes.add(new Route(method, compile(pattern), false, handler));
        }

        void addStreamed(String method, String pattern, Handler handler) {
            routes.add(new Route(method, compile(pattern), true, handler));
        }

        private static Pattern compile(String pattern) {
            return Pattern.compile(
                    pattern.replace("**", "(.+)").replaceAll("(?<![.(])\\*", "([^/]+)"));
        }

        /** The first that fits, with what its stars stood for. */
        Match find(String method, String path) {
            for (Route route : routes) {
                if (route.method.equals(method)) {
                    Matcher matcher = route.path.matcher(path);
                    if (matcher.matches()) {
                        List<String> stars = new ArrayList<>(matcher.groupCount());
                        for (int i = 1; i <= matcher.groupCount(); i++) {
                            stars.add(matcher.group(i));
                        }
                        return new Match(route, stars);
                    }
                }
            }
            return new Match(NONE, List.of());
        }
    }

    /** A route and what its stars stood for. */
    record Match(Route route, List<String> stars) {}

    /** Answers with a refusal once the request is complete. */
    static Match refusing(AgentException refusal) {
        return new Match(
                new Route(
                        "",
                        Pattern.compile(""),
                        false,
                        _ -> {
                            throw refusal;
                        }),
                List.of());
    }

    /** What is asked for is not there. */
    static final Route NONE =
            new Route(
                    "",
                    Pattern.compile(""),
                    false,
                    exchange -> {
                        throw new AgentException(
                                AgentException.Kind.UNSUPPORTED,
                                exchange.method()
                                        + " "
                                        + exchange.path()
                                        + " is not supported by Berth yet");
                    });
}
