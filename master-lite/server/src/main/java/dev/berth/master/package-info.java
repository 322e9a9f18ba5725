/**
 * The master: what agents have, who may have it, and who has it. One conductor thread owns all state; HTTP, registry and election meet it through queues.
 */
@NullMarked
package dev.berth.master;

import org.jspecify.annotations.NullMarked;
