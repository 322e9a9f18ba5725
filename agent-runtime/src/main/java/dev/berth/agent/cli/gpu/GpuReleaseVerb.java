package dev.berth.agent.cli.gpu;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.http.EngineException;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;

import java.io.IOException;
import java.util.List;

/** {@code berth gpu release}. */
public final class GpuReleaseVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.GPUS,
                        "release GPU...",
                        "Let quarantined or failed GPUs back in, once they verify clean",
                        1,
                        VerbSpec.ANY,
                        List.of(Inventory.RESOURCE))
                .in("gpu")
                .examples("After a repair", "berth gpu release GPU-5d1c0a77");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws CliException, IOException {
        Inventory inventory = Inventory.askForSome(cli, arguments);
        int code = 0;
        for (String name : arguments.operands()) {
            String id = inventory.resolve(name);
            try {
                cli.client().post(Query.of("/berth/gpus/" + Query.encode(id) + "/release")).close();
                cli.out().println(id);
            } catch (EngineException e) {
                cli.err().println("berth: " + e.getMessage());
                code = 1;
            }
        }
        return code;
    }
}
