#!/bin/sh
# test.sh [SWITCHYARD] - a run with it takes three steps.
set -eu
switchyard=${1:-switchyard}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$switchyard" check my_plugin-base.cfg >/dev/null
"$switchyard" run my_plugin-base.cfg --quiet --steps 3 --out "$folder/run"
