#!/bin/bash
# completion.sh PROGRAM COMPLETION - what the completion offers for some beginnings of a command line.
set -eu
program=$1
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
compopt() { :; }
# shellcheck disable=SC1090 # the subject
source "$2"
offers() { # WANTED WORDS...
    local wanted=$1
    shift
    COMP_WORDS=("$program" "$@") COMP_CWORD=$#
    _switchyard "$program"
    [[ " ${COMPREPLY[*]} " == *" $wanted "* ]] || { echo "after \"$*\": ${COMPREPLY[*]}, not $wanted"; exit 1; }
}
offers run r
offers compare comp
offers --resume run --re
offers --abi list --
offers switokd help swi
offers policy list p
