#!/bin/sh
# install.sh MESON BUILD SOURCE - installs with DESTDIR, moves the installation, and builds and runs a plugin against it,
# by pkg-config and with nothing else of the source or build tree.
set -eu
meson=$1 build=$2 source=$3
unset SWITCHYARD_PLUGIN_PATH PKG_CONFIG_PATH
# Plugins built here are plain ones, the program may be sanitised.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
    echo "$*" >&2
    exit 1
}

DESTDIR="$folder/stage" "$meson" install -C "$build" --no-rebuild --quiet
prefix=$(dirname "$(dirname "$(find "$folder/stage" -name switchyard -path '*/bin/*')")")
mv "$prefix" "$folder/moved" # a prefix nobody told the program about
cd "$folder"
PATH="$folder/moved/bin:$PATH"

# The program finds its own things where it lies now.
switchyard list policy >list || fail "list fails in a moved installation"
grep -q "$folder/moved/.*/switchyard/plugins/policies/switokd.so\|moved/.*/switchyard/plugins/policies/switokd.so" list ||
    fail "the installed plugins are not found: $(cat list)"
[ "$(switchyard list --include-dir)" = "$(realpath "$folder/moved/include")" ] || fail "list --include-dir is elsewhere"
for page in man1/switchyard.1 man5/switchyard-config.5 man7/switchyard-plugin.7; do
    [ -s "moved/share/man/$page" ] || fail "no manual page $page"
done
grep -q 'train.checkpoint\|checkpoint_every' moved/share/man/man5/switchyard-config.5 || fail "the page lacks the keys"
bash -n moved/share/bash-completion/completions/switchyard || fail "the completion does not parse"

# A plugin outside the tree, by pkg-config, into plugindir.
description=$(find "$folder/moved" -name switchyard.pc)
PKG_CONFIG_PATH=$(dirname "$description")
export PKG_CONFIG_PATH
# A build folder set up before pkgconfig.relocatable was the default has the prefix written down.
where=
grep -q '^prefix=${pcfiledir}' "$description" || where="--define-variable=prefix=$folder/moved"
plugindir=$(pkg-config $where --variable=plugindir switchyard)
[ -f "$plugindir/policies/switokd.so" ] || fail "plugindir is $plugindir, where there are no plugins"
# shellcheck disable=SC2046 # words on purpose
${CC:-cc} -std=c11 -Wall -Wextra -Werror -shared -fPIC $(pkg-config $where --cflags switchyard) \
    -o "$plugindir/policies/my_rule.so" "$source/experiments/examples/my_rule.c"
grep -v '^plugins' "$source/experiments/examples/my_rule.cfg" >my_rule.cfg
switchyard run my_rule.cfg --quiet --steps 2 --out run --set backend=reference --set threads=1 --set data.batch=8 \
    --set data.train=32 --set data.test=16 --set nodes.teacher.plugin=mlp --set 'nodes.teacher.hidden=[8]' \
    --set nodes.student.plugin=mlp --set 'nodes.student.hidden=[4]'
[ "$(grep -c '"smoothed"' run/steps.jsonl)" -eq 2 ] || fail "the plugin did not decide two steps"

WHERE=$where sh "$source/tests/install/languages.sh" "$source"
