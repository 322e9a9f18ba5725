/** The agent and the command line as their users meet them: real processes, a real terminal, real clients. */
@NullMarked
package dev.berth.tests.conformance;

import org.jspecify.annotations.NullMarked;
