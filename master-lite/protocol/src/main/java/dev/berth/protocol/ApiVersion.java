package dev.berth.protocol;

/** The version of Mesos whose API master and agent speak. Clients look at it and want 1.11.0 at least; Berth's own version is told elsewhere. */
public final class ApiVersion {
    /** As MasterInfo, VersionInfo and {@code /version} tell it. */
    public static final String MESOS = "1.11.0";

    private ApiVersion() {}
}
