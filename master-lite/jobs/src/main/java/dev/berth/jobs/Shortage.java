package dev.berth.jobs;

import static java.util.stream.Collectors.joining;

import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.master.Protos.Response.GetAgents;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.LongFunction;

/** Why a job waits, in words and with what to do about it. Pure functions. */
final class Shortage {
    private Shortage() {}

    /** Whether all workers have room on these agents when nothing else runs. */
    static boolean fits(JobSpec spec, List<GetAgents.Agent> agents) {
        return agents.stream()
                        .mapToLong(agent -> Offered.workers(List.of(whole(agent)), spec))
                        .sum()
                >= spec.workers();
    }

    /** Judges by what agents have in all, since what is free changes every moment. */
    static String of(JobSpec spec, List<GetAgents.Agent> agents) {
        if (agents.isEmpty()) {
            return "no agent has registered with this master; start one: berth agent --master URL";
        }
        List<Constraint> constraints = spec.rules().constraints();
        List<GetAgents.Agent> suited =
                agents.stream()
                        .filter(agent ->
                                constraints.stream().allMatch(it -> it.admits(whole(agent))))
                        .toList();
        if (suited.isEmpty()) {
            return "no agent is as wanted: "
                    + constraints.stream().map(Constraint::toString).collect(joining(", "))
                    + "; attributes are given with berth agent --attributes NAME:VALUE (berth node ls --format json shows them)";
        }
        return among(spec, suited);
    }

    private static String among(JobSpec spec, List<GetAgents.Agent> agents) {
        int room = 0;
        for (GetAgents.Agent agent : agents) {
            room += Offered.workers(List.of(whole(agent)), spec);
        }
        String wanted = workers(spec.workers()) + " of " + each(spec);
        if (room >= spec.workers()) {
            return "there is room for "
                    + wanted
                    + ", but others use it now (berth job ls) or hold it (berth offers)";
        }
        List<String> shorts = new ArrayList<>();
        shortOf(
                spec,
                agents,
                "cpus",
                all -> counted(all, "CPU"),
                Offered.thousandths(spec.cpus()),
                shorts);
        shortOf(
                spec,
                agents,
                "mem",
                all -> number(all) + " MiB of memory",
                spec.memoryMib() * 1000,
                shorts);
        shortOf(spec, agents, "gpus", all -> counted(all, "GPU"), spec.gpus() * 1000L, shorts);
        return "the agents have room for "
                + (room == 0 ? "none" : Integer.toString(room))
                + " of "
                + wanted
                + " even when nothing else runs"
                + (shorts.isEmpty()
                        ? ": no single agent has all of it"
                        : ": " + String.join(", ", shorts))
                + "; ask for less, or add agents (berth node ls)";
    }

    private static Offer whole(GetAgents.Agent agent) {
        return Offer.newBuilder()
                .setHostname(agent.getAgentInfo().getHostname())
                .addAllAttributes(agent.getAgentInfo().getAttributesList())
                .addAllResources(agent.getTotalResourcesList())
                .buildPartial();
    }

    private static void shortOf(
            JobSpec spec,
            List<GetAgents.Agent> agents,
            String name,
            LongFunction<String> words,
            long each,
            List<String> out) {
        if (each <= 0) {
            return;
        }
        long room = 0;
        long all = 0;
        for (GetAgents.Agent agent : agents) {
            long has = Offered.thousandths(List.of(whole(agent)), name);
            room += has / each;
            all += has;
        }
        if (room < spec.workers()) {
            out.add(
                    (agents.size() == 1 ? "the only one has " : "all together have ")
                            + words.apply(all));
        }
    }

    private static String workers(int count) {
        return count + (count == 1 ? " worker" : " workers");
    }

    private static String each(JobSpec spec) {
        return counted(Offered.thousandths(spec.cpus()), "CPU")
                + ", "
                + spec.memoryMib()
                + " MiB"
                + (spec.gpus() == 0 ? "" : ", " + counted(spec.gpus() * 1000L, "GPU"));
    }

    private static String counted(long thousandths, String one) {
        return number(thousandths) + " " + one + (thousandths == 1000 ? "" : "s");
    }

    private static String number(long thousandths) {
        return thousandths % 1000 == 0
                ? Long.toString(thousandths / 1000)
                : String.format(Locale.ROOT, "%.3f", thousandths / 1000.0).replaceFirst("0+$", "");
    }
}
