#!/bin/sh
# docs.sh SOURCE_ROOT COMPILER... - every block of C in a README compiles, with warnings as errors.
set -eu
root=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
find "$root" -name README.md -not -path '*/build*' -exec grep -l '^```c$' {} + >"$folder/list" || true
count=0
while IFS= read -r readme; do
    rm -f "$folder"/block-*
    awk -v out="$folder/block-" '/^```c$/ {n++; inside=1; next} /^```/ {inside=0} inside {print > (out n ".c")}' "$readme"
    for block in "$folder"/block-*.c; do
        count=$((count + 1))
        "$@" -std=c11 -Wall -Wextra -Werror -shared -fPIC -I"$root/include" -o "$folder/block.so" "$block" || {
            echo "a block of C in $readme does not compile" >&2
            exit 1
        }
    done
done <"$folder/list"
[ "$count" -gt 0 ] || { echo "no block of C was found" >&2; exit 1; }
