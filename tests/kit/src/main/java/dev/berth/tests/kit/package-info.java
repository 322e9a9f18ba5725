/** What the tests and benchmarks that run a real agent share: the agent as a child process on private directories, and a thin Engine API client. */
@NullMarked
package dev.berth.tests.kit;

import org.jspecify.annotations.NullMarked;
