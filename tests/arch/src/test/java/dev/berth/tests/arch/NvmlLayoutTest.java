package dev.berth.tests.arch;

import static org.assertj.core.api.Assertions.assertThat;

import static java.util.Objects.requireNonNull;

import dev.berth.nvml.NvmlLayout;
import dev.berth.nvml.NvmlReturn;
import dev.berth.nvml.NvmlSymbol;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** NVML's structs three times: the table, what JNA makes of the Java classes, and what gcc makes of the C structs (size, offset of every field, version word). All must agree. */
class NvmlLayoutTest {
    @TempDir Path temp;

    private Map<String, Long> ofC(List<String> expressions) throws Exception {
        Path header = temp.resolve("nvml-abi.h");
        try (InputStream in = NvmlLayoutTest.class.getResourceAsStream("nvml-abi.h")) {
            Files.write(header, requireNonNull(in).readAllBytes());
        }
        return new HeaderProbe(temp).values(List.of(), header.toString(), expressions);
    }

    private static List<KernelFact> table() {
        List<KernelFact> facts = new ArrayList<>();
        for (NvmlLayout layout : NvmlLayout.values()) {
            String c = layout.cName();
            facts.add(new KernelFact(layout + " size", "sizeof(" + c + ")", layout.size()));
            layout.offsets()
                    .forEach((field, offset) ->
                            facts.add(
                                    new KernelFact(
                                            layout + "." + field,
                                            "offsetof(" + c + ", " + field + ")",
                                            offset)));
            if (layout.version() != 0) {
                facts.add(
                        new KernelFact(
                                layout + " version word",
                                "NVML_STRUCT_VERSION(" + c + ", " + layout.version() + ")",
                                layout.versionWord()));
            }
        }
        return facts;
    }

    @Test
    void theTableIsWhatTheCompilerMakesOfTheStructs() throws Exception {
        List<KernelFact> facts = table();
        assertThat(facts).hasSizeGreaterThan(50);
        Map<String, Long> c = ofC(facts.stream().map(KernelFact::expression).toList());
        for (KernelFact fact : facts) {
            assertThat(c).as(fact.name()).containsEntry(fact.expression(), fact.value());
        }
    }

    @Test
    void theTableIsWhatJnaMakesOfTheClasses() {
        for (NvmlLayout layout : NvmlLayout.values()) {
            assertThat(layout.jnaSize()).as("size of %s", layout).isEqualTo(layout.size());
            layout.offsets()
                    .forEach((field, offset) ->
                            assertThat(layout.jnaOffset(field))
                                    .as("%s.%s", layout, field)
                                    .isEqualTo(offset));
        }
    }

    @Test
    void versionWordsAreTheDocumentedNumbers() {
        assertThat(NvmlLayout.MEMORY_V2.versionWord()).isEqualTo(0x0200_0028);
        assertThat(NvmlLayout.ECC_SRAM_ERROR_STATUS.versionWord()).isEqualTo(0x0100_0068);
        assertThat(NvmlLayout.PCI_INFO.versionWord()).isZero();
    }

    @Test
    void functionsWithVersionsAreNeverBoundByTheirPlainName() {
        List<String> versioned =
                List.of(
                        "nvmlInit",
                        "nvmlSystemGetCudaDriverVersion",
                        "nvmlDeviceGetCount",
                        "nvmlDeviceGetHandleByIndex",
                        "nvmlDeviceGetHandleByPciBusId",
                        "nvmlDeviceGetPciInfo",
                        "nvmlDeviceGetComputeRunningProcesses",
                        "nvmlDeviceGetGraphicsRunningProcesses",
                        "nvmlDeviceGetMPSComputeRunningProcesses",
                        "nvmlDeviceGetNvLinkRemotePciInfo",
                        "nvmlEventSetWait");
        assertThat(Arrays.stream(NvmlSymbol.values()).map(Enum::name))
                .doesNotContainAnyElementsOf(versioned);
    }

    @Test
    void everyReturnCodeHasItsNumberAndOthersAreUnknown() {
        for (NvmlReturn value : NvmlReturn.values()) {
            assertThat(NvmlReturn.of(value.code())).isEqualTo(value);
        }
        assertThat(NvmlReturn.GPU_IS_LOST.code()).isEqualTo(15);
        assertThat(NvmlReturn.RESET_TYPE_NOT_SUPPORTED.code()).isEqualTo(30);
        assertThat(NvmlReturn.of(31)).isEqualTo(NvmlReturn.UNKNOWN);
        assertThat(NvmlReturn.of(-1)).isEqualTo(NvmlReturn.UNKNOWN);
    }
}
