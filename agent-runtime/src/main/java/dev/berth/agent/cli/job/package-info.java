/** {@code berth job}, {@code berth node} and {@code berth offers}: what a master is asked. */
@NullMarked
package dev.berth.agent.cli.job;

import org.jspecify.annotations.NullMarked;
