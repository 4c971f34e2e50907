#!/bin/sh
# fill.sh PROGRAM PAGE - a manual page with what the program says of itself: a line `.\" says ARGUMENTS` in PAGE becomes
# the output of `PROGRAM ARGUMENTS`, as it is.
set -eu
program=$1 page=$2
# A build under sanitizers may leak, here of all places nobody cares.
export ASAN_OPTIONS=detect_leaks=0

says() {
    echo '.nf'
    text=$("$program" "$@")
    printf '%s\n' "$text" | sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\([.']\)/\\\\\&\1/"
    echo '.fi'
}

while IFS= read -r line; do
    case $line in
        '.\" says '*)
            # shellcheck disable=SC2086 # words on purpose
            says ${line#'.\" says '} ;;
        '.\" commands')
            for command in $("$program" --help | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p'); do
                echo ".SS switchyard $command"
                says "$command" --help
            done ;;
        *) printf '%s\n' "$line" ;;
    esac
done <"$page"
