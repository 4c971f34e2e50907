#!/bin/sh
# dist.sh MESON NINJA BUILD SOURCE - `meson dist` packs what git knows: every file of the source tree that the build read must
# be known to it, so that the tarball builds. (That it does, and passes the suite: CONTRIBUTING.md, before a release.)
set -eu
meson=$1 ninja=$2 build=$3 source=$4
git -C "$source" rev-parse HEAD >/dev/null 2>&1 || {
    echo "this is no git repository: a tarball, perhaps"
    exit 77
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$build"
{
    "$meson" introspect --buildsystem-files
    "$meson" introspect --targets
} | tr ',[]{}' '\n\n\n\n\n' | sed -n 's/^.*"\(\/[^"]*\)"[ ]*$/\1/p' >"$folder/named"
"$ninja" -t deps 2>/dev/null | sed -n 's/^    //p' >>"$folder/named"
# only those of the source tree, and not what was built in it
sort -u "$folder/named" | xargs -d '\n' realpath -m -- | grep "^$source/" | grep -v "^$build/" | sed "s,^$source/,," |
    sort -u | while IFS= read -r name; do [ -d "$source/$name" ] || echo "$name"; done >"$folder/read"
git -C "$source" ls-files | sort >"$folder/known"
[ "$(wc -l <"$folder/read")" -gt 300 ] || { echo "the build seems to read $(wc -l <"$folder/read") files only"; exit 1; }
if ! comm -23 "$folder/read" "$folder/known" | grep . >"$folder/lost"; then
    exit 0
fi
echo "read by the build, but not in git, so not in a tarball either:"
cat "$folder/lost"
exit 1
