# Sourced by the scripts beside it: where things are, and how to say what is done.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${PENUMBRA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/penumbra}
torch_version=2.11.0
export LIBTORCH_ROOT=${LIBTORCH_ROOT:-$cache/libtorch-$torch_version/torch}
export PATH=$cache/tools/bin:$PATH

say() { printf '==> %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Prints the comment at the head of a script.
usage_of() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$1"; }

# phase NAME COMMAND...: runs it, says how long it took, and notes that in `phases`.
phases=()
phase() {
  local name=$1 start=$SECONDS
  shift
  "$@"
  phases+=("$name $((SECONDS - start)) s")
  say "${phases[-1]}"
}

# at_least VERSION FOUND: whether what was found is that version or a later one.
at_least() { [ -n "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

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

need_root() {
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
    die "neither root nor sudo, so that this cannot be installed: $*.
Ask an administrator for it, or run scripts/setup --no-packages with libraries of your own: docs/clusters.md"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# install_packages NAME...: Debian packages that are not there yet. With PENUMBRA_NO_PACKAGES set none is installed.
install_packages() {
  if [ -n "${PENUMBRA_NO_PACKAGES:-}" ]; then say "packages: none is installed, as asked"; return; fi
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  if [ ${#missing[@]} = 0 ]; then say "packages: present"; return; fi
  command -v apt-get >/dev/null || die "this system has no apt-get.
Load or install what Penumbra needs. scripts/setup --no-packages names all that is missing: docs/clusters.md"
  need_root "${missing[@]}"
  say "packages: installing ${missing[*]}"
  quietly as_root apt-get update
  quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "${missing[@]}"
}

# Prometheus, promtool and Alertmanager from Debian's packages, unpacked into the cache: installed, they would start as services.
prometheus=$cache/prometheus/usr/bin
install_prometheus() {
  if [ -x "$prometheus/promtool" ] && [ -x "$prometheus/prometheus-alertmanager" ]; then say "prometheus: $prometheus"; return; fi
  command -v apt-get >/dev/null || die "this system has no apt-get; put prometheus, promtool and prometheus-alertmanager into $prometheus"
  say "prometheus: fetching it into $cache/prometheus"
  local folder package packages=(prometheus prometheus-alertmanager)
  if apt-cache show promtool >/dev/null 2>&1; then packages+=(promtool); fi  # Debian 13 has it apart
  mkdir -p "$cache"
  folder=$(mktemp -d "$cache/prometheus.partial-XXXXXX")
  trap 'rm -rf "$cache"/prometheus.partial-*' EXIT
  # As root, apt would fetch as a user of its own, who may not write here.
  (cd "$folder" && quietly apt-get -o APT::Sandbox::User=root download "${packages[@]}")
  for package in "$folder"/*.deb; do quietly dpkg-deb -x "$package" "$folder/unpacked"; done
  rm -rf "$cache/prometheus"
  mv -T "$folder/unpacked" "$cache/prometheus"
  rm -rf "$folder"
}

# mpirun refuses root unless it is told twice.
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
