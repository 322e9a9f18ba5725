package dev.berth.gpu.health;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.health.DeviceHealth.Cure;
import dev.berth.isolator.ContainerId;

import java.util.Locale;
import java.util.Optional;

/**
 * What a signal means for the device that it concerns.
 *
 * @param input for {@link HealthPolicy}
 * @param weight what happens to it in a storm
 * @param action what is done about it, in one line for people
 */
public record Diagnosis(HealthInput input, Weight weight, String action) {
    private static final int SAID_CHARS = 200;

    /** How much depends on a signal's being heard. */
    public enum Weight {
        /** Nothing follows. */
        NOTE,
        /** Counts against a program or the device. */
        FAULT,
        /** The device's state depends on it: a storm of others never hides it. */
        GRAVE
    }

    /** Reads a signal; pure. */
    public static Diagnosis of(HealthSignal signal) {
        String detail = signal.detail();
        return switch (signal.kind()) {
            case XID -> xid(signal.code(), detail);
            case SXID -> sxid(signal.code(), detail);
            case ECC_UNCORRECTED ->
                    needs(Cure.RESET, false, "uncorrectable memory error" + said(detail));
            case ROW_REMAP_PENDING ->
                    needs(
                            Cure.RESET,
                            false,
                            "a memory row is replaced at the next reset" + said(detail));
            case ROW_REMAP_FAILED ->
                    needs(
                            Cure.OPERATOR,
                            false,
                            "no spare memory rows are left: replace the board" + said(detail));
            case SRAM_THRESHOLD ->
                    needs(
                            Cure.OPERATOR,
                            false,
                            "too many errors in the GPU's caches: replace the board"
                                    + said(detail));
            case GPU_LOST ->
                    needs(Cure.REBOOT, true, "the GPU does not answer on PCI" + said(detail));
            case RESET_REQUIRED ->
                    needs(Cure.RESET, true, "the driver requires a reset" + said(detail));
            case RECOVERY_ACTION -> recovery(RecoveryAction.of(signal.code()), detail);
            case PROBE_HUNG ->
                    grave(
                            new HealthInput.Unreachable(
                                    "the driver does not answer" + said(detail)),
                            "it is not given out until it answers");
            case PROBE_ANSWERS -> grave(new HealthInput.Reachable(), "it is verified");
            case VERSION_MISMATCH ->
                    grave(
                            new HealthInput.Unreachable(
                                    "library and kernel module differ" + said(detail)),
                            "it is not given out until the driver is loaded anew");
            case EVENTS_LOST -> grave(new HealthInput.EventsLost(), "the GPU is looked at");
        };
    }

    private static Diagnosis xid(int code, String detail) {
        XidCatalog.Entry entry = XidCatalog.of(code);
        String reason = "XID " + code + ": " + entry.meaning();
        String action = entry.action() + ": " + entry.action().sentence();
        return switch (entry.action().treatment()) {
            case NOTE -> new Diagnosis(new HealthInput.Noted(), Weight.NOTE, action);
            case APPLICATION ->
                    new Diagnosis(
                            new HealthInput.ApplicationFault(code, reason, Optional.empty()),
                            Weight.FAULT,
                            action);
            case WATCH ->
                    new Diagnosis(new HealthInput.DeviceFault(code, reason), Weight.FAULT, action);
            case RESET_WHEN_IDLE -> grave(new HealthInput.Needs(Cure.RESET, false, reason), action);
            case RESET -> grave(new HealthInput.Needs(Cure.RESET, true, reason), action);
            case REBOOT -> grave(new HealthInput.Needs(Cure.REBOOT, true, reason), action);
            case BY_WORDS ->
                    entry.action() == XidAction.XID_154
                            ? XidCatalog.recoveryAction(detail)
                                    .map(to -> recovery(to, detail))
                                    .orElseGet(() -> watch(code, reason + said(detail), action))
                            : byWords(code, reason, detail, action);
        };
    }

    /** NVLink 5: the kernel's line says how bad it is; NVML's event does not, and then the driver's recovery action will. */
    private static Diagnosis byWords(int code, String reason, String detail, String action) {
        String words = detail.toLowerCase(Locale.ROOT);
        if (words.contains("nonfatal") || words.contains("non-fatal")) {
            return new Diagnosis(new HealthInput.Noted(), Weight.NOTE, action);
        }
        return words.contains("fatal")
                ? grave(new HealthInput.Needs(Cure.RESET, true, reason), action)
                : watch(code, reason, action);
    }

    private static Diagnosis sxid(int code, String detail) {
        String words = detail.toLowerCase(Locale.ROOT);
        String reason = "NVSwitch error " + code + said(detail);
        return words.contains("non-fatal") || words.contains("nonfatal")
                ? new Diagnosis(new HealthInput.Noted(), Weight.NOTE, "nothing to do")
                : watch(
                        code,
                        reason,
                        "every GPU behind the switch is looked at before it is given out again");
    }

    private static Diagnosis recovery(RecoveryAction wanted, String detail) {
        String reason = "the driver wants: " + wanted.words() + said(detail);
        return switch (wanted) {
            case NONE ->
                    new Diagnosis(
                            new HealthInput.Noted(), Weight.NOTE, "the driver wants nothing more");
            case UNKNOWN -> watch(154, reason, "the GPU is looked at before it is given out again");
            case GPU_RESET, NODE_REBOOT, DRAIN_P2P, DRAIN_AND_RESET, RECOVER_IMEX_DOMAIN ->
                    grave(
                            new HealthInput.Needs(wanted.cure(), wanted.urgent(), reason),
                            "as the driver wants: " + wanted.words());
        };
    }

    private static Diagnosis watch(int code, String reason, String action) {
        return new Diagnosis(new HealthInput.DeviceFault(code, reason), Weight.FAULT, action);
    }

    private static Diagnosis needs(Cure cure, boolean urgent, String reason) {
        String action =
                switch (cure) {
                    case NONE, VERIFICATION -> "it is verified when its work has ended";
                    case RESET ->
                            urgent ? "it must be reset" : "it is reset when its work has ended";
                    case REBOOT -> "the node must be started again";
                    case OPERATOR -> "it is taken out of use when its work has ended";
                };
        return grave(new HealthInput.Needs(cure, urgent, reason), action);
    }

    private static Diagnosis grave(HealthInput input, String action) {
        return new Diagnosis(input, Weight.GRAVE, action);
    }

    private static String said(String detail) {
        if (detail.isBlank()) {
            return "";
        }
        String text = detail.strip();
        return " ("
                + (text.length() <= SAID_CHARS ? text : text.substring(0, SAID_CHARS) + "…")
                + ")";
    }

    /** The same with whose process it was. */
    Diagnosis blaming(Optional<ContainerId> container) {
        return input instanceof HealthInput.ApplicationFault(int code, String reason, var _)
                ? new Diagnosis(
                        new HealthInput.ApplicationFault(code, reason, container), weight, action)
                : this;
    }

    /** What a verification's answer means. A source that sees no process and cannot read the memory has not answered, unless a reset would settle it. */
    public static HealthInput of(Cleanliness found) {
        if (found.clean()) {
            return new HealthInput.Clean();
        }
        String problem = found.problem().orElseThrow();
        return found.pids().isEmpty() && found.memoryUsedBytes() < 0 && !found.resetHelps()
                ? new HealthInput.Unreachable(problem)
                : new HealthInput.Dirty(problem, found.resetHelps());
    }
}
