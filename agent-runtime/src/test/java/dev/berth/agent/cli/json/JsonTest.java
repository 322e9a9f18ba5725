package dev.berth.agent.cli.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

class JsonTest {
    @Test
    void whatIsReadIsWrittenTheSame() throws IOException {
        String text =
                "{\"a\":[1,-2.5,true,null,\"x\\\"\\\\\\n\\u0001é\"],\"b\":{},\"c\":[],\"d\":\"\"}";
        assertThat(JsonReader.read(text).toString()).isEqualTo(text);
    }

    @Test
    void absentMembersReadAsNothing() throws IOException {
        Json json = JsonReader.read("{\"a\":{\"b\":7}}");
        assertThat(json.at("a", "b").number()).isEqualTo(7);
        assertThat(json.at("a", "x", "y").isNull()).isTrue();
        assertThat(json.at("a", "x").text("none")).isEqualTo("none");
        assertThat(json.at("a").items()).isEmpty();
    }

    @Test
    void valuesFollowOneAnother() throws IOException {
        byte[] bytes = "{\"n\":1}\r\n{\"n\":2} {\"n\":3}".getBytes(StandardCharsets.UTF_8);
        try (JsonReader reader = new JsonReader(new ByteArrayInputStream(bytes))) {
            assertThat(reader.next().orElseThrow().at("n").number()).isEqualTo(1);
            assertThat(reader.next().orElseThrow().at("n").number()).isEqualTo(2);
            assertThat(reader.next().orElseThrow().at("n").number()).isEqualTo(3);
            assertThat(reader.next()).isEmpty();
        }
    }

    @Test
    void numbersBeyondSixtyFourBitsAreKeptRoughly() throws IOException {
        assertThat(JsonReader.read("18446744073709551615").decimal()).isEqualTo(0x1p64);
    }

    @Test
    void aTornValueIsAnError() {
        assertThatThrownBy(() -> JsonReader.read("{\"a\":[1,")).isInstanceOf(IOException.class);
    }

    @Test
    void prettyTextIndentsByFour() throws IOException {
        assertThat(JsonReader.read("[{\"a\":1,\"b\":[]}]").pretty())
                .isEqualTo("[\n    {\n        \"a\": 1,\n        \"b\": []\n    }\n]");
    }
}
