@NullMarked
package dev.berth.gpu.edits;

import org.jspecify.annotations.NullMarked;
