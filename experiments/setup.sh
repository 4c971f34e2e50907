# What a machine needs to build and test Switchyard, for scripts to source:
#   . experiments/setup.sh; switchyard_setup build    the program and its plugins
#   . experiments/setup.sh; switchyard_setup tests    the same and the test suite
# Looks for what is missing; installs it on Debian and its kin, as root or through sudo; elsewhere, or without the right
# to, says what to do and returns 1. Says and does nothing, and needs no network, when all is there.

# One a line: probe, package, what for. Probes: command NAME, header NAME, library NAME (as pkg-config knows it).
switchyard_needs() {
  cat <<'END'
command cc|gcc|the C compiler
header stdio.h|libc6-dev|headers of the C library
command meson|meson|the build system
command ninja|ninja-build|runs what meson plans
command pkg-config|pkg-config|finds the libraries
library libconfig|libconfig-dev|reads experiment files
library jansson|libjansson-dev|writes journals and manifests
library libxxhash|libxxhash-dev|checksums of checkpoints and data
library openblas|libopenblas-dev|fast matrix products
library gsl|libgsl-dev|statistics of reports
library libmicrohttpd|libmicrohttpd-dev|the live page of reports
command gnuplot|gnuplot-nox|figures of reports
library libpng|libpng-dev|PNG pictures for predict
library stb|libstb-dev|resizes pictures for predict
command dot|graphviz|pictures of topologies
header oneapi/dnnl/dnnl.h|libdnnl-dev|fast convolutions
library lua5.4|liblua5.4-dev|switching rules as scripts
library libturbojpeg|libturbojpeg0-dev|reads JPEG images: Tiny-ImageNet, predict
END
  [ "$1" != tests ] || echo 'library criterion|libcriterion-dev|the test framework'
}

switchyard_has() {
  case $1 in
    command) command -v "$2" >/dev/null 2>&1 ;;
    header) echo "#include <$2>" | cc -E - >/dev/null 2>&1 ;;
    library) pkg-config --exists "$2" 2>/dev/null ;;
  esac
}

# Lines of switchyard_needs that this machine lacks.
switchyard_missing() {
  switchyard_needs "$1" | while IFS='|' read -r probe package purpose; do
    # shellcheck disable=SC2086 # two words on purpose
    switchyard_has $probe || echo "$probe|$package|$purpose"
  done
}

# switchyard_install PACKAGE...
switchyard_install() {
  switchyard_as=
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1 || { ! sudo -n true 2>/dev/null && [ ! -t 0 ]; }; then
      echo "Installing them needs root. Please run this and start again:" >&2
      echo "  apt-get update && apt-get install -y --no-install-recommends $*" >&2
      return 1
    fi
    switchyard_as=sudo
    echo "Installing them through sudo, which may ask for your password."
  fi
  switchyard_log=$(mktemp)
  echo "apt-get install -y --no-install-recommends $* ..."
  if { $switchyard_as apt-get update -q &&
    $switchyard_as env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; } \
    >"$switchyard_log" 2>&1 </dev/null; then
    rm -f "$switchyard_log"
    return 0
  fi
  cat "$switchyard_log" >&2
  rm -f "$switchyard_log"
  return 1
}

switchyard_setup() {
  switchyard_lacks=$(switchyard_missing "$1")
  [ -n "$switchyard_lacks" ] || return 0
  echo "This machine lacks:"
  echo "$switchyard_lacks" | while IFS='|' read -r probe package purpose; do
    echo "  $package ($purpose)"
  done
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "These are Debian's names; please install what your system calls them. Looked for:" >&2
    echo "$switchyard_lacks" | sed 's/|.*//; s/^/  /' >&2
    return 1
  fi
  # shellcheck disable=SC2046 # one word a package
  switchyard_install $(echo "$switchyard_lacks" | cut -d '|' -f 2) || return 1
  switchyard_lacks=$(switchyard_missing "$1")
  if [ -n "$switchyard_lacks" ]; then
    echo "Installed, but still not found: $(echo "$switchyard_lacks" | sed 's/|.*//' | tr '\n' ',')" >&2
    return 1
  fi
}
