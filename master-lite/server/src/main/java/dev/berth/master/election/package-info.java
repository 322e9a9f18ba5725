/**
 * Which of several masters leads: their election in ZooKeeper, in Mesos's format, which gives the leader the registry that no other may write. It blocks, on a thread of its own.
 *
 * <p>Entry: {@link dev.berth.master.election.Election}.
 */
@NullMarked
package dev.berth.master.election;

import org.jspecify.annotations.NullMarked;
