/** Tests with a real agent on this kernel, as root. */
@NullMarked
package dev.berth.tests.root;

import org.jspecify.annotations.NullMarked;
