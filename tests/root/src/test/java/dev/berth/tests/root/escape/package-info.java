/**
 * Attacks from inside containers and images, on real containers. Each runs twice: as it is, and must get nothing, and with the defence that it is about switched off, and must then succeed, so that an attack that has become harmless
 * for another reason is seen.
 */
@NullMarked
package dev.berth.tests.root.escape;

import org.jspecify.annotations.NullMarked;
