/**
 * System call filters: a compiler from profiles (Docker's JSON or runtime-spec {@code linux.seccomp}) to classic BPF, and the profile that containers have unless told otherwise ({@code default-profile.json}).
 *
 * <p>Thread: any; everything but the cache of {@link dev.berth.isolator.seccomp.SeccompCompiler} is immutable. Entry type: {@link dev.berth.isolator.seccomp.SeccompCompiler}. Source: seccomp(2),
 * Documentation/userspace-api/seccomp_filter.rst, runtime-spec config-linux "Seccomp".
 */
@NullMarked
package dev.berth.isolator.seccomp;

import org.jspecify.annotations.NullMarked;
