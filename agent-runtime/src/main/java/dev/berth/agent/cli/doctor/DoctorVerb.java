package dev.berth.agent.cli.doctor;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.doctor.Finding.Area;
import dev.berth.agent.cli.doctor.Finding.State;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code berth doctor}: exits with 1 only when something that containers need is missing. */
public final class DoctorVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.AGENT,
                        "doctor",
                        "Check this host: what is there, what is lost without it, how to fix it",
                        0,
                        0,
                        List.of(Format.FLAG))
                .examples(
                        "Everything",
                        "berth doctor",
                        "What is missing, for a script",
                        "berth doctor --format json | jq 'select(.State==\"missing\")'");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, IOException {
        boolean json = Format.isJson(arguments);
        List<Finding> findings = new ArrayList<>();
        try (CgroupCheck cgroups = new CgroupCheck()) {
            List<Finding> groups = cgroups.check();
            findings.addAll(KernelCheck.check(cgroups.group()));
            findings.addAll(groups);
        }
        findings.addAll(PermissionCheck.check());
        findings.addAll(GpuCheck.check(Path.of("/")));
        findings.addAll(PackageCheck.check(cli));
        int missing = 0;
        for (Finding finding : findings) {
            missing += finding.stopsContainers() ? 1 : 0;
        }
        if (json) {
            List<Json> all = new ArrayList<>();
            for (Finding finding : findings) {
                all.add(finding.json());
            }
            Format.printEach(cli, all);
        } else {
            cli.out().print(text(findings, cli.isTerminal(1)));
            cli.out()
                    .println(
                            missing == 0
                                    ? "Containers can be run on this host."
                                    : "Containers cannot be run on this host: "
                                            + missing
                                            + " needed "
                                            + (missing == 1 ? "thing is" : "things are")
                                            + " missing."
                                            + (findings.stream().anyMatch(DoctorVerb::isRootMissing)
                                                    ? " Only root is told the truth about the rest: sudo berth doctor."
                                                    : ""));
        }
        return missing == 0 ? 0 : 1;
    }

    /** Without root most probes fail, on the best of hosts. */
    private static boolean isRootMissing(Finding finding) {
        return finding.area() == Area.PERMISSIONS
                && finding.name().equals(PermissionCheck.ROOT)
                && finding.stopsContainers();
    }

    static String text(List<Finding> findings, boolean colour) {
        StringBuilder text = new StringBuilder();
        int width = 0;
        for (Finding finding : findings) {
            width = Math.max(width, finding.name().length());
        }
        for (Area area : Area.values()) {
            text.append(area.title()).append('\n');
            for (Finding finding : findings) {
                if (finding.area() == area) {
                    line(text, finding, width, colour);
                }
            }
            text.append('\n');
        }
        return text.toString();
    }

    private static void line(StringBuilder text, Finding finding, int width, boolean colour) {
        String mark =
                switch (finding.state()) {
                    case PRESENT -> paint("ok", "32", colour) + "     ";
                    case PARTIAL -> paint("partly", "33", colour) + " ";
                    case MISSING ->
                            finding.needed()
                                    ? paint("NEEDED", "31", colour) + " "
                                    : paint("no", "33", colour) + "     ";
                };
        text.append("  ").append(mark).append(finding.name());
        boolean present = finding.state() == State.PRESENT;
        String detail = finding.detail();
        if (!detail.isEmpty()) {
            text.append(" ".repeat(width - finding.name().length() + 2)).append(detail);
        }
        text.append('\n');
        if (!present && !finding.cost().isEmpty()) {
            text.append("         without it: ").append(finding.cost()).append('\n');
            text.append("         fix:        ").append(finding.fix()).append('\n');
        }
    }

    private static String paint(String word, String code, boolean colour) {
        return colour ? "\u001b[" + code + "m" + word + "\u001b[0m" : word;
    }
}
