/**
 * What survives a master: SQLite for one, ZooKeeper for several. All of it blocks, on threads of its own; the conductor meets it through queues.
 */
@NullMarked
package dev.berth.master.registry;

import org.jspecify.annotations.NullMarked;
