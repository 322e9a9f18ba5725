/** The real master under thousands of simulated agents and a hundred frameworks, through memory instead of sockets: all of decode, core, allocator and encode. */
@NullMarked
package dev.berth.tests.bench.scale;

import org.jspecify.annotations.NullMarked;
