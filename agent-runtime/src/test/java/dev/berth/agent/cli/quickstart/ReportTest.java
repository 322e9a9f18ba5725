package dev.berth.agent.cli.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.cli.json.JsonReader;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.List;

class ReportTest {
    @Test
    void aReportIsArranged() {
        String output =
                """
                pid 1
                ppid 0
                hostname quickstart
                uid 0 0 0 0
                gid 0 0 0 0
                cap_eff 0000000000000401
                cap_prm 0000000000000401
                cap_bnd 0000000000000001
                cap_inh 0000000000000000
                cap_amb 0000000000000000
                no_new_privs 1
                seccomp 2
                namespace pid:[2]
                namespace user:[1]
                mount / overlay rw,relatime
                mounts 1
                cgroup 0::/
                pids.max 64
                open /dev/null OK
                open /dev/mem ENOENT
                mknod c:10:229 OK open EPERM
                mknod c:8:0 EPERM
                """;
        assertThat(IsolationReport.isReport(output)).isTrue();
        assertThat(IsolationReport.of(output, List.of("pid:[1]", "user:[1]")))
                .contains("process       pid 1, parent 0, user 0:0\n")
                .contains("its own: pid\n")
                .contains("the host's: user\n")
                .contains("effective: CHOWN NET_BIND_SERVICE\n")
                .contains("permitted: the same\n")
                .contains("bounding: CHOWN\n")
                .contains("ambient: none\n")
                .contains("filter (mode 2)")
                .contains("no_new_privs  on")
                .contains("pids.max = 64")
                .contains("EPERM (refused by the device program): c 10:229\n")
                .contains("cannot even be made (mknod: EPERM): c 8:0\n");
    }

    @Test
    void stagesShareOneScale() throws IOException {
        String chart =
                StartChart.of(
                        JsonReader.read(
                                        "[{\"Stage\":\"asked\",\"Us\":0},{\"Stage\":\"cgroup\",\"Us\":100},{\"Stage\":\"exec\",\"Us\":400}]")
                                .items());
        assertThat(chart)
                .isEqualTo(
                        "  asked        0       +0  \n"
                                + "  cgroup     100     +100  "
                                + "█".repeat(11)
                                + "\n  exec       400     +300  "
                                + " ".repeat(11)
                                + "█".repeat(33)
                                + "\n");
    }
}
