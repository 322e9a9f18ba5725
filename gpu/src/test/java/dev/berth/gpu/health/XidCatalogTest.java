package dev.berth.gpu.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.health.DeviceHealth.Cure;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;

final class XidCatalogTest {
    private static HealthSignal signal(HealthSignal.Kind kind, int code, String detail) {
        return new HealthSignal(
                Optional.empty(), kind, code, OptionalInt.empty(), detail, "test", 0);
    }

    @ParameterizedTest
    @CsvSource({
        "13,RESTART_APP", "31,RESTART_APP", "39,RESTART_APP", "41,RESTART_APP", "43,IGNORE",
                "45,WORKFLOW_XID_45",
        "48,WORKFLOW_XID_48", "63,IGNORE", "64,RESET_GPU", "69,RESTART_APP", "79,RESTART_BM",
                "94,RESTART_APP",
        "95,RESET_GPU", "109,RESET_GPU", "119,RESET_GPU", "135,RESTART_APP", "137,IGNORE",
                "149,WORKFLOW_NVLINK5_ERR",
        "151,RESTART_VM", "154,XID_154", "158,RESET_GPU", "161,IGNORE", "1,CONTACT_SUPPORT",
                "118,CONTACT_SUPPORT",
        "172,NONE", "173,UNKNOWN", "999,UNKNOWN", "0,UNKNOWN", "-5,UNKNOWN"
    })
    void anXidHasTheActionOfNvidiasCatalog(int code, XidAction action) {
        XidCatalog.Entry entry = XidCatalog.of(code);
        assertThat(entry.action()).isEqualTo(action);
        assertThat(entry.code()).isEqualTo(code);
        assertThat(entry.meaning()).isNotBlank();
    }

    @Test
    void everyListedXidSaysSomethingInOneLine() {
        XidCatalog.listed()
                .forEach(entry -> {
                    assertThat(entry.meaning()).hasSizeBetween(10, 120).doesNotContain("\n");
                    assertThat(
                                    Diagnosis.of(signal(HealthSignal.Kind.XID, entry.code(), ""))
                                            .action())
                            .isNotBlank();
                });
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)|GPU_RESET",
                "GPU recovery action changed from 0x0 (None) to 0x1 (PF FLR)|GPU_RESET",
                "GPU recovery action changed from 0x0 (None) to 0x2 (OS Reboot)|NODE_REBOOT",
                "GPU recovery action changed from 0x1 (GPU Reset Required) to 0x2 (Node Reboot Required)|NODE_REBOOT",
                "GPU recovery action changed from 0x0 (None) to 0x3 (Drain P2P)|DRAIN_P2P",
                "GPU recovery action changed from 0x0 (None) to 0x4 (Drain and Reset)|DRAIN_AND_RESET",
                "GPU recovery action changed from 0x4 (Drain and Reset) to 0x0 (None)|NONE",
                "gpu recovery action changed from 0x0 to 0x5|RECOVER_IMEX_DOMAIN",
                "GPU recovery action changed from 0x0 (None) to 0x63 (Dance)|UNKNOWN",
                "GPU recovery action changed from 0x0 (None) to 0xffffffff (?)|UNKNOWN",
                "GPU recovery action changed to Node Reboot Required|NODE_REBOOT",
                "GPU recovery action changed from Drain and Reset to None|NONE",
            })
    void xid154SaysTheDriversRecoveryAction(String text, RecoveryAction action) {
        assertThat(XidCatalog.recoveryAction(text)).contains(action);
    }

    @Test
    void xid154WithoutWordsIsWatchedAndWithThemOutranksTheCatalog() {
        assertThat(XidCatalog.recoveryAction("")).isEmpty();
        assertThat(Diagnosis.of(signal(HealthSignal.Kind.XID, 154, "")).input())
                .isInstanceOf(HealthInput.DeviceFault.class);
        Diagnosis reset =
                Diagnosis.of(
                        signal(
                                HealthSignal.Kind.XID,
                                154,
                                "GPU recovery action changed from 0x0 (None) to 0x1 (PF FLR)"));
        assertThat(reset.input()).isInstanceOf(HealthInput.Needs.class);
        assertThat(((HealthInput.Needs) reset.input()).cure()).isEqualTo(Cure.RESET);
        assertThat(reset.weight()).isEqualTo(Diagnosis.Weight.GRAVE);
    }

    @ParameterizedTest
    @CsvSource({
        "0,NONE",
        "1,GPU_RESET",
        "2,NODE_REBOOT",
        "3,DRAIN_P2P",
        "4,DRAIN_AND_RESET",
        "5,RECOVER_IMEX_DOMAIN",
        "6,UNKNOWN",
        "-1,UNKNOWN"
    })
    void field230HasNvmlsNumbers(int number, RecoveryAction action) {
        assertThat(RecoveryAction.of(number)).isEqualTo(action);
    }

    @Test
    void nvlink5ErrorsGoByTheWordsOfTheKernel() {
        assertThat(
                        Diagnosis.of(
                                        signal(
                                                HealthSignal.Kind.XID,
                                                145,
                                                "RLW_REMAP Nonfatal XC0 i0 Link 00"))
                                .input())
                .isInstanceOf(HealthInput.Noted.class);
        assertThat(
                        Diagnosis.of(
                                        signal(
                                                HealthSignal.Kind.XID,
                                                145,
                                                "RLW_CTRL Fatal XC0 i0 Link 00"))
                                .input())
                .isInstanceOf(HealthInput.Needs.class);
        assertThat(Diagnosis.of(signal(HealthSignal.Kind.XID, 145, "")).input())
                .isInstanceOf(HealthInput.DeviceFault.class);
    }

    @ParameterizedTest
    @EnumSource(HealthSignal.Kind.class)
    void everyKindOfSignalMeansSomethingWhateverItSays(HealthSignal.Kind kind) {
        Random random = new Random(7);
        for (int i = 0; i < 2000; i++) {
            byte[] bytes = new byte[random.nextInt(64)];
            random.nextBytes(bytes);
            String detail = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
            Diagnosis diagnosis = Diagnosis.of(signal(kind, random.nextInt(-10, 1200), detail));
            assertThat(diagnosis.input()).isNotNull();
            assertThat(diagnosis.action()).isNotBlank();
        }
        String huge = "recovery action changed from 0x" + "(".repeat(1_000_000);
        assertThat(Diagnosis.of(signal(kind, 154, huge)).action()).isNotBlank();
    }
}
