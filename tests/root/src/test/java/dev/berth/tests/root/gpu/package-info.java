/** Real containers with a driver that is made of small ELF files, on this kernel, as root. */
@NullMarked
package dev.berth.tests.root.gpu;

import org.jspecify.annotations.NullMarked;
