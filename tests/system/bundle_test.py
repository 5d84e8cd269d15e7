"""The bundle runs from another folder, on a system without MPI, HDF5 and the other libraries: they are hidden from it."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from penumbra import SOURCE

TORCH = os.environ["LIBTORCH_ROOT"]
HIDE = """
shopt -s nullglob
for folder in /usr/lib/*/{openmpi,pmix*} /usr/share/{openmpi,prte,opencv4}/; do mount -t tmpfs none "$folder"; done
for library in mpi open- pmix prrte fabric psm ucp hdf5 turbojpeg spdlog fmt hwloc event opencv tbb; do
  for file in /usr/lib/*/lib$library*.so*; do mount --bind /dev/null "$(readlink -f "$file")"; done
done
for program in orterun orted prte prted; do
  if [ -e /usr/bin/$program ]; then mount --bind /dev/null /usr/bin/$program; fi
done
mount --bind /dev/null "$(readlink -f /usr/bin/mpirun)"
exec bash -c "$0"
"""
USE = """
source %s/env.sh %s
penumbra doctor && penumbra data synth faces.h5 --train 128 --val 32 --test 0 --size 32 >/dev/null
mpirun --bind-to none -np 2 penumbra train configs/demo.toml --dry-run --set data.image_size=32 --set 'data.files=["faces.h5"]'
"""


@unittest.skipUnless(os.geteuid() == 0, "hiding libraries takes a mount namespace, and that takes root")
class Bundle(unittest.TestCase):
    def test_runs_without_the_systems_libraries(self):
        with tempfile.TemporaryDirectory(prefix="penumbra-bundle-") as name:
            subprocess.run([SOURCE / "scripts/bundle", name], check=True, stdout=subprocess.DEVNULL, timeout=200)
            archive = Path(name) / "penumbra-bundle.tar.gz"
            self.assertLess(archive.stat().st_size, 64 << 20)
            elsewhere = Path(name) / "else where"
            elsewhere.mkdir()
            subprocess.run(["tar", "xzf", archive, "-C", elsewhere, "--strip-components", "1"], check=True)
            environment = {"HOME": name, "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "OMPI_ALLOW_RUN_AS_ROOT": "1",
                           "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
            words = ["timeout", "-k", "5", "100", "unshare", "-m", "bash", "-c", HIDE, USE % (f"'{elsewhere}'", TORCH)]
            done = subprocess.run(words, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            version = subprocess.run(["mpirun", "--version"], capture_output=True, text=True, check=True).stdout
            self.assertIn("Open MPI v" + re.search(r"[\d.]+", version)[0], done.stdout)
            self.assertRegex(done.stdout, r"(?m)^faces +found in photographs$")
            self.assertIn("dry run:", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
