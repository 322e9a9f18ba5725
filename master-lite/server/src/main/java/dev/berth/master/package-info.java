/**
 * The master: what agents have, who may have it, and who has it. This package holds the process only (its main and its flags), which joins the parts: {@code core} (the state machine, entry {@code MasterCore}),
 * {@code cluster} (its state and its outward interfaces), {@code scheduler} and {@code operator} (what calls do), {@code allocator} and {@code resources}, {@code registry}, {@code transport}. One conductor thread owns all
 * state; HTTP, registry and election meet it through queues.
 */
@NullMarked
package dev.berth.master;

import org.jspecify.annotations.NullMarked;
