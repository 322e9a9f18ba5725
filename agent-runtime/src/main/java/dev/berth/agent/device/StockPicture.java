package dev.berth.agent.device;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceSample;
import dev.berth.gpu.health.DeviceHealth;
import dev.berth.gpu.health.HealthBook;
import dev.berth.gpu.health.SignalHistory;
import dev.berth.gpu.ledger.DeviceLedger;
import dev.berth.gpu.ledger.LedgerView;
import dev.berth.isolator.ContainerId;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;

/** One kind of devices as readers see it. Conductor. */
record StockPicture(
        DeviceLedger ledger,
        HealthBook health,
        Map<DeviceId, DeviceSample> samples,
        IntFunction<Optional<ContainerId>> owner) {
    DeviceSnapshot.Kind take(String source, boolean working, String reason) {
        Map<DeviceId, LedgerView.DeviceView> states = new HashMap<>();
        ledger.view().devices().forEach(device -> states.put(device.id(), device));
        List<DeviceSnapshot.Entry> entries = new ArrayList<>();
        for (Device device : ledger.table().devices()) {
            entries.add(entry(device, states.get(device.id())));
        }
        return new DeviceSnapshot.Kind(ledger.table(), source, working, reason, entries);
    }

    private DeviceSnapshot.Entry entry(Device device, LedgerView.@Nullable DeviceView state) {
        DeviceId id = device.id();
        Optional<DeviceHealth> well = health.health(id);
        Optional<DeviceSample> sample = Optional.ofNullable(samples.get(id));
        String words = well.map(DeviceHealth::reason).orElse("");
        return new DeviceSnapshot.Entry(
                device,
                state == null ? "VERIFYING" : state.state().name(),
                well.map(h -> h.state().name()).orElse("HEALTHY"),
                words.isEmpty() && state != null ? state.reason() : words,
                well.map(DeviceHealth::sinceNs).orElse(0L),
                state == null ? Optional.empty() : state.holder(),
                sample,
                owners(sample),
                signals(id));
    }

    private Map<Integer, ContainerId> owners(Optional<DeviceSample> sample) {
        Map<Integer, ContainerId> owners = new HashMap<>();
        if (sample.isPresent()) {
            for (DeviceSample.ProcessUse process : sample.get().processes()) {
                owner.apply(process.pid()).ifPresent(id -> owners.put(process.pid(), id));
            }
        }
        return owners;
    }

    private List<DeviceSnapshot.Signal> signals(DeviceId id) {
        List<DeviceSnapshot.Signal> signals = new ArrayList<>();
        for (SignalHistory.Seen seen : health.history(id)) {
            String times = seen.count() > 1 ? " (" + seen.count() + " times)" : "";
            signals.add(
                    new DeviceSnapshot.Signal(
                            seen.lastNs(),
                            seen.kind().name(),
                            seen.code(),
                            seen.detail() + times,
                            seen.source(),
                            seen.pid(),
                            seen.container(),
                            seen.action()));
        }
        return signals;
    }
}
