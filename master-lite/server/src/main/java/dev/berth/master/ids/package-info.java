/**
 * Names of what the master knows: one record each, so that no name stands for another's kind. Imports nothing, so that allocator, resources and registry can use them.
 */
@NullMarked
package dev.berth.master.ids;

import org.jspecify.annotations.NullMarked;
