package dev.berth.master.transport;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.http.Encoding;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EndpointTest {
    @ParameterizedTest
    @CsvSource({
        "/api/v1/scheduler, SCHEDULER",
        "/master/api/v1/scheduler, SCHEDULER",
        "/api/v1/scheduler///, SCHEDULER",
        "/api/v1/scheduler/deeper/still, SCHEDULER",
        "/api/v1, OPERATOR",
        "/api/v1/, OPERATOR",
        "/api/v1/operator, OPERATOR",
        "/master/api/v1, OPERATOR",
        "/api/v1/schedulers, OPERATOR",
        "/berth/v1/link, LINK",
        "/state, PAGE",
        "/master/state, PAGE",
        "/state.json, PAGE",
        "/metrics, PROMETHEUS",
        "/metrics/snapshot, PAGE",
        "/metrics/other, PROMETHEUS",
        "/health, HEALTH",
        "/master/health/, HEALTH",
        "/version, VERSION",
        "/redirect, REDIRECT",
        "/master/redirect, REDIRECT"
    })
    void aPathIsServedByItsNearestKnownAncestor(String path, Endpoint.Kind kind) {
        assertThat(Endpoint.find(path)).get().extracting(Endpoint::kind).isEqualTo(kind);
    }

    @ParameterizedTest
    @CsvSource({
        "/",
        "''",
        "/master",
        "/api",
        "/api/v2",
        "/nothing",
        "/redirect/below",
        "/masters/state",
        "state/../x/y"
    })
    void otherPathsAreNot(String path) {
        if (path.startsWith("state")) {
            assertThat(Endpoint.find(path)).as("dots mean nothing here").isPresent();
        } else {
            assertThat(Endpoint.find(path)).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "                                                  | JSON",
                "*/*                                               | JSON",
                "application/*                                     | JSON",
                "application/json                                  | JSON",
                "application/x-protobuf                            | PROTOBUF",
                "application/x-protobuf, application/json          | JSON",
                "application/x-protobuf;q=0.9, application/json;q=0 | PROTOBUF",
                "application/json;q=0, */*                         | PROTOBUF",
                "APPLICATION/JSON                                  | JSON",
                "text/html, */*;q=0.1                              | JSON"
            })
    void jsonWinsWhereBothAreAccepted(String accept, Encoding encoding) {
        assertThat(Encoding.accepted(accept)).contains(encoding);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "text/html",
                "text/*",
                "application/json;q=0",
                "application/json;q=0, application/x-protobuf;q=0, */*",
                "application/json;q=x",
                "foo"
            })
    void neitherIsAccepted(String accept) {
        assertThat(Encoding.accepted(accept)).isEmpty();
    }
}
