/**
 * JSON as a small immutable tree over Jackson's streaming reader: data binding would double the command line's start time.
 *
 * <p>Thread: any. Entry types: {@link dev.berth.agent.cli.json.Json} and {@link dev.berth.agent.cli.json.JsonReader}.
 */
@NullMarked
package dev.berth.agent.cli.json;

import org.jspecify.annotations.NullMarked;
