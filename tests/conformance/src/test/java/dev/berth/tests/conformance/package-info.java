/** The Docker Engine API as real clients use it: the docker command line, and Docker's own order of attach, wait and start. Needs root and the real kernel. */
@NullMarked
package dev.berth.tests.conformance;

import org.jspecify.annotations.NullMarked;
