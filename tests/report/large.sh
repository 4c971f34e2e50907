#!/bin/sh
# large.sh BUILD - what a report of 200 finished runs of 300 epochs costs: less than 5 s and 300 MB are promised. Not a
# test of the suite, since time depends on the machine. Needs 500 MB below TMPDIR.
set -eu
build=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$build/tests/report/make_suite" "$folder/large" 20 10 300 20 100
for form in text html; do
  echo "--format $form:"
  /usr/bin/time -f '  %e s, of them %U s computing; %M KiB at most' \
    "$build/switchyard" report "$folder/large" --format $form >/dev/null
done
