package dev.berth.containerizer.image.store;

import dev.berth.containerizer.image.layer.UnpackLimits;
import dev.berth.containerizer.image.registry.CredentialHelper;
import dev.berth.containerizer.image.registry.RegistryOptions;

import java.util.function.Consumer;

/**
 * How a store works.
 *
 * @param parallelLayers layers that are downloaded at the same time, over all pulls
 * @param crashPoints told of each step of a pull before the next; does nothing outside tests
 */
public record ImageStoreOptions(
        RegistryOptions registry,
        CredentialHelper credentialHelper,
        UnpackLimits limits,
        int parallelLayers,
        Consumer<PullStep> crashPoints) {

    public static ImageStoreOptions defaults() {
        return new ImageStoreOptions(
                RegistryOptions.defaults(),
                CredentialHelper.NONE,
                UnpackLimits.defaults(),
                3,
                _ -> {});
    }

    public ImageStoreOptions withRegistry(RegistryOptions options) {
        return new ImageStoreOptions(
                options, credentialHelper, limits, parallelLayers, crashPoints);
    }

    public ImageStoreOptions withCredentialHelper(CredentialHelper helper) {
        return new ImageStoreOptions(registry, helper, limits, parallelLayers, crashPoints);
    }

    public ImageStoreOptions withLimits(UnpackLimits given) {
        return new ImageStoreOptions(
                registry, credentialHelper, given, parallelLayers, crashPoints);
    }

    public ImageStoreOptions withCrashPoints(Consumer<PullStep> points) {
        return new ImageStoreOptions(registry, credentialHelper, limits, parallelLayers, points);
    }
}
