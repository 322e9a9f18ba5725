@NullMarked
package dev.berth.gpu.choice;

import org.jspecify.annotations.NullMarked;
