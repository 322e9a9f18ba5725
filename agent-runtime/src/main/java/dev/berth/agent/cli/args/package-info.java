/**
 * A small command-line parser with docker's conventions: {@code -dit}, {@code -eA=1}, {@code --flag=value}, {@code --}. It exists because a general library would cost about 100 ms at every start.
 *
 * <p>Thread: any; everything is immutable. Entry type: {@link dev.berth.agent.cli.args.ArgumentParser}.
 */
@NullMarked
package dev.berth.agent.cli.args;

import org.jspecify.annotations.NullMarked;
