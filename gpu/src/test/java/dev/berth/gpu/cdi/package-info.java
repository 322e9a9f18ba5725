@NullMarked
package dev.berth.gpu.cdi;

import org.jspecify.annotations.NullMarked;
