"""`cmake --install`: the program runs from the prefix, with the build and the clone gone."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from penumbra import BINARY, SOURCE, limit

BUILD = Path(BINARY).parent.parent
CLEAN = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
HIDE = """
for folder in "$@"; do mount -t tmpfs none "$folder"; done
exec bash -eu -c "$0"
"""
USE = """
penumbra doctor
penumbra data synth faces.h5 --train 128 --val 32 --test 0 --size 32 >/dev/null
mpirun --bind-to none --oversubscribe -np 2 penumbra train ../prefix/share/penumbra/configs/demo.toml --dry-run \
  --set data.image_size=32 --set 'data.files=["faces.h5"]'
"""


def cmake():
    """The CMake that has configured the build."""
    return re.search(r"(?m)^CMAKE_COMMAND:INTERNAL=(.*)$", (BUILD / "CMakeCache.txt").read_text())[1]


def run_path(file):
    """The folders in which a program or library looks for its libraries."""
    text = subprocess.run(["readelf", "-d", file], capture_output=True, text=True, check=True).stdout
    return [folder for found in re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", text) for folder in found.split(":")]


def lies_in(folder, parents):
    return any(Path(folder).is_relative_to(parent) for parent in parents)


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._temporary = tempfile.TemporaryDirectory(prefix="penumbra-install-")
        folder = Path(cls._temporary.name)
        first, cls.place = folder / "first", folder / "an other place"
        done = subprocess.run([*limit(), cmake(), "--install", BUILD, "--prefix", first], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        cls.prefix = cls.place / "prefix"
        cls.place.mkdir()
        first.rename(cls.prefix)  # a prefix may be moved

    @classmethod
    def tearDownClass(cls):
        cls._temporary.cleanup()

    def test_what_belongs_to_the_program_comes_along(self):
        share = self.prefix / "share/penumbra"
        for name in ("configs", "slurm", "docs", "monitor/prometheus", "monitor/alertmanager", "monitor/grafana/dashboards",
                     "monitor/grafana/provisioning"):
            files = [file.relative_to(SOURCE) for file in (SOURCE / name).rglob("*") if file.is_file()]
            self.assertTrue(files)
            for file in files:
                self.assertEqual((share / file).read_bytes(), (SOURCE / file).read_bytes(), file)
        for name in ("LICENSE", "README.md", "CONTRIBUTING.md", "CITATION.cff", "monitor/compose.yml"):
            self.assertEqual((share / name).read_bytes(), (SOURCE / name).read_bytes(), name)
        built = sorted(file.name for file in (BUILD / "lib").glob("*.so"))
        self.assertEqual(sorted(file.name for file in self.prefix.glob("lib*/**/*.so")), built)

    def test_no_library_is_looked_for_in_the_build_or_the_clone(self):
        self.assertTrue(any(lies_in(folder, [BUILD]) for folder in run_path(BINARY)), "the built program is the control")
        for file in (self.prefix / "bin/penumbra", *self.prefix.glob("lib*/**/*.so")):
            folders = run_path(file)
            self.assertTrue(folders, file)
            self.assertFalse([folder for folder in folders if lies_in(folder, [BUILD, SOURCE])], file)
            self.assertNotIn(f"{BUILD}/".encode(), file.read_bytes())

    def test_it_runs_with_the_build_and_the_clone_gone(self):
        elsewhere = self.place / "elsewhere"
        elsewhere.mkdir()
        environment = {**CLEAN, "HOME": str(elsewhere), "PATH": f"{self.prefix}/bin:{CLEAN['PATH']}"}
        words = ["bash", "-eu", "-c", USE]
        if os.geteuid() == 0:  # hiding folders takes a mount namespace, and that takes root
            words = ["unshare", "-m", "bash", "-eu", "-c", HIDE, USE, BUILD, SOURCE]
        done = subprocess.run([*limit(), *words], cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, rf"(?m)^configs +{re.escape(str(self.prefix))}/share/penumbra/configs$")
        self.assertIn("dry run:", done.stdout + done.stderr)
        if (BUILD / "lib/libpenumbra_cascade.so").exists():
            self.assertRegex(done.stdout, r"(?m)^faces +found in photographs$")


if __name__ == "__main__":
    unittest.main()
