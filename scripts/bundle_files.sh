# Sourced by scripts that carry the built program to other machines. It copies the program, Open MPI
# 4 or 5 and the other libraries, without LibTorch, into a folder that can be moved.
#
#   carry_program FOLDER TORCH PROGRAM...
#     fills FOLDER/{bin,lib,share,etc}. TORCH is the way from FOLDER to the folder that holds torch/
#     and nvidia/, such as "." or "../..".
#   open_mpi_variables
#     prints lines "NAME FOLDER": by these variables Open MPI finds its parts in the moved folder.
#
# Needs scripts/common.sh, a finished build, patchelf, and Debian's or Ubuntu's Open MPI.
libraries=/usr/lib/$(uname -m)-linux-gnu

# Every system has these, or they come with LibTorch.
from_system='/lib(c|m|dl|pthread|rt|resolv|util)\.so|/ld-linux|/libstdc\+\+|/libgcc_s|/libgomp'
from_system+='|torch|/nvidia/|/libc10|/usr/local/|cuda'
# Plug-ins for fabrics need their drivers' libraries. The bundle uses TCP and shared memory.
fabrics='libuc[pst]|libfabric|libpsm|libibverbs|librdmacm|libpmi\.|libpmi2|liboshmem|libnl|libmunge'
fabrics+='|libcuda|libopen-trace|libscif|libportals|libmca_common_(ucx|ofi|verbs)'

open_mpi_major() {
  local version
  version=$(mpirun --version 2>/dev/null | sed -n 's/^mpirun (Open MPI) \([0-9]*\)\..*/\1/p')
  case $version in
    4 | 5) echo "$version" ;;
    *) die "mpirun is not that of Open MPI 4 or 5: $(command -v mpirun || echo none)" ;;
  esac
}

open_mpi_variables() {
  cat <<'VARIABLES'
OPAL_PREFIX .
OPAL_BINDIR bin
OPAL_LIBDIR lib
OPAL_PKGLIBDIR lib/openmpi
OPAL_DATADIR share
OPAL_PKGDATADIR share/openmpi
OPAL_SYSCONFDIR etc
PMIX_PREFIX .
PMIX_LIBDIR lib
PMIX_PKGLIBDIR lib/pmix
PMIX_PKGDATADIR share/pmix
PRTE_PREFIX .
PRTE_BINDIR bin
PRTE_LIBDIR lib
PRTE_PKGDATADIR share/prte
PRTE_SYSCONFDIR etc
VARIABLES
}

needs_of() { ldd "$@" 2>/dev/null | awk '/=> \//{print $3}' | sort -u; }

copy_plugins() {  # FROM TO
  local plugin needs
  for plugin in "$1"/*.so; do
    needs=$(ldd "$plugin")
    if [ "$(basename "$plugin")" = mca_pmix_ext3x.so ] || ! [[ $needs =~ $fabrics ]]; then
      cp "$plugin" "$2/"
    fi
  done
}

# Open MPI 4 starts ranks with orterun and orted, and its parts are plug-ins. Open MPI 5 starts them
# with PRRTE's prterun and prted. Debian builds the parts of 5, the fabrics too, into its libraries.
copy_open_mpi() {  # FOLDER
  local plugins pmix major
  major=$(open_mpi_major)
  pmix=$(find "$libraries" -maxdepth 1 -name 'pmix*' | head -n 1)
  [ -d "$pmix/lib/pmix" ] || die "$libraries has no plug-ins of PMIx: bundle on Debian or Ubuntu"
  mkdir -p "$1"/{lib/openmpi,lib/pmix,share/openmpi,share/pmix}
  cp /usr/share/openmpi/*.txt "$1/share/openmpi/"
  cp "$pmix"/share/pmix/*.txt "$1/share/pmix/"
  cp "$pmix"/lib/pmix/*.so "$1/lib/pmix/"
  if [ "$major" = 4 ]; then
    plugins=$(find "$libraries"/openmpi/lib -maxdepth 1 -name 'openmpi*' | head -n 1)
    [ -d "$plugins" ] || die "$libraries has no plug-ins of Open MPI: bundle on Debian or Ubuntu"
    copy_plugins "$plugins" "$1/lib/openmpi"
    launchers=(orterun orted)
    cp -L /usr/bin/orterun /usr/bin/orted "$1/bin/"
    ln -s orterun "$1/bin/mpirun"
  else
    mkdir -p "$1/share/prte"
    cp /usr/share/prte/*.txt "$1/share/prte/"
    cp /etc/openmpi/*.conf "$1/etc/"  # with Debian's settings, which leave the fabrics out
    launchers=(mpirun prterun prted)
    cp -L /usr/bin/mpirun /usr/bin/prterun /usr/bin/prted "$1/bin/"
  fi
}

# The modules that penumbra loads when they are asked for: the face detector, the CUDA half.
copy_modules() {  # FOLDER
  local module
  for module in cascade cuda; do
    if [ -e "$root/build/lib/libpenumbra_$module.so" ]; then
      cp "$root/build/lib/libpenumbra_$module.so" "$1/lib/"
    fi
  done
  if [ -e "$1/lib/libpenumbra_cascade.so" ]; then
    mkdir -p "$1/share/opencv4"
    cp /usr/share/opencv4/haarcascades/haarcascade_frontalface_alt2.xml "$1/share/opencv4/"
  fi
}

copy_libraries() {  # FOLDER: what its programs and libraries need
  local library files
  mapfile -t files < <(find "$1/bin" "$1/lib" -type f)
  needs_of "${files[@]}" | grep -vE "$from_system" | while read -r library; do
    cp -L "$library" "$1/lib/"
  done
}

# Removes symbols, and lets launchers and libraries find libraries by their own place.
make_movable() {  # FOLDER
  (cd "$1/bin" && set_run_path '$ORIGIN/../lib' "${launchers[@]}")
  find "$1/lib" -maxdepth 1 -type f -exec patchelf --force-rpath --set-rpath '$ORIGIN' {} +
  find "$1"/lib/*/ -type f -exec patchelf --force-rpath --set-rpath '$ORIGIN/..' {} +
  find "$1/bin" "$1/lib" -type f -exec strip --strip-unneeded {} +
}

set_run_path() { patchelf --force-rpath --set-rpath "$@"; }

carry_program() {
  local folder=$1 torch=$2 launchers=()
  shift 2
  mkdir -p "$folder"/{bin,lib,share,etc}
  cp "$@" "$folder/bin/"
  copy_modules "$folder"
  copy_open_mpi "$folder"
  copy_libraries "$folder"
  torch=\$ORIGIN/../$torch
  torch=$torch/torch/lib:$torch/nvidia/cu13/lib:$torch/nvidia/nccl/lib
  (cd "$folder/bin" && set_run_path "\$ORIGIN/../lib:$torch" "${@##*/}")
  make_movable "$folder"
}
