package dev.berth.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;

import dev.berth.gpu.DeviceRequest;
import dev.berth.gpu.DeviceRequest.Selection;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;
import java.util.Set;

/** The bodies are what the docker command line sends. */
class DeviceDemandTest {
    private static DeviceDemand demand(String requests) throws Exception {
        String body = "{\"DeviceRequests\":" + requests.replace('\'', '"') + "}";
        return DeviceDemand.of(
                new Fields(new ObjectMapper().readTree(body), "HostConfig"),
                Set.of("nvidia.com/gpu"));
    }

    private static DeviceRequest only(String requests) throws Exception {
        DeviceDemand demand = demand(requests);
        assertThat(demand.cdiNames()).isEmpty();
        assertThat(demand.requests()).hasSize(1);
        return demand.requests().getFirst();
    }

    @Test
    void whatDockersGpusOptionSends() throws Exception {
        assertThat(
                        only(
                                "[{'Driver':'','Count':-1,'DeviceIDs':null,'Capabilities':[['gpu']],'Options':{}}]"))
                .isEqualTo(new DeviceRequest("nvidia.com/gpu", new Selection.All(), Set.of()));
        assertThat(
                        only(
                                "[{'Driver':'nvidia','Count':2,'DeviceIDs':null,'Capabilities':[['utility','gpu']],'Options':{}}]"))
                .isEqualTo(
                        new DeviceRequest(
                                "nvidia.com/gpu", new Selection.Count(2), Set.of("utility")));
        assertThat(only("[{'Count':0,'DeviceIDs':['0','GPU-1'],'Capabilities':[['gpu']]}]"))
                .isEqualTo(
                        new DeviceRequest(
                                "nvidia.com/gpu",
                                new Selection.Named(List.of("0", "GPU-1")),
                                Set.of()));
        assertThat(demand("null").isNone()).isTrue();
        assertThat(demand("[]").isNone()).isTrue();
    }

    @Test
    void cdiNamesOfAKindThatIsHandedOutAreRequestsOfIt() throws Exception {
        DeviceDemand demand =
                demand(
                        "[{'Driver':'cdi','DeviceIDs':['nvidia.com/gpu=1','v.com/net=a','nvidia.com/gpu=3']}]");
        assertThat(demand.cdiNames()).containsExactly("v.com/net=a");
        assertThat(demand.requests())
                .containsExactly(
                        new DeviceRequest(
                                "nvidia.com/gpu",
                                new Selection.Named(List.of("1", "3")),
                                Set.of()));
        assertThat(only("[{'Driver':'cdi','DeviceIDs':['nvidia.com/gpu=all']}]").selection())
                .isEqualTo(new Selection.All());
        assertThat(only("[{'Driver':'v.com/fpga','Count':1}]").resourceName())
                .isEqualTo("v.com/fpga");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "[{'Count':-1}] | DeviceRequests[0]: could not select device driver",
                "[{'Count':1,'Capabilities':[['tpu']]}] | with capabilities: [[\"tpu\"]]",
                "[{'Count':1,'Capabilities':[['gpu','fly']]}] | unknown capability \"fly\"",
                "[{'Count':0,'Capabilities':[['gpu']]}] | a Count of at least 1",
                "[{'Count':-2,'Capabilities':[['gpu']]}] | a Count of at least 1",
                "[{'Count':1,'DeviceIDs':['0'],'Capabilities':[['gpu']]}] | both Count and DeviceIDs",
                "[{'Driver':'amd','Count':1}] | unknown Driver \"amd\"",
                "[{'Driver':'cdi','DeviceIDs':['gpu0']}] | is no CDI device",
                "[{'Driver':'cdi','DeviceIDs':['a/b=']}] | is no CDI device",
                "[{'Count':1,'Capabilities':[['gpu']]},{'Count':1,'Capabilities':[['gpu']]}] | two requests for nvidia.com/gpu",
                "[1] | want an array of objects",
            })
    void whatCannotBeMeantIsRefusedByName(String requests, String message) {
        assertThatThrownBy(() -> demand(requests)).hasMessageContaining(message);
    }
}
