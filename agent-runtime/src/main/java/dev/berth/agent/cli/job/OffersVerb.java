package dev.berth.agent.cli.job;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.view.Table;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Response.GetFrameworks;

/** {@code berth offers}. */
public final class OffersVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.JOBS,
                        "offers",
                        "List the offers that frameworks hold now",
                        0,
                        0,
                        MasterFlags.with(Format.FLAG))
                .examples("What is held by whom", "berth offers");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException {
        boolean json = Format.isJson(arguments);
        GetFrameworks all =
                MasterFlags.ask(cli, arguments, Call.Type.GET_FRAMEWORKS).getGetFrameworks();
        Table table = new Table("OFFER", "FRAMEWORK", "HOST", "ROLE", "CPUS", "MEM (MIB)", "GPUS");
        for (GetFrameworks.Framework framework : all.getFrameworksList()) {
            for (Offer offer : framework.getOffersList()) {
                if (json) {
                    Wire.print(cli, offer);
                }
                table.row(
                        offer.getId().getValue(),
                        framework.getFrameworkInfo().getName(),
                        offer.getHostname(),
                        offer.getAllocationInfo().getRole(),
                        Wire.sum(offer.getResourcesList(), "cpus"),
                        Wire.sum(offer.getResourcesList(), "mem"),
                        Wire.sum(offer.getResourcesList(), "gpus"));
            }
        }
        if (!json) {
            cli.out().print(table);
        }
        return 0;
    }
}
