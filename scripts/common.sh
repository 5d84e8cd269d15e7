# Sourced by the scripts beside it: where things are, and how to say what is done.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${PENUMBRA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/penumbra}
torch_version=2.11.0
export LIBTORCH_ROOT=${LIBTORCH_ROOT:-$cache/libtorch-$torch_version/torch}
export PATH=$cache/tools/bin:$PATH

say() { printf '==> %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Runs a command quietly; on failure shows the end of what it said.
quietly() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    rm -f "$log"
    die "failed: $*"
  fi
  rm -f "$log"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; return; fi
  command -v sudo >/dev/null || die "neither root nor sudo: ask an administrator for: $*"
  sudo "$@"
}

# install_packages NAME...: Debian packages that are not there yet.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  if [ ${#missing[@]} = 0 ]; then say "packages: present"; return; fi
  command -v apt-get >/dev/null || die "this system has no apt-get; install the equivalents of: ${missing[*]}"
  say "packages: installing ${missing[*]}"
  quietly as_root apt-get update
  quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

# Prometheus, promtool and Alertmanager from Debian's packages, unpacked into the cache: installed, they would start as services.
prometheus=$cache/prometheus/usr/bin
install_prometheus() {
  if [ -x "$prometheus/promtool" ] && [ -x "$prometheus/prometheus-alertmanager" ]; then say "prometheus: $prometheus"; return; fi
  command -v apt-get >/dev/null || die "this system has no apt-get; put prometheus, promtool and prometheus-alertmanager into $prometheus"
  say "prometheus: fetching it into $cache/prometheus"
  local folder
  folder=$(mktemp -d)
  chmod 777 "$folder"  # apt fetches as a user of its own
  (cd "$folder" && quietly apt-get download prometheus prometheus-alertmanager)
  for package in "$folder"/*.deb; do quietly dpkg-deb -x "$package" "$cache/prometheus"; done
  rm -r "$folder"
}

# mpirun refuses root unless it is told twice.
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
