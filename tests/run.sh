#!/bin/sh
# Builds Switchyard and runs its test suite; on a bare Debian it installs what is missing first, or says what to install.
#   sh tests/run.sh [--compiler gcc|clang] [--sanitize address,undefined|thread] [--coverage] [meson test options]
# Without options the build lies in build/, else in a folder of its own. SWITCHYARD_MESON_ARGS: more options of meson
# setup, such as "-Dwerror=true".
set -eu
cd "$(dirname "$0")/.."

compiler=
sanitize=
coverage=
while [ $# -gt 0 ]; do
  case $1 in
    --compiler | --sanitize)
      [ $# -gt 1 ] || { echo "$1 wants a value; see the head of tests/run.sh" >&2; exit 2; }
      [ "$1" = --compiler ] && compiler=$2 || sanitize=$2
      shift 2 ;;
    --coverage) coverage=coverage; shift ;;
    *) break ;;
  esac
done
case $sanitize in
  '' | address | undefined | address,undefined | thread) ;;
  *) echo "--sanitize $sanitize: address, undefined, address,undefined and thread are understood" >&2; exit 2 ;;
esac

. experiments/setup.sh
switchyard_setup tests

build=build${compiler:+-$compiler}${sanitize:+-$(echo "$sanitize" | tr , -)}${coverage:+-$coverage}
options="-Dtests=enabled -Dwerror=false"
if [ -n "$sanitize" ]; then
  # b_lundef: sanitised plugins leave symbols to the sanitised program
  options="$options -Db_sanitize=$sanitize -Db_lundef=false -Dbuildtype=debugoptimized"
fi
if [ -n "$coverage" ]; then
  options="$options -Db_coverage=true -Dbuildtype=debug -Doptimization=1"
fi
if [ -n "$compiler" ]; then
  command -v "$compiler" >/dev/null 2>&1 || { echo "--compiler $compiler: there is no such program" >&2; exit 1; }
  export CC="$compiler"
fi
again=
[ ! -f "$build/build.ninja" ] || again=--reconfigure
# What the suite writes lies in here: afterwards nothing may be left.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/switchyard-suite-XXXXXX")
log=$(mktemp)
trap 'rm -rf "$log" "$scratch"' EXIT
echo "building ($build/) ..."
# shellcheck disable=SC2086 # words on purpose
if ! { meson setup $again $options ${SWITCHYARD_MESON_ARGS:-} "$build" && meson compile -C "$build"; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi

# A finding is a failure. The search for leaks reads what it noted of libraries' thread-local storage, also of libraries that
# are closed by now, as backends are that were not chosen, and died of that: it is not to note it.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:intercept_tls_get_addr=0}"
export LSAN_OPTIONS="${LSAN_OPTIONS:-suppressions=$PWD/tests/leaks.supp:print_suppressions=0}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1}"
fixed=
if [ "$sanitize" = thread ] && setarch "$(uname -m)" -R true 2>/dev/null; then
  # ThreadSanitizer wants its places in memory, which newer kernels give away at random.
  fixed="setarch $(uname -m) -R"
fi
# Nor does Criterion start under it; the tests called ...stress are programs of their own, made for it.
if [ "$sanitize" = thread ] && [ $# -eq 0 ]; then
  # shellcheck disable=SC2046 # one word a test
  set -- $(meson test -C "$build" --no-rebuild --list | sed -n 's/^.* //; /stress/p')
fi
# Sanitised code is several times slower, counted code too, which is no failure.
patience=
[ -z "$sanitize$coverage" ] || patience='--timeout-multiplier 10'
# Counters add up from run to run.
[ -z "$coverage" ] || find "$build" -name '*.gcda' -delete
status=0
# shellcheck disable=SC2086 # words on purpose
TMPDIR=$scratch $fixed meson test -C "$build" --no-rebuild --print-errorlogs $patience "$@" || status=$?
left=$(ls -A "$scratch")
if [ -n "$left" ]; then
  echo "the tests left behind, in TMPDIR:" >&2
  echo "$left" >&2
  [ "$status" -ne 0 ] || status=1
fi
[ "$status" -eq 0 ] || exit "$status"
# Criterion calls a test passed that leaked.
if grep -q LeakSanitizer "$build/meson-logs/testlog.txt"; then
  echo "memory leaks, see $build/meson-logs/testlog.txt:" >&2
  grep -A 12 LeakSanitizer "$build/meson-logs/testlog.txt" >&2
  exit 1
fi
