/** The house rules as tests: module walls, bans and struct layouts. Each rule also runs on a deliberately broken example and must catch it. */
@NullMarked
package dev.berth.tests.arch;

import org.jspecify.annotations.NullMarked;
