package dev.berth.agent.cli.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class QueryTest {
    @Test
    void parametersAreEncoded() {
        assertThat(
                        Query.of("/a")
                                .with("filters", "{\"a b\":[\"é&=\"]}")
                                .withNonEmpty("none", "")
                                .with("t", "1")
                                .toString())
                .isEqualTo(
                        "/a?filters=%7B%22a%20b%22%3A%5B%22%C3%A9%26%3D%22%5D%7D&t=1"
                                .replace("%3A", ":"));
    }

    @Test
    void imageNamesStayReadable() {
        assertThat(Query.encode("localhost:5000/a/b:1@sha256:ff"))
                .isEqualTo("localhost:5000/a/b:1%40sha256:ff");
    }
}
