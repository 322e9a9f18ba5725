/**
 * Namespaces: which ones a container gets, which it shares, and its names. A contribution only; nothing is held here.
 *
 * <p>Thread: any. Entry: {@link dev.berth.isolator.namespace.NamespaceIsolator}.
 */
@NullMarked
package dev.berth.isolator.namespace;

import org.jspecify.annotations.NullMarked;
