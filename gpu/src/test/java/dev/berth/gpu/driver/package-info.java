@NullMarked
package dev.berth.gpu.driver;

import org.jspecify.annotations.NullMarked;
