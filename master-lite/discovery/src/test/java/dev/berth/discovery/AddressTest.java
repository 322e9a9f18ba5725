package dev.berth.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.protocol.ProtocolException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

class AddressTest {
    @Test
    void mastersAreNamedByUrlOrHost() throws Exception {
        assertThat(MasterAddress.parse("http://m1:6060")).isEqualTo(new MasterAddress("m1", 6060));
        assertThat(MasterAddress.parse("http://m1/")).isEqualTo(new MasterAddress("m1", 5050));
        assertThat(MasterAddress.parse("10.0.0.1:1")).isEqualTo(new MasterAddress("10.0.0.1", 1));
        assertThat(MasterAddress.parse("http://[::1]:80").toString()).isEqualTo("[::1]:80");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "https://m1",
                "http://",
                "http://m1:0",
                "http://m1:70000",
                "http://m1/x",
                "http://u@m1",
                "ftp://m1",
                "m 1"
            })
    void anythingElseIsRefusedWithTheExpectedForm(String text) {
        assertThatThrownBy(() -> MasterAddress.parse(text))
                .isInstanceOf(DiscoveryException.class)
                .hasMessageContaining("http://HOST:PORT");
    }

    @Test
    void placesInZooKeeperAreReadAsMesosWritesThem() throws Exception {
        assertThat(ZooKeeperUrl.parse("zk://a:1,b,[::1]:3/mesos/"))
                .isEqualTo(new ZooKeeperUrl("a:1,b:2181,[::1]:3", "/mesos", Optional.empty()));
        ZooKeeperUrl secret = ZooKeeperUrl.parse("zk://me:p@ss@a:1/x/y");
        assertThat(secret.credentials()).contains("me:p@ss");
        assertThat(secret.path()).isEqualTo("/x/y");
        assertThat(secret.toString()).isEqualTo("zk://a:1/x/y");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://a/x",
                "zk://",
                "zk://a:1",
                "zk://a:1/",
                "zk:///x",
                "zk://a:b/x",
                "zk://a:1,/x",
                "zk://a:0/x",
                "zk://a:1//",
                "zk://a:1/x//y",
                "zk://user@a:1/x",
                "zk://a:99999/x"
            })
    void otherPlacesAreRefused(String text) {
        assertThatThrownBy(() -> ZooKeeperUrl.parse(text))
                .isInstanceOf(DiscoveryException.class)
                .hasMessageContaining("zk://HOST:PORT");
    }

    @Test
    void aPasswordIsNotRepeated() {
        assertThatThrownBy(() -> ZooKeeperUrl.parse("zk://me:secret@a:b/x"))
                .message()
                .doesNotContain("secret");
    }

    @Test
    void aPasswordWithASlashIsNotRepeatedEither() {
        assertThatThrownBy(() -> ZooKeeperUrl.parse("zk://me:sec/ret@a:1/x"))
                .message()
                .doesNotContain("sec");
    }

    @Test
    void aPlaceMayStandInAFileWhichIsNeverShown(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("place");
        Files.writeString(file, "zk://me:secret@a:1/x\n");
        assertThat(ZooKeeperUrl.matches("file://" + file)).isTrue();
        ZooKeeperUrl url = ZooKeeperUrl.parse("file://" + file);
        assertThat(url.credentials()).contains("me:secret");
        assertThat(url.toString()).isEqualTo("zk://a:1/x");
        Files.writeString(file, "hush\n");
        assertThatThrownBy(() -> ZooKeeperUrl.parse("file://" + file))
                .hasMessageContaining(file.toString())
                .hasMessageContaining("zk://HOST:PORT")
                .message()
                .doesNotContain("hush");
        assertThatThrownBy(() -> ZooKeeperUrl.parse("file://" + file + "-not"))
                .isInstanceOf(DiscoveryException.class)
                .hasMessageContaining("place-not");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"id\":\"x\",\"ip\":0,\"port\":5050}",
                "{\"id\":\"x\",\"ip\":0,\"port\":0,\"hostname\":\"m1\"}",
                "{\"id\":\"x\",\"ip\":0,\"port\":70000,\"hostname\":\"m1\"}",
                "{\"id\":\"x\",\"ip\":0,\"port\":1,\"hostname\":\"a b\"}",
                "[]",
                ""
            })
    void aNodeThatNamesNoMasterIsRefused(String data) {
        assertThatThrownBy(() -> Candidates.address(data.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(ProtocolException.class);
    }

    @Test
    void whereNoUrlCanHaveTheNameTheIpAddressIsTaken() throws Exception {
        String json = "{\"id\":\"x\",\"ip\":16777226,\"port\":5050,\"hostname\":\"my_host\"}";
        assertThat(Candidates.address(json.getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(new MasterAddress("10.0.0.1", 5050));
    }

    @Test
    void theLowestNumberLeadsAndOtherNodesDoNotCount() {
        assertThat(
                        Candidates.ranked(
                                List.of(
                                        "log_replicas",
                                        "json.info_0000000012",
                                        "json.info_0000000003",
                                        "info_0000000001",
                                        "json.info_x",
                                        "berth")))
                .containsExactly("json.info_0000000003", "json.info_0000000012");
    }

    @Test
    void aNodeOfMesosItselfIsUnderstood() throws Exception {
        String json =
                "{\"address\":{\"hostname\":\"m1\",\"ip\":\"10.0.0.1\",\"port\":5050},\"capabilities\":[{\"type\":\"AGENT_UPDATE\"},"
                        + "{\"type\":\"QUOTA_V2\"}],\"hostname\":\"m1\",\"id\":\"x\",\"ip\":16777226,\"pid\":\"master@10.0.0.1:5050\",\"port\":5050,\"version\":\"1.11.0\"}";
        assertThat(Candidates.address(json.getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(new MasterAddress("m1", 5050));
        String bare = "{\"id\":\"x\",\"ip\":16777226,\"port\":5050}";
        assertThat(Candidates.address(bare.getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(new MasterAddress("10.0.0.1", 5050));
    }
}
