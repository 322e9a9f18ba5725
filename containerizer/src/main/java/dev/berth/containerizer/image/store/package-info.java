/**
 * The image store of one data-root. Its one stored form of a layer is the unpacked tree; compressed bytes are kept only while a pull is not finished.
 *
 * <pre>
 * DATA-ROOT/image/              0700
 *   lock                        flock of the process that has the store open
 *   boot                        boot id of the last use
 *   state.json                  images: id, tags, repository digests; replaced by rename
 *   configs/ALG-HEX             exact bytes of configurations, by image id
 *   layers/ALG-HEX/fs           tree of a layer, by diff id, in overlayfs's form
 *   layers/ALG-HEX/layer.json   its size, and the directories that it does not describe
 *   layers/attributes-HEX/fs    directories of one image whose owner and mode come from lower layers
 *   partial/ALG-HEX             verified prefix of a blob being pulled
 *   partial/ALG-HEX.prefixes    lines "offset digest-of-the-prefix"
 *   leases/NAME                 link whose target is the image id
 *   tmp/                        what is being made or removed; emptied at open
 * </pre>
 *
 * <p>A layer appears by rename when its digests are verified. An image appears by rename of {@code state.json}, after one {@code syncfs(2)} has made all that it needs durable: a kill at any point loses
 * nothing that was committed, and a power cut only layers that no image has yet (they are dropped at the next open, when the boot id has changed).
 *
 * <p>Thread: the file lane; {@code list} and {@code find} on any. Entry type: {@link dev.berth.containerizer.image.store.DirectoryImageStore}.
 */
@NullMarked
package dev.berth.containerizer.image.store;

import org.jspecify.annotations.NullMarked;
