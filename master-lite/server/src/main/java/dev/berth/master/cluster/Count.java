package dev.berth.master.cluster;

/** What the master counts, by Mesos's metric names where Mesos has it. */
public enum Count {
    OFFERS_SENT("master/messages_resource_offers_sent", "offers that frameworks were sent"),
    OFFERS_RESCINDED("master/offers_rescinded", "offers that were withdrawn"),
    ACCEPTS("master/messages_accept", "ACCEPT calls"),
    LAUNCHES("master/messages_launch_tasks", "LAUNCH and LAUNCH_GROUP operations"),
    DECLINES("master/messages_decline_offers", "DECLINE calls"),
    REVIVES("master/messages_revive_offers", "REVIVE calls"),
    SUPPRESSES("master/messages_suppress_offers", "SUPPRESS calls"),
    KILLS("master/messages_kill_task", "KILL calls"),
    RECONCILES("master/messages_reconcile_tasks", "RECONCILE calls"),
    ACKNOWLEDGEMENTS("master/messages_status_update_acknowledgement", "ACKNOWLEDGE calls"),
    MESSAGES_TO_EXECUTORS("master/messages_framework_to_executor", "MESSAGE calls"),
    MESSAGES_TO_FRAMEWORKS("master/messages_executor_to_framework", "messages of executors"),
    SUBSCRIBES("master/messages_register_framework", "SUBSCRIBE calls of new frameworks"),
    RESUBSCRIBES("master/messages_reregister_framework", "SUBSCRIBE calls of known frameworks"),
    TEARDOWNS("master/messages_unregister_framework", "TEARDOWN calls"),
    REGISTRATIONS("master/messages_register_slave", "registrations of new agents"),
    REREGISTRATIONS("master/messages_reregister_slave", "registrations of known agents"),
    STATUS_UPDATES("master/messages_status_update", "status updates of agents"),
    VALID_UPDATES("master/valid_status_updates", "status updates of known tasks"),
    INVALID_UPDATES(
            "master/invalid_status_updates", "status updates of unknown tasks or frameworks"),
    VALID_ACKS(
            "master/valid_status_update_acknowledgements", "acknowledgements that were passed on"),
    INVALID_ACKS(
            "master/invalid_status_update_acknowledgements", "acknowledgements that led nowhere"),
    TASKS_FINISHED("master/tasks_finished", "tasks that ended well"),
    TASKS_FAILED("master/tasks_failed", "tasks that failed"),
    TASKS_KILLED("master/tasks_killed", "tasks that were killed"),
    TASKS_ERROR("master/tasks_error", "tasks that were refused"),
    TASKS_LOST("master/tasks_lost", "tasks that were lost"),
    TASKS_DROPPED("master/tasks_dropped", "tasks that were never started"),
    TASKS_GONE("master/tasks_gone", "tasks whose agent lost them"),
    TASKS_GONE_BY_OPERATOR("master/tasks_gone_by_operator", "tasks whose agent was marked gone"),
    AGENTS_UNREACHABLE("master/slave_unreachable_completed", "agents that were marked unreachable"),
    AGENTS_REMOVED("master/slave_removals", "agents that were removed"),
    STREAMS_CUT(
            "berth/streams_cut", "streams that were closed since the client was too far behind"),
    REGISTRY_FAILURES("berth/registry_failures", "writes to the registry that failed");

    private final String metric;
    private final String sentence;

    Count(String metric, String sentence) {
        this.metric = metric;
        this.sentence = sentence;
    }

    /** The metric's name. */
    public String metric() {
        return metric;
    }

    /** What is counted. */
    public String sentence() {
        return sentence;
    }
}
