/**
 * What the agent remembers, in two classes of durability. Against power loss: a container's identity and configuration, one file each, written, synced and renamed before the answer. Against a crash of the
 * agent: starts, exits and stops, appended to a journal with a checksum per line before the next step.
 *
 * <p>Files below {@code DATA-ROOT/agent}: {@code containers/ID/config.json} beside the container's generated files, and {@code journal}.
 *
 * <p>Thread: records on the file lane, the journal on the conductor. Entry types: {@link dev.berth.agent.checkpoint.ContainerRecords}, {@link dev.berth.agent.checkpoint.Journal}.
 */
@NullMarked
package dev.berth.agent.checkpoint;

import org.jspecify.annotations.NullMarked;
