package dev.berth.containerizer.image.store;

/** The points of a pull between two effects, in order: the kill -9 test ends the agent at each. */
public enum PullStep {
    /** The manifest is known and verified; nothing is written. */
    RESOLVED,
    /** The configuration is known; layers are about to be fetched. */
    CONFIGURED,
    /** A layer's partial file is open, no byte is in it yet. */
    LAYER_OPENED,
    /** Some of a layer's bytes are written. */
    LAYER_FETCHING,
    /** All of a layer's bytes are there and their digest is verified. */
    LAYER_VERIFIED,
    /** A layer's tree is complete and still under {@code tmp}. */
    LAYER_UNPACKED,
    /** A layer's tree has its name; its partial file still stands. */
    LAYER_COMMITTED,
    /** All layers are there; nothing is synced. */
    LAYERS_COMPLETE,
    /** All content is durable; no image names it. */
    SYNCED,
    /** The configuration is written; no image names it. */
    CONFIG_WRITTEN,
    /** The image is there. */
    IMAGE_COMMITTED
}
