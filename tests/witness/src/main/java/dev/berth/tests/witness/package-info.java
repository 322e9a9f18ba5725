/** Frameworks as others write them, on the public Mesos v1 API alone: nothing of Berth is imported. */
@NullMarked
package dev.berth.tests.witness;

import org.jspecify.annotations.NullMarked;
