package dev.berth.containerizer.image.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.containerizer.image.Image;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.PullProgress;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.archive.OciImageWriter.Member;
import dev.berth.containerizer.image.registry.FaultyRegistry;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** kill -9 at every step of a pull: afterwards the store opens, holds the image or does not, and the next pull completes it. */
@Tag("root")
class PullCrashTest {
    private static final int NOISE_BYTES = 600_000;

    @TempDir Path dataRoot;

    @ParameterizedTest
    @EnumSource(PullStep.class)
    @Timeout(60)
    void aKilledPullLeavesNothingHalf(PullStep step) throws Exception {
        byte[] noise = new byte[NOISE_BYTES];
        new Random(11).nextBytes(noise);
        OciImageWriter writer =
                new OciImageWriter(Platform.host())
                        .layer(List.of(new Member.RegularFile("noise", 0644, noise)));
        try (FaultyRegistry registry = new FaultyRegistry()) {
            registry.add(writer, "1");
            String name = registry.host() + "/a/b:1";
            try (PullChild child = PullChild.start(dataRoot, name, step.name())) {
                assertThat(child.line()).contains("at " + step);
                child.kill();
            }
            long servedBefore = registry.blobBytesServed();
            try (DirectoryImageStore store =
                    DirectoryImageStore.open(
                            Linux.host(),
                            dataRoot,
                            ImageStoreOptions.defaults().withRegistry(FaultyRegistry.quick()))) {
                assertThat(dataRoot.resolve("image/tmp")).isEmptyDirectory();
                assertThat(store.list()).hasSize(step == PullStep.IMAGE_COMMITTED ? 1 : 0);
                Image image =
                        store.pull(
                                ImageReference.parse(name),
                                Platform.host(),
                                Optional.empty(),
                                PullProgress.NONE);
                List<OwnedFd> layers = store.acquireLayers(image.id(), "check");
                Path tree = Path.of("/proc/self/fd/" + layers.getFirst().number());
                assertThat(Files.readAllBytes(tree.resolve("noise"))).isEqualTo(noise);
                layers.forEach(OwnedFd::close);
                assertThat(dataRoot.resolve("image/partial"))
                        .satisfies(partial -> {
                            // A kill between the tree's name and the partial file's end leaves the
                            // file to the collector.
                            if (step != PullStep.LAYER_COMMITTED) {
                                assertThat(partial).isEmptyDirectory();
                            }
                        });
                store.release("check");
                store.collectGarbage();
                assertThat(dataRoot.resolve("image/partial")).isEmptyDirectory();
            }
            if (step.compareTo(PullStep.LAYER_VERIFIED) >= 0) {
                // What was verified before the kill is not fetched again: only the configuration
                // is, again.
                assertThat(registry.blobBytesServed() - servedBefore).isLessThan(10_000);
            }
        }
    }
}
