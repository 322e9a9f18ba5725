/** Tests of whole containers on the real kernel, as root: what survives a kill -9 of the agent, and that nothing is left behind. */
@NullMarked
package dev.berth.tests.root;

import org.jspecify.annotations.NullMarked;
