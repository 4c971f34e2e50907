#!/bin/sh
# languages.sh SOURCE - plugins of the four kinds that people write, built by an author who has the installed headers only,
# with gcc and clang, in C11 and in C++17, and run: every compiler's must do the same. Expects the installed program in
# PATH, switchyard.pc in PKG_CONFIG_PATH and, where it has its prefix written down, pkg-config's option in WHERE.
set -eu
source=$1
# shellcheck disable=SC2086 # words on purpose
cflags=$(pkg-config ${WHERE:-} --cflags switchyard)

fail() {
    echo "$*" >&2
    exit 1
}

for kind in loss topology network; do
    switchyard new "$kind" my_plugin --dir "new-$kind" >/dev/null
done

# build LANGUAGE FOLDER COMPILER OPTIONS... - policy.so, loss.so, topology.so and network.so in FOLDER.
build() {
    language=$1 folder=$2
    shift 2
    mkdir "$folder"
    for kind in policy loss topology network; do
        case $language-$kind in
        c-policy) file=$source/experiments/examples/my_rule.c ;;
        c-*) file=new-$kind/my_plugin.c ;;
        c++-network) file=$source/tests/install/cxx/network.cc ;;
        *) file=$source/tests/abi/cxx/$kind.cc ;;
        esac
        # shellcheck disable=SC2086 # words on purpose
        "$@" -Wall -Wextra -Werror -shared -fPIC -fvisibility=hidden $cflags -o "$folder/$kind.so" "$file" ||
            fail "$*: a $kind in $language does not compile against the installed headers"
        ! nm -D --undefined-only "$folder/$kind.so" | grep ' sy_' || fail "$*: a $kind wants to be linked"
    done
}

# run FOLDER POLICY - two steps in which each of the four has its part.
run() {
    cat >"$1/all.cfg" <<END
plugins = ["policy.so", "loss.so", "topology.so", "network.so"];
backend = "reference"; threads = 1;
data: { plugin = "shapes"; batch = 8; train = 32; test = 16; };
train: { epochs = 1; };
nodes: { teacher: { plugin = "my_plugin"; width = 2; role = "teacher"; };
         student: { plugin = "my_plugin"; width = 1; role = "student"; }; };
topology: { plugin = "my_plugin"; loss: { plugin = "my_plugin"; }; };
policy: { plugin = "$2"; };
END
    switchyard run "$1/all.cfg" --quiet --steps 2 --out "$1/run" || fail "$1: the run fails"
    [ "$(grep -c '"smoothed"' "$1/run/steps.jsonl")" -eq 2 ] || fail "$1: the policy did not decide two steps"
    if [ -f first.jsonl ]; then
        cmp first.jsonl "$1/run/steps.jsonl" || fail "$1: another compiler made another run of it"
    else
        cp "$1/run/steps.jsonl" first.jsonl
    fi
}

# Compilers are named by what they are called everywhere; sanitizers of the build are not for these.
for compiler in gcc clang; do
    if command -v "$compiler" >/dev/null; then
        build c "c11-$compiler" "$compiler" -std=c11 -O2 -Wpedantic -Wconversion -Wshadow
        run "c11-$compiler" my_rule
    else
        echo "no $compiler here: plugins are not built with it"
    fi
done
for compiler in g++ clang++; do
    if command -v "$compiler" >/dev/null; then
        # what a designated initialiser leaves out is a zero, on purpose
        build c++ "c++17-$compiler" "$compiler" -std=c++17 -O2 -Wconversion -Wno-missing-field-initializers
        run "c++17-$compiler" my_plugin
    else
        echo "no $compiler here: plugins are not built with it"
    fi
done
[ -f first.jsonl ] || fail "no compiler was found by the names gcc, clang, g++, clang++"
