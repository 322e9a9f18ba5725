package dev.berth.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.berth.agent.config.SpecTranslation.Identity;
import dev.berth.containerizer.image.ImageConfig;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.isolator.ContainerConfig.Namespaces.NetworkMode;
import dev.berth.isolator.ContainerId;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** From a request and an image to what isolators read. */
class SpecTranslationTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ContainerId ID = new ContainerId("0123456789ab" + "0".repeat(52));

    private static final HostLookup HOST =
            new HostLookup() {
                @Override
                public DeviceNode device(String hostPath, String target, String access) {
                    return new DeviceNode(target, 'c', 1, 3, 0666, 0, 0, access);
                }

                @Override
                public List<DeviceNode> allDevices() {
                    return List.of(new DeviceNode("/dev/a", 'c', 5, 6, 0600, 0, 0, "rwm"));
                }

                @Override
                public int[] blockDevice(String hostPath) {
                    return new int[] {8, 16};
                }

                @Override
                public long hardLimit(int resource) {
                    return 20000;
                }

                @Override
                public String containerId(String reference) {
                    return "f".repeat(64);
                }

                @Override
                public String hostname() {
                    return "thehost";
                }

                @Override
                public int cpus() {
                    return 4;
                }
            };

    private static ImageConfig image() {
        return new ImageConfig(
                "amd64",
                "linux",
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                "www",
                List.of("PATH=/img", "A=1", "B=2"),
                List.of("/entry"),
                List.of("cmd"),
                "/srv",
                List.of(),
                List.of("80/tcp"),
                Map.of("l", "image", "m", "image"),
                Optional.of("SIGQUIT"),
                List.of(),
                List.of());
    }

    private static ContainerSpec spec(String body) throws AgentException {
        try {
            CreateRequest request =
                    CreateRequest.of(Optional.empty(), Optional.empty(), JSON.readTree(body));
            return SpecMerge.merge(request, "sha256:x", Optional.of(image()), ID.shortForm());
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    private static ContainerConfig translate(String hostConfig) throws AgentException {
        ContainerSpec spec = spec("{\"Image\":\"i\",\"HostConfig\":" + hostConfig + "}");
        return new SpecTranslation(HOST, false).translate(ID, spec, Identity.ROOT);
    }

    @Test
    void theRequestWinsOverTheImage() throws AgentException {
        ContainerSpec plain = spec("{\"Image\":\"i\"}");
        assertThat(plain.argv()).containsExactly("/entry", "cmd");
        assertThat(plain.stopSignal()).isEqualTo(3);
        assertThat(spec("{\"Image\":\"i\",\"Cmd\":[\"x\"]}").argv()).containsExactly("/entry", "x");
        assertThat(spec("{\"Image\":\"i\",\"Entrypoint\":[\"e\"]}").argv()).containsExactly("e");
        assertThat(spec("{\"Image\":\"i\",\"Entrypoint\":[\"\"],\"Cmd\":[\"x\"]}").argv())
                .containsExactly("x");
        ContainerSpec labels = spec("{\"Image\":\"i\",\"Labels\":{\"l\":\"mine\"}}");
        assertThat(labels.labels()).containsEntry("l", "mine").containsEntry("m", "image");
        assertThat(labels.config().path("User").asText()).isEqualTo("www");
    }

    @Test
    void theEnvironmentIsDockersInItsOrder() throws AgentException {
        ContainerSpec spec = spec("{\"Image\":\"i\",\"Tty\":true,\"Env\":[\"A=9\",\"B\",\"C=3\"]}");
        ContainerConfig config =
                new SpecTranslation(HOST, false).translate(ID, spec, Identity.ROOT);
        assertThat(config.process().env())
                .containsExactly(
                        "PATH=/img",
                        "HOSTNAME=0123456789ab",
                        "TERM=xterm",
                        "A=9",
                        "C=3",
                        "HOME=/root");
        assertThat(config.process().cwd()).isEqualTo("/srv");
    }

    @Test
    void theDefaultsAreDockersOrTighter() throws AgentException {
        ContainerConfig config = translate("{}");
        assertThat(config.security().capabilities()).hasSize(14).contains("NET_RAW", "MKNOD");
        assertThat(config.security().seccomp()).isEqualTo("default");
        assertThat(config.security().noNewPrivileges()).isFalse();
        assertThat(config.security().maskedPaths()).contains("/proc/interrupts", "/proc/kcore");
        assertThat(config.security().readOnlyPaths()).contains("/proc/sys");
        assertThat(config.namespaces().network()).isEqualTo(NetworkMode.NONE);
        assertThat(config.shmSizeBytes()).isEqualTo(64 << 20);
        assertThat(config.hostname()).isEqualTo("0123456789ab");
        assertThat(config.hostsFiles()).containsEntry("/etc/resolv.conf", "resolv.conf");
        assertThat(config.process().rlimits())
                .singleElement()
                .satisfies(limit -> {
                    assertThat(limit.soft()).isEqualTo(1024);
                    assertThat(limit.hard()).isEqualTo(20000);
                    assertThat(limit.required()).isFalse();
                });
        assertThat(
                        new SpecTranslation(HOST, true)
                                .translate(ID, spec("{\"Image\":\"i\"}"), Identity.ROOT)
                                .security()
                                .noNewPrivileges())
                .isTrue();
    }

    @Test
    void capabilitiesAreAddedAndDropped() throws AgentException {
        assertThat(translate("{\"CapDrop\":[\"ALL\"]}").security().capabilities()).isEmpty();
        assertThat(
                        translate("{\"CapDrop\":[\"all\"],\"CapAdd\":[\"CAP_NET_ADMIN\"]}")
                                .security()
                                .capabilities())
                .containsExactly("NET_ADMIN");
        assertThat(
                        translate("{\"CapAdd\":[\"ALL\"],\"CapDrop\":[\"sys_admin\"]}")
                                .security()
                                .capabilities())
                .hasSize(40)
                .doesNotContain("SYS_ADMIN");
    }

    @Test
    void privilegedLiftsWhatItShould() throws AgentException {
        ContainerConfig config = translate("{\"Privileged\":true}");
        assertThat(config.security().capabilities()).hasSize(41);
        assertThat(config.security().seccomp()).isEqualTo("unconfined");
        assertThat(config.security().maskedPaths()).isEmpty();
        assertThat(config.security().readOnlyPaths()).isEmpty();
        assertThat(config.devices()).hasSize(1);
        assertThat(config.deviceRules()).singleElement().matches(rule -> rule.type() == 'a');
    }

    @Test
    void securityOptionsAreRead() throws AgentException {
        assertThat(translate("{\"SecurityOpt\":[\"no-new-privileges\"]}").security())
                .matches(security -> security.noNewPrivileges());
        assertThat(translate("{\"SecurityOpt\":[\"no-new-privileges:true\"]}").security())
                .matches(security -> security.noNewPrivileges());
        assertThat(translate("{\"SecurityOpt\":[\"seccomp=unconfined\"]}").security().seccomp())
                .isEqualTo("unconfined");
        assertThat(
                        translate("{\"SecurityOpt\":[\"seccomp={\\\"a\\\":\\\"b=c\\\"}\"]}")
                                .security()
                                .seccomp())
                .isEqualTo("{\"a\":\"b=c\"}");
        assertThat(translate("{\"MaskedPaths\":[]}").security().maskedPaths()).isEmpty();
    }

    @Test
    void limitsAreConverted() throws AgentException {
        var limits =
                translate(
                                "{\"Memory\":67108864,\"NanoCpus\":1500000000,\"PidsLimit\":5,\"CpusetCpus\":\"0-1,3\",\"BlkioWeight\":100,"
                                        + "\"BlkioDeviceReadBps\":[{\"Path\":\"/dev/sdb\",\"Rate\":1000}]}")
                        .limits();
        assertThat(limits.memoryBytes()).hasValue(64 << 20);
        assertThat(limits.memorySwapBytes()).hasValue(128 << 20);
        assertThat(limits.cpuQuotaUs()).hasValue(150_000);
        assertThat(limits.cpuPeriodUs()).hasValue(100_000);
        assertThat(limits.pids()).hasValue(5);
        assertThat(limits.cpusetCpus()).hasValue("0-1,3");
        assertThat(limits.ioDevices())
                .singleElement()
                .matches(device -> device.major() == 8 && device.readBps().getAsLong() == 1000);
        assertThat(translate("{\"PidsLimit\":-1}").limits().pids()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"NanoCpus\":5000000000}",
                "{\"NanoCpus\":1,\"CpuQuota\":1000}",
                "{\"CpuQuota\":10}",
                "{\"CpuPeriod\":10}",
                "{\"Memory\":67108864,\"MemorySwap\":1}",
                "{\"MemorySwap\":67108864}",
                "{\"BlkioWeight\":5}",
                "{\"CpusetCpus\":\"x\"}",
                "{\"OomScoreAdj\":2000}",
                "{\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":5,\"Hard\":1}]}",
                "{\"Ulimits\":[{\"Name\":\"wings\",\"Soft\":1,\"Hard\":1}]}",
                "{\"DeviceCgroupRules\":[\"x 1:2 r\"]}",
                "{\"Devices\":[{\"PathOnHost\":\"null\"}]}",
                "{\"Devices\":[{\"PathOnHost\":\"/dev/null\",\"PathInContainer\":\"/dev/../etc/x\"}]}",
                "{\"Binds\":[\"/a:/b:ro\",\"/c:/b\"]}",
                "{\"Binds\":[\"/a:relative\"]}",
                "{\"Binds\":[\"/a:/\"]}",
                "{\"Binds\":[\"/a:/x/../../proc\"]}",
                "{\"Binds\":[\"/a:/proc/sys\"]}",
                "{\"Binds\":[\"/a:/b:sideways\"]}",
                "{\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/a\",\"Target\":\"//proc\"}]}",
                "{\"Tmpfs\":{\"/x\":\"size=lots\"}}",
                "{\"Tmpfs\":{\"/x\":\"huge=always\"}}",
                "{\"Sysctls\":{\"kernel.shm_rmid_forced\":\"1+kernel.core_pattern=|/x\"}}",
                "{\"Sysctls\":{\"net.ipv4.ip_forward\":\"1\\nkernel.x=1\"}}",
                "{\"Sysctls\":{\"net.ipv4/../../kernel/core_pattern\":\"x\"}}",
                "{\"NetworkMode\":\"host\",\"Sysctls\":{\"net.ipv4.ip_forward\":\"1\"}}",
                "{\"IpcMode\":\"host\",\"Sysctls\":{\"kernel.msgmax\":\"1\"}}",
            })
    void nonsenseIsRefused(String hostConfig) {
        assertThatThrownBy(() -> translate(hostConfig))
                .isInstanceOf(AgentException.class)
                .matches(e -> ((AgentException) e).kind() == AgentException.Kind.INVALID);
    }

    @Test
    void mountsComeAfterWhatHoldsThem() throws AgentException {
        ContainerConfig config =
                translate(
                        "{\"Binds\":[\"/s:/a/b/c:ro,rslave\",\"/h:/etc/hosts\"],\"Tmpfs\":{\"/a\":\"size=1m,mode=700,uid=5,exec\"},"
                                + "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/m\",\"Target\":\"/a/b\",\"ReadOnly\":true,\"BindOptions\":{\"ReadOnlyNonRecursive\":true}}]}");
        assertThat(config.mounts())
                .extracting(MountSpec::target)
                .containsExactly("/a", "/etc/hosts", "/a/b", "/a/b/c");
        assertThat(config.mounts().getFirst())
                .isEqualTo(new MountSpec.Tmpfs("/a", 1 << 20, 0700, 5, 0, false, true));
        assertThat(config.mounts().get(2))
                .isEqualTo(
                        new MountSpec.Bind(
                                "/m", "/a/b", true, false, true, "rprivate", false, false, false));
        assertThat(config.mounts().get(3))
                .isEqualTo(
                        new MountSpec.Bind(
                                "/s", "/a/b/c", true, true, true, "rslave", false, false, false));
        assertThat(config.hostsFiles()).doesNotContainKey("/etc/hosts").hasSize(2);
    }

    @Test
    void namespacesCanBeShared() throws AgentException {
        ContainerConfig config =
                translate(
                        "{\"NetworkMode\":\"host\",\"PidMode\":\"container:x\",\"IpcMode\":\"host\",\"UTSMode\":\"host\",\"CgroupnsMode\":\"host\"}");
        assertThat(config.namespaces().network()).isEqualTo(NetworkMode.HOST);
        assertThat(config.namespaces().pidOf()).hasValue("f".repeat(64));
        assertThat(config.namespaces().hostIpc()).isTrue();
        assertThat(config.hostname()).isEmpty();
        assertThat(translate("{\"NetworkMode\":\"host\"}").hostname()).isEqualTo("thehost");
    }

    @Test
    void anExecBeginsWithTheContainersProcess() throws AgentException {
        SpecTranslation translation = new SpecTranslation(HOST, false);
        ContainerConfig config = translate("{}");
        var process =
                translation.execProcess(
                        config,
                        new Identity(5, 6, List.of(7), "/five"),
                        List.of("id"),
                        List.of("A=exec", "NOVALUE"),
                        "",
                        true);
        assertThat(process.env()).contains("A=exec", "HOME=/five", "TERM=xterm", "PATH=/img");
        assertThat(process.cwd()).isEqualTo("/srv");
        assertThat(process.uid()).isEqualTo(5);
        assertThat(process.umask()).isEqualTo(OptionalInt.empty());
    }

    @Test
    void aCheckpointedSpecIsTheSame() throws AgentException {
        ContainerSpec spec =
                spec("{\"Image\":\"i\",\"Env\":[\"A=9\"],\"HostConfig\":{\"Memory\":67108864}}");
        assertThat(ContainerSpec.fromJson(spec.toJson())).isEqualTo(spec);
    }

    @Test
    void restartsBackOffAndStop() throws AgentException {
        ContainerSpec onFailure =
                spec(
                        "{\"Image\":\"i\",\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":2}}}");
        assertThat(RestartPolicies.restarts(onFailure, 0, 0, false)).isFalse();
        assertThat(RestartPolicies.restarts(onFailure, 1, 1, false)).isTrue();
        assertThat(RestartPolicies.restarts(onFailure, 1, 2, false)).isFalse();
        assertThat(RestartPolicies.restarts(onFailure, 1, 0, true)).isFalse();
        long delay = 0;
        for (int i = 0; i < 12; i++) {
            delay = RestartPolicies.delayNs(delay, 0);
        }
        assertThat(delay).isEqualTo(60_000_000_000L);
        assertThat(RestartPolicies.delayNs(delay, 10_000_000_000L)).isEqualTo(100_000_000L);
    }
}
