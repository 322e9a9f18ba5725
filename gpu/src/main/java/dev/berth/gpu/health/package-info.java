/**
 * Health of devices: what an XID means ({@link dev.berth.gpu.health.XidCatalog}), what follows from it ({@link dev.berth.gpu.health.HealthPolicy}), whose process it was ({@link
 * dev.berth.gpu.health.ProcessOwner}), and what is remembered. Entry type: {@link dev.berth.gpu.health.HealthBook}.
 *
 * <p>Thread: conductor; everything but {@code HealthBook} is pure or immutable.
 *
 * <p>The transitions; a test holds this table to the code. Columns, the state before: {@code H} HEALTHY, {@code Sa Sf Su} SUSPECT of APPLICATION, FAULT, UNREACHABLE, {@code Dr Do} DRAINING for a RESET, for the
 * OPERATOR, {@code R} RESETTING, {@code V} VERIFYING, {@code Fb Fo} FAILED with cure REBOOT, OPERATOR; cells: the state after, when held and when idle ({@code x|y}) where they differ; the letter {@code v} is the
 * cure VERIFICATION. {@code Kth}: {@code applicationFaults} of {@code distinctContainers}, or {@code deviceFaults}, are reached within the window. {@code had all}: {@code resetAttempts} are spent. Usable, that is
 * given out, are {@code H} and {@code Sa}.
 *
 * <pre>
 * input                 H     Sa    Sf    Su    Dr    Do    R     V     Fb    Fo
 * Noted                 H     Sa    Sf    Su    Dr    Do    R     V     Fb    Fo
 * ApplicationFault      Sa    Sa    Sf    Su    Dr    Do    R     V     Fb    Fo
 * ApplicationFault, Kth Dr|R  Dr|R  Dr|R  Dr|R  Dr    Do    R     V     Fb    Fo
 * DeviceFault           Sf|V  Sf|V  Sf|V  Su    Dr    Do    R     V     Fb    Fo
 * DeviceFault, Kth      Dr|R  Dr|R  Dr|R  Dr|R  Dr    Do    R     V     Fb    Fo
 * Needs NONE            H     Sa    Sf    Su    Dr    Do    R     V     Fb    Fo
 * Needs VERIFICATION    Dv|V  Dv|V  Dv|V  Dv|V  Dr|R  Do|Fo R     V     Fb    Fo
 * Needs RESET           Dr|R  Dr|R  Dr|R  Dr|R  Dr|R  Do|Fo R     Dr|R  Fb    Fo
 * Needs RESET, had all  Dr|Fo Dr|Fo Dr|Fo Dr|Fo Dr|Fo Do|Fo R     Dr|Fo Fb    Fo
 * Needs REBOOT          Db|Fb Db|Fb Db|Fb Db|Fb Db|Fb Do|Fo Fb    Db|Fb Fb    Fo
 * Needs OPERATOR        Do|Fo Do|Fo Do|Fo Do|Fo Do|Fo Do|Fo Fo    Do|Fo Fo    Fo
 * Unreachable           Su    Su    Su    Su    Dr    Do    R     Su    Fb    Fo
 * Reachable             H     Sa    Sf    H|V   Dr    Do    R     V     Fb    Fo
 * EventsLost            H     Sa    Sf    Su    Dr    Do    R     V     Fb    Fo
 * Held                  H     Sa    Sf    Su    Dr    Do    R     V     Fb    Fo
 * Idle                  H     Sa    V     Su    R     Fo    R     V     Fb    Fo
 * Clean                 H     Sa|H  Sf|H  Su|H  Dr    Do    R     H     Fb    Fo
 * Dirty, reset helps    H|R   Sa|R  Sf|R  Su    Dr    Do    R     Dr|R  Fb    Fo
 * Dirty, had all        H|Fo  Sa|Fo Sf|Fo Su    Dr    Do    R     Dr|Fo Fb    Fo
 * Dirty, no help        H|Fo  Sa|Fo Sf|Fo Su    Dr    Do    R     Do|Fo Fb    Fo
 * ResetDone             H     Sa    Sf    Su    Dr    Do    V     V     Fb    Fo
 * ResetFailed           H     Sa    Sf    Su    Dr    Do    Dr|R  V     Fb    Fo
 * ResetFailed, the last H     Sa    Sf    Su    Dr    Do    Fb    V     Fb    Fo
 * Released              H     Sa    Sf|V  Su|V  Dr    Do    R     V     Dv|V  Dv|V
 * Elapsed, too early    H     Sa    Sf    Su    Dr    Do    R     V     Fb    Fo
 * Elapsed               H     H     Sf    Su|V  Dr    Do    Fb    Su    Fb    Fo
 * </pre>
 */
@NullMarked
package dev.berth.gpu.health;

import org.jspecify.annotations.NullMarked;
