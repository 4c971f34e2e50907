#!/bin/sh
# Builds Switchyard and compares vanilla, DML and SwitOKD on the embedded data set: under three minutes on two cores.
#   sh experiments/quickstart.sh [switchyard compare options]
# Missing packages are installed (as root or through sudo) or named. Nothing is downloaded but those.
set -eu
cd "$(dirname "$0")/.."
. experiments/setup.sh
switchyard_setup build
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "building (build/) ..."
if ! { { [ -f build/build.ninja ] || meson setup build -Dtests=disabled; } && meson compile -C build; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
rm -f "$log"
exec build/switchyard compare experiments/quickstart/suite.cfg "$@"
