"""A clone, a cache and a PATH of a system that has nothing but what a test puts there. Compilers, CMake and
pip are stand-ins."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from penumbra import SOURCE

# Of the real system: what every Linux has.
EVERYWHERE = (
    """awk basename bash cat cp cut date df dirname env find getconf grep head id ln ls mkdir
    mktemp mv nproc printf readlink rm sed seq sh sleep sort tail touch tr true uname wc""".split()
)

TORCH_METADATA = """Metadata-Version: 2.4
Name: torch
Version: 2.11.0
Requires-Dist: filelock
Requires-Dist: cuda-toolkit[cublas,cudart]==13.0.2; platform_system == "Linux"
Requires-Dist: cuda-bindings<14,>=13.0.3; platform_system == "Linux"
Requires-Dist: nvidia-nccl-cu13==2.28.9; platform_system == "Linux"
Requires-Dist: nvidia-other==1.0; platform_system == "Windows"
Requires-Dist: triton==3.6.0; platform_system == "Linux"
"""
TOOLKIT_METADATA = """Metadata-Version: 2.1
Name: cuda-toolkit
Version: 13.0.2
Requires-Dist: nvidia-cublas==13.1.0.3.*; (sys_platform == 'linux') and extra == 'cublas'
Requires-Dist: nvidia-cuda-runtime==13.0.96.*; (sys_platform == 'linux') and extra == 'cudart'
Requires-Dist: nvidia-cufft==12.0.0.61.*; (sys_platform == 'linux') and extra == 'cufft'
"""

# Python with pip, which "installs" packages of empty files and logs what it is asked for. FAIL names a
# requirement that fails, OFFLINE why, WAIT the seconds that all takes, OLD_PIP the version of the pip.
PYTHON = """#!/bin/bash
echo "python3 $*" >>"$STUBS/log"
pip_version=$OLD_PIP
case $0 in */tools/bin/*) pip_version= ;; esac
case "$*" in
  "-m pip --version") echo "pip ${pip_version:-24.0} from there (python 3.6)"; exit ;;
  "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python3"; cp "$0" "$3/bin/pip"; exit ;;
  "-m pip install --quiet --upgrade pip" | "-c "*) exit ;;
  "-m pip install "*) ;;
  "- "*) exec "$REAL_PYTHON" "$@" ;;
  *) exit 1 ;;
esac
while [ "$1" != --target ]; do shift; done
target=$2
sleep "${WAIT:-0}"
for requirement in "${@:3}"; do
  name=${requirement%%==*} version=${requirement##*==}
  info=$target/${name//-/_}-${version%.\\*}.dist-info
  mkdir -p "$info"
  if [ "$requirement" = "$FAIL" ]; then
    mkdir -p "$target/torch/lib"
    touch "$target/torch/lib/libtorch_half.so"
    if [ -n "$OFFLINE" ]; then
      echo "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'"
      echo "ERROR: No matching distribution found for $requirement"
      exit 1
    fi
    echo "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    exit 1
  fi
  case $name in
    torch)
      mkdir -p "$target"/torch/{lib,include/{ATen,c10,caffe2,torch}}
      touch "$target"/torch/{lib/libtorch_cpu.so,lib/libc10.so,include/ATen/ATen.h}
      echo "__version__ = '2.11.0+cu130'" >"$target/torch/version.py"
      cp "$STUBS/torch.txt" "$info/METADATA" ;;
    cuda-toolkit) cp "$STUBS/toolkit.txt" "$info/METADATA" ;;
    *) mkdir -p "$target/nvidia/cu13/lib"; touch "$target/nvidia/cu13/lib/$name.so" ;;
  esac
done
"""

# CMake that finds everything and builds it.
CMAKE = """#!/bin/bash
echo "cmake $*" >>"$STUBS/log"
[ "$*" != --version ] || echo "cmake version 3.25.1"
"""


class System:
    def __init__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="penumbra-setup-")
        self.folder = Path(self._temporary.name)
        self.stubs = self.folder / "stubs"
        self.cache = self.folder / "cache"
        self.torch = self.cache / "libtorch-2.11.0"
        self.clone = self.folder / "clone"
        for name in ("scripts", "cmake"):
            shutil.copytree(SOURCE / name, self.clone / name)
        (self.stubs / "bin").mkdir(parents=True)
        (self.stubs / "torch.txt").write_text(TORCH_METADATA)
        (self.stubs / "toolkit.txt").write_text(TOOLKIT_METADATA)
        for name in EVERYWHERE:
            self.take(name)

    def remove(self):
        self._temporary.cleanup()

    def take(self, *names):
        """Puts tools of the real system into PATH."""
        for name in names:
            (self.stubs / "bin" / name).symlink_to(shutil.which(name))

    def put(self, name, script):
        path = self.stubs / "bin" / name
        path.write_text(script)
        path.chmod(0o755)

    def put_all(self):
        """All that a set-up needs: stand-ins that find everything."""
        self.take("flock")
        self.put("python3", PYTHON)
        self.put("cmake", CMAKE)
        for name in ("c++", "cc", "ninja"):
            self.put(name, "#!/bin/bash\n")

    def environment(self, **more):
        return {
            "PATH": str(self.stubs / "bin"),
            "HOME": str(self.folder),
            "PENUMBRA_CACHE": str(self.cache),
            "STUBS": str(self.stubs),
            "REAL_PYTHON": sys.executable,
            **more,
        }

    def start(self, *words, **more):
        return subprocess.Popen(
            [shutil.which("bash"), self.clone / "scripts/setup", *words],
            env=self.environment(**more),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def set_up(self, *words, **more):
        """scripts/setup, which ends: its exit code, what it said, and what it said on stderr."""
        job = self.start(*words, **more)
        said, complaint = job.communicate(timeout=50)
        return job.returncode, said, complaint

    def calls(self, words):
        """How often a stand-in was called with these words."""
        log = self.stubs / "log"
        return sum(words in line for line in log.read_text().splitlines()) if log.exists() else 0

    def remains(self):
        """What is in the cache, but for its lock."""
        return (
            sorted(name for name in os.listdir(self.cache) if name != ".lock")
            if self.cache.exists()
            else []
        )
