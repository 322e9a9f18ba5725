package dev.berth.gpu.health;

/** The immediate action that NVIDIA's catalog names for an XID, in the catalog's own words. */
public enum XidAction {
    RESTART_APP("the program must be started again; the GPU is well", Treatment.APPLICATION),
    IGNORE("nothing to do", Treatment.NOTE),
    RESET_GPU("the GPU must be reset", Treatment.RESET),
    RESTART_BM("the node must be started again", Treatment.REBOOT),
    RESTART_VM("the virtual machine must be started again", Treatment.REBOOT),
    /** Follows another XID or a program's end; alone it says nothing against the GPU. */
    WORKFLOW_XID_45("nothing to do: another XID or a program's end caused it", Treatment.NOTE),
    /** Running work is let finish: XID 94 or 95 beside it says whether it was hit. */
    WORKFLOW_XID_48("the GPU must be reset when its work has ended", Treatment.RESET_WHEN_IDLE),
    WORKFLOW_NVLINK_ERR("the GPU must be reset when its work has ended", Treatment.RESET_WHEN_IDLE),
    /** The kernel's line says {@code Fatal} or {@code Nonfatal}. */
    WORKFLOW_NVLINK5_ERR("fatal: the GPU must be reset; else nothing to do", Treatment.BY_WORDS),
    XID_154("as the driver's recovery action says", Treatment.BY_WORDS),
    UPDATE_SWFW("driver or firmware must be updated", Treatment.WATCH),
    CHECK_MECHANICALS("power and seat of the board must be checked", Treatment.WATCH),
    CHECK_UVM("the GPU is looked at before it is given out again", Treatment.WATCH),
    CONTACT_SUPPORT("the GPU is looked at before it is given out again", Treatment.WATCH),
    /** The catalog lists the XID and names no action yet. */
    NONE("the GPU is looked at before it is given out again", Treatment.WATCH),
    /** The catalog does not have the XID. */
    UNKNOWN(
            "not in the catalog: the GPU is looked at before it is given out again",
            Treatment.WATCH);

    /** What we make of an action. */
    enum Treatment {
        NOTE,
        APPLICATION,
        /** Withheld from new work and verified as soon as it is idle; repeated, it is reset. */
        WATCH,
        RESET_WHEN_IDLE,
        RESET,
        REBOOT,
        BY_WORDS
    }

    private final String sentence;
    private final Treatment treatment;

    XidAction(String sentence, Treatment treatment) {
        this.sentence = sentence;
        this.treatment = treatment;
    }

    /** What is to be done, for people. */
    public String sentence() {
        return sentence;
    }

    Treatment treatment() {
        return treatment;
    }
}
