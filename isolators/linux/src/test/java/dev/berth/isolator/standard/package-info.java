/** What the isolators of every container refuse and grant, without a kernel. */
@NullMarked
package dev.berth.isolator.standard;

import org.jspecify.annotations.NullMarked;
