@NullMarked
package dev.berth.gpu.ledger;

import org.jspecify.annotations.NullMarked;
