/** Frameworks of ours, on the public scheduler API only: batch jobs and gangs. */
@NullMarked
package dev.berth.jobs;

import org.jspecify.annotations.NullMarked;
