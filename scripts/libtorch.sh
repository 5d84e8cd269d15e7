# Sourced by setup: LibTorch, which is a wheel of PyPI, and the NVIDIA packages that it requires on GPUs.
# Everything is unpacked into a private folder beside its place and then renamed: it is there whole or not
# at all.
torch_home=$cache/libtorch-$torch_version
# The wheel's own libraries need the first two even where no GPU is, and the module for CUDA graphs needs the headers of
# the last two to compile.
needed_everywhere=(nvidia-cuda-cupti==13.0.85 nvidia-cuda-runtime==13.0.96 nvidia-cuda-crt==13.0.88)

# Sets `pip` to the words that start a pip of 20.3 or later, which can fetch wheels for another Python.
find_pip() {
  pip=(python3 -m pip)
  at_least 20.3 "$("${pip[@]}" --version 2>/dev/null | cut -d ' ' -f 2)" && return
  make_tools
  pip=("$cache/tools/bin/python3" -m pip)
}

# A virtual environment for what comes from PyPI.
make_tools() {
  [ ! -x "$cache/tools/bin/pip" ] || return 0
  say "tools: a virtual environment in $cache/tools"
  quietly python3 -m venv "$cache/tools"
  quietly "$cache/tools/bin/python3" -m pip install --quiet --upgrade pip
}

# fetch_wheels FOLDER REQUIREMENT...: unpacks wheels for Python 3.12 there, whichever Python runs pip.
# Prints what went wrong.
fetch_wheels() {
  local folder=$1 machine platforms=() minor output
  shift
  machine=$(uname -m)
  for minor in $(seq 28 -1 17); do platforms+=(--platform "manylinux_2_${minor}_$machine"); done
  platforms+=(--platform "manylinux2014_$machine")
  mkdir -p "$folder.tmp" || return
  if output=$(env TMPDIR="$folder.tmp" PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
    "${pip[@]}" install --quiet --no-deps --no-compile --ignore-requires-python --only-binary=:all: \
    --implementation cp --python-version 3.12 --abi cp312 "${platforms[@]}" --target "$folder" "$@" 2>&1); then
    return 0
  fi
  if grep -q 'Retrying (' <<<"$output"; then
    echo "pip cannot reach the package index: see its proxy settings and PIP_INDEX_URL"
  else  # its last complaint is the one that ended it
    { grep -E '^ERROR: ' <<<"$output" || grep . <<<"$output" || echo "pip failed"; } | tail -n 1
  fi
  return 1
}

# check_space FOLDER MIB WHAT
check_space() {
  local free
  free=$(df -Pm "$1" | awk 'END { print $4 }')
  [ "$free" -ge "$2" ] ||
    die "$3 needs $2 MiB in $1, which has $free MiB free: make room, or name another folder in PENUMBRA_CACHE"
}

unwritable() { die "cannot write to $cache: set PENUMBRA_CACHE to a folder of yours"; }

# This script's own private folder, removed at the end whatever happens.
partial=
make_partial() {
  partial=$(mktemp -d "$1.partial-XXXXXX") || unwritable
  trap 'rm -rf "$partial"' EXIT
}

# One set-up at a time fetches into the cache. Where the file system has no locks, two do the same work
# and neither is hurt.
cache_lock=
lock_cache() {
  [ -z "$cache_lock" ] || return 0
  { mkdir -p "$cache" && [ -w "$cache" ]; } 2>/dev/null || unwritable
  exec {cache_lock}>"$cache/.lock"
  if ! flock -n "$cache_lock" 2>/dev/null; then
    say "LibTorch: waiting for another set-up"
    flock "$cache_lock" 2>/dev/null || return 0
  fi
  rm -rf "$torch_home".partial*  # of set-ups that were killed
}

unlock_cache() {
  [ -n "$cache_lock" ] || return 0
  exec {cache_lock}>&-
  cache_lock=
}

# Links to torch's own folders of headers, beside it: cmake/FindLibTorch.cmake says why. They are
# relative, because others may see the cache under another path.
link_headers() {
  local folder=$1/libtorch-include name
  mkdir -p "$folder" 2>/dev/null || return 0  # not ours to write: the build folder has links of its own
  for name in ATen c10 caffe2 torch; do
    [ "$(readlink "$folder/$name")" != "../torch/include/$name" ] || continue
    ln -s "../torch/include/$name" "$folder/.$name.$$" 2>/dev/null || return 0
    mv -fT "$folder/.$name.$$" "$folder/$name"
  done
}

has_libtorch() { [ -e "$LIBTORCH_ROOT/lib/libtorch_cpu.so" ]; }

install_libtorch() {
  if ! has_libtorch; then
    [ "$LIBTORCH_ROOT" = "$torch_home/torch" ] ||
      die "LIBTORCH_ROOT=$LIBTORCH_ROOT holds no lib/libtorch_cpu.so"
    lock_cache
  fi
  if has_libtorch; then
    say "LibTorch: $LIBTORCH_ROOT"
    [ "$LIBTORCH_ROOT" != "$torch_home/torch" ] || link_headers "$torch_home"
    unlock_cache
    return
  fi
  say "LibTorch: fetching $torch_version into $torch_home"
  check_space "$cache" 1800 LibTorch
  find_pip
  make_partial "$torch_home"
  local problem site=$partial/site
  problem=$(fetch_wheels "$site" "torch==$torch_version" "${needed_everywhere[@]}") ||
    die "LibTorch could not be fetched: $problem. Nothing of it is kept. Run this again to go on"
  [ -e "$site/torch/lib/libtorch_cpu.so" ] ||
    die "the wheel torch==$torch_version holds no torch/lib/libtorch_cpu.so"
  link_headers "$site"
  if ! has_libtorch; then  # still nobody has brought it
    [ ! -e "$torch_home" ] || mv -T "$torch_home" "$partial/remains"  # of a set-up that did not rename
    mv -T "$site" "$torch_home" 2>/dev/null || has_libtorch || die "cannot rename $site to $torch_home"
  fi
  rm -rf "$partial"
  unlock_cache
}

# The packages of NVIDIA that torch's metadata names for Linux, and those that cuda-toolkit names, which
# is a list of packages. What is there already, by its dist-info, is not fetched again.
install_gpu_half() {
  local site requirement metadata number=0 wanted
  site=$(cd "$LIBTORCH_ROOT/.." && pwd)
  metadata=$(echo "$site"/torch-"$torch_version"*.dist-info/METADATA)
  [ -e "$metadata" ] || die "$site has no metadata of torch $torch_version: unset LIBTORCH_ROOT"
  find_pip
  wanted=$(nvidia_requirements "$metadata")
  for requirement in $(grep '^cuda-toolkit' <<<"$wanted"); do
    install_gpu_package "$site" "${requirement%%[*}==${requirement##*==}" "list of packages"
    metadata=$(echo "$site"/cuda_toolkit-*.dist-info/METADATA)
    wanted+=$'\n'$(nvidia_requirements "$metadata" "$(sed 's/.*\[\(.*\)\].*/\1/' <<<"$requirement")")
  done
  wanted=$(grep '^nvidia-' <<<"$wanted" | sort) || die "$metadata names no packages of NVIDIA"
  for requirement in $wanted; do
    number=$((number + 1))
    install_gpu_package "$site" "$requirement" "$number of $(wc -l <<<"$wanted")"
  done
  unlock_cache
}

# nvidia_requirements METADATA [EXTRAS]: one requirement a line, without blanks.
nvidia_requirements() {
  "${pip[0]}" - "$@" <<'PYTHON'
import email, sys
from pip._vendor.packaging.requirements import Requirement
with open(sys.argv[1], encoding="utf-8") as file:
    texts = email.message_from_file(file).get_all("Requires-Dist") or []
extras = sys.argv[2].split(",") if len(sys.argv) > 2 else [""]
for requirement in map(Requirement, texts):
    marker = requirement.marker
    applies = marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)
    if applies and requirement.name.startswith(("nvidia-", "cuda-toolkit")):
        extras_text = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
        print(f"{requirement.name}{extras_text}{requirement.specifier}")
PYTHON
}

# install_gpu_package SITE REQUIREMENT WHICH: moves file by file, since programs may use the folders.
# Its dist-info comes last.
install_gpu_package() {
  local site=$1 requirement=$2 which=$3 info problem folder
  info=${requirement%%==*}
  info=${info//-/_}-${requirement##*==}
  info="$site/${info%.\*}*.dist-info"
  if compgen -G "$info" >/dev/null; then return; fi
  [ "$LIBTORCH_ROOT" = "$torch_home/torch" ] ||
    die "$requirement is missing in $site, which is not ours to change: install it there with pip"
  lock_cache
  if compgen -G "$info" >/dev/null; then return; fi  # another set-up has brought it
  say "GPU: $requirement ($which)"
  check_space "$cache" 1300 "$requirement"
  make_partial "$torch_home"
  problem=$(fetch_wheels "$partial/site" "$requirement") ||
    die "$requirement could not be fetched: $problem. Nothing of it is kept. Run this again to go on"
  while read -r folder; do
    mkdir -p "$site/$folder"
    find "$partial/site/$folder" -maxdepth 1 -not -type d -exec mv -f -t "$site/$folder" {} +
  done < <(cd "$partial/site" && find . -type d -not -path '*.dist-info*')
  mv -f -t "$site" "$partial"/site/*.dist-info 2>/dev/null || compgen -G "$info" >/dev/null
  rm -rf "$partial"
}
