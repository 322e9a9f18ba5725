package dev.berth.gpu.chardev;

import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceProvider;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.proc.DeadlineLane;
import dev.berth.gpu.proc.DeviceCare;
import dev.berth.gpu.proc.EventQueue;
import dev.berth.gpu.proc.HostFiles;
import dev.berth.gpu.proc.TableKeeper;
import dev.berth.linux.Linux;

import java.nio.file.Path;
import java.util.Map;

/**
 * Character devices of one configured resource. Nothing is known of their health; a device whose node is gone is no longer in the table after {@link #rescan}.
 *
 * <p>Thread: conductor.
 */
public final class CharDeviceProvider implements DeviceProvider {
    private final Linux linux;
    private final CharResource resource;
    private final Settings settings;
    private final HostFiles host;
    private final EventQueue events = new EventQueue();
    private final DeadlineLane lane;
    private final DeviceCare care;
    private final TableKeeper keeper;
    private boolean closed;

    /**
     * Where it looks and how long.
     *
     * @param hostRoot {@code /}, or a simulated host's root
     * @param procRoot where the processes are that may use a device: {@code /proc}
     * @param searchNs for a discovery or a search of processes
     * @param resetNs for a reset
     */
    public record Settings(Path hostRoot, Path procRoot, long searchNs, long resetNs) {
        private static final long SECOND = 1_000_000_000L;

        /** The usual times. */
        public static Settings of(Path hostRoot) {
            return new Settings(hostRoot, Path.of("/proc"), 5 * SECOND, 60 * SECOND);
        }
    }

    public CharDeviceProvider(Linux linux, CharResource resource, Settings settings) {
        this.linux = linux;
        this.resource = resource;
        this.settings = settings;
        this.host = new HostFiles(settings.hostRoot());
        this.lane = new DeadlineLane("berth-" + resource.name(), events);
        this.keeper = new TableKeeper(resource.resourceName());
        this.care =
                new DeviceCare(
                        linux,
                        lane,
                        new DeviceCare.Settings(
                                settings.hostRoot(),
                                settings.procRoot(),
                                resource.closedIsClean(),
                                "its configuration wants it reset before the next holder",
                                settings.searchNs(),
                                settings.resetNs()));
    }

    @Override
    public String name() {
        return "char/" + resource.name();
    }

    @Override
    public String resourceName() {
        return resource.resourceName();
    }

    @Override
    public void onNews(Runnable wake) {
        events.onNews(wake);
        rescan();
    }

    /** Looks at the nodes again. A changed table follows, or nothing. */
    public void rescan() {
        if (!closed && keeper.begin()) {
            lane.submit(
                    "discovery",
                    settings.searchNs(),
                    this::search,
                    reason ->
                            new DeviceEvent.SourceChanged(
                                    false, "discovery of " + name() + ": " + reason));
        }
    }

    private DeviceEvent search() {
        CharSearch search = new CharSearch(linux, host, resource);
        DeviceTable found = search.run();
        if (!search.leftOut().isEmpty()) {
            String reason = "left out: " + String.join("; ", search.leftOut());
            events.add(new DeviceEvent.SourceChanged(true, reason));
        }
        return new DeviceEvent.TableChanged(found);
    }

    @Override
    public int poll(DeviceEventHandler handler, int limit) {
        return keeper.poll(
                events,
                event -> {
                    care.note(event);
                    handler.onEvent(event);
                },
                limit);
    }

    @Override
    public void verify(DeviceId id) {
        if (!closed) {
            care.verify(id, keeper.table().find(id));
        }
    }

    @Override
    public void reset(DeviceId id) {
        if (!closed) {
            care.reset(id, keeper.table().find(id));
        }
    }

    @Override
    public void sample() {
        if (!closed) {
            care.sample(keeper.table().devices(), _ -> Map.of());
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            lane.close();
        }
    }
}
