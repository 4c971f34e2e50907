#!/bin/sh
# Builds Switchyard and compares vanilla, DML and SwitOKD on the embedded data set: about two minutes on two cores.
#   sh experiments/quickstart.sh [switchyard compare options]
# Missing packages are installed (as root or through sudo) or named. Nothing is downloaded but those.
set -eu
cd "$(dirname "$0")/.."
. experiments/setup.sh
switchyard_setup build
[ -f build/build.ninja ] || meson setup build -Dtests=auto >build-setup.log 2>&1 || { cat build-setup.log; exit 1; }
rm -f build-setup.log
echo "building (build/) ..."
meson compile -C build >build/quickstart.log 2>&1 || { tail -n 40 build/quickstart.log; exit 1; }
exec build/switchyard compare experiments/quickstart/suite.cfg "$@"
