package dev.berth.master.cluster;

import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;

import java.util.Locale;
import java.util.function.Predicate;

/** New ids, in Mesos's format. Frameworks and agents may come with ids of their own choice, which are passed over. */
final class Ids {
    private final String master;
    private long nextFramework;
    private long nextAgent;

    /** Ids of one master, whose own id is new in each process. */
    Ids(String master) {
        this.master = master;
    }

    FrameworkId framework(Predicate<FrameworkId> taken) {
        while (true) {
            FrameworkId id =
                    new FrameworkId(String.format(Locale.ROOT, "%s-%04d", master, nextFramework++));
            if (!taken.test(id)) {
                return id;
            }
        }
    }

    AgentId agent(Predicate<AgentId> taken) {
        while (true) {
            AgentId id = new AgentId(master + "-S" + nextAgent++);
            if (!taken.test(id)) {
                return id;
            }
        }
    }
}
