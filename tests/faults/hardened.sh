#!/bin/sh
# Whether a release build is hardened as meson.build says.   hardened.sh READELF PROGRAM PLUGIN
set -eu
readelf=$1
program=$2
plugin=$3

has() { # FILE OPTION PATTERN WHAT
  "$readelf" -W "$2" "$1" | grep -q "$3" || { echo "$1: $4 is missing" >&2; exit 1; }
}

has "$program" -h 'Type: *DYN' "a position-independent program"
for file in "$program" "$plugin"; do
  has "$file" -l GNU_RELRO "relro"
  has "$file" -d 'BIND_NOW\|Flags:.*NOW' "immediate binding, for full relro"
  ! "$readelf" -W -l "$file" | grep 'GNU_STACK.*RWE' || { echo "$file: its stack is executable" >&2; exit 1; }
done
has "$program" --dyn-syms '__stack_chk_fail' "a guarded stack"
has "$program" --dyn-syms '__[a-z]*_chk' "checked copies"
