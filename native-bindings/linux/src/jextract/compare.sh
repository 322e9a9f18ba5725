#!/bin/sh
# Compares the hand-written bindings with what jextract makes of the same headers. Needs jextract (https://jdk.java.net/jextract) and a JDK 25 on the PATH, and the
# module's classes in target/classes. The build does not need it: tests/arch proves the same numbers with gcc.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
module=$(cd "$here/../.." && pwd)
out=$module/target/jextract
command -v jextract >/dev/null || {
    echo "compare.sh: no jextract on the PATH; tests/arch compares with gcc instead" >&2
    exit 2
}
[ -d "$module/target/classes" ] || {
    echo "compare.sh: no $module/target/classes: compile the module first" >&2
    exit 2
}
rm -rf "$out"
mkdir -p "$out/source" "$out/classes"
jextract @"$here/symbols.txt" --target-package kernel --output "$out/source" "$here/headers.h"
jextract @"$here/symbols.txt" --target-package libc --output "$out/source" -D BERTH_LIBC "$here/headers.h"
find "$out/source" -name '*.java' -exec javac -nowarn -d "$out/classes" {} +
exec java --enable-native-access=ALL-UNNAMED -cp "$out/classes:$module/target/classes" "$here/CompareLayouts.java"
