#!/bin/sh
# test.sh [SWITCHYARD] - the plugin passes the examination, and a run with it takes three steps.
set -eu
switchyard=${1:-switchyard}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$switchyard" probe my_plugin.so
"$switchyard" check my_plugin-base.cfg >/dev/null
"$switchyard" run my_plugin-base.cfg --quiet --steps 3 --out "$folder/run"
