package dev.berth.agent.conductor;

/** Every counter of the agent, with what it counts. */
public enum Counter {
    CONTAINERS_CREATED("containers created since the agent started"),
    CONTAINERS_STARTED("runs that reached their program"),
    CONTAINER_START_FAILURES("runs that did not reach their program"),
    CONTAINERS_EXITED("runs that ended"),
    CONTAINERS_REMOVED("containers removed"),
    CONTAINERS_RECOVERED("containers found running when the agent started"),
    CONTAINERS_OOM_KILLED("runs in which the kernel killed a process for memory"),
    EXECS_STARTED("further processes started in running containers"),
    EXEC_START_FAILURES("further processes that could not be started"),
    RESTARTS("starts made by a restart policy"),
    GUARDS_RESTORED(
            "device programs of running containers that somebody changed and that were put back"),
    GUARD_FAILURES("device programs that could not be looked at or put back"),
    DEVICES_GRANTED("devices that a container was given"),
    DEVICES_RELEASED("devices that came back from a container"),
    DEVICES_FOUND_CLEAN("devices that were found clean and are free"),
    DEVICES_QUARANTINED("devices that were not found clean and are kept from everybody"),
    DEVICE_REQUESTS_REFUSED("starts and attaches that got no devices"),
    DEVICE_RESETS("resets of devices that ended, whether they worked or not"),
    DEVICE_HEALTH_CHANGES("changes of a device's health"),
    DEVICE_HOLDERS_KILLED("containers killed because of a device that they held"),
    DEVICES_ATTACHED("devices given to containers that ran"),
    DEVICES_DETACHED("devices taken from containers that ran"),
    IMAGES_PULLED("images pulled"),
    IMAGE_PULL_FAILURES("pulls that failed"),
    HTTP_REQUESTS("requests of the local API"),
    HTTP_REQUEST_FAILURES("requests answered with a status of 500 or above"),
    HTTP_CONNECTIONS("connections accepted by the local API"),
    STREAM_BYTES("bytes of container output sent to attached clients"),
    COMMAND_FAILURES("commands that ended in a bug of ours, logged with their stack");

    private final String sentence;

    Counter(String sentence) {
        this.sentence = sentence;
    }

    public String sentence() {
        return sentence;
    }
}
