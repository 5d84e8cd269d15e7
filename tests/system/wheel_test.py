"""The wheel is well formed, and its program runs in an environment where nothing of the system's MPI, HDF5 and other libraries is."""

import base64
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import tempfile
import unittest
import zipfile
from pathlib import Path

from bundle_test import HIDE
from install_test import CLEAN, run_path
from penumbra import SOURCE, limit

TORCH = Path(os.environ["LIBTORCH_ROOT"])
PACKAGE = SOURCE / "trainer/python/penumbra"
USE = """
set -eu
penumbra doctor
penumbra data synth faces.h5 --train 128 --val 32 --test 32 --size 32 >/dev/null
configs=$(penumbra doctor | sed -n 's/^configs *//p')
train=(train "$configs/quick.toml" --set 'data.files=["faces.h5"]' --set train.epochs=1)
penumbra-mpirun --bind-to none --oversubscribe -np 2 penumbra "${train[@]}" --set run.dir=first
penumbra launch -np 2 --mpirun "--bind-to none --oversubscribe" -- "${train[@]}" --set run.dir=second
penumbra eval second --data faces.h5 --split test
python - <<'PYTHON'
import json, penumbra
ranks = [json.load(open(f"{run}/environment.json"))["world_size"] for run in ("first", "second")]
print("ranks", ranks, "validations", len(penumbra.metrics("second", "validation")))
PYTHON
"""


def is_elf(file):
    with open(file, "rb") as opened:
        return opened.read(4) == b"\x7fELF"


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._temporary = tempfile.TemporaryDirectory(prefix="penumbra-wheel-")
        cls.folder = Path(cls._temporary.name)
        done = subprocess.run([*limit(), SOURCE / "scripts/wheel", cls.folder], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        (cls.wheel,) = cls.folder.glob("*.whl")
        cls.venv = cls.folder / "an environment"
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--system-site-packages", cls.venv], check=True)
        pip = [cls.venv / "bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", cls.wheel]
        subprocess.run(pip, check=True, env=CLEAN)
        (cls.packages,) = cls.venv.glob("lib/python3*/site-packages")
        for name in ("torch", "nvidia"):  # as pip would install them
            (cls.packages / name).symlink_to(TORCH.parent / name)
        cls.binaries = [file for file in (cls.packages / "penumbra").rglob("*") if file.is_file() and is_elf(file)]

    @classmethod
    def tearDownClass(cls):
        cls._temporary.cleanup()

    def test_it_is_a_wheel_for_this_system_and_later_ones(self):
        glibc = os.confstr("CS_GNU_LIBC_VERSION").split()[1]
        tag = f"py3-none-manylinux_{glibc.replace('.', '_')}_{os.uname().machine}"
        self.assertRegex(self.wheel.name, rf"^penumbra-[\d.]+-{tag}\.whl$")
        self.assertLess(self.wheel.stat().st_size, 64 << 20)
        with zipfile.ZipFile(self.wheel) as file:
            about = next(name for name in file.namelist() if name.endswith("/WHEEL")).removesuffix("WHEEL")
            self.assertIn(f"Tag: {tag}\n", file.read(f"{about}WHEEL").decode())
            self.assertIn("\nRequires-Dist: torch==2.11.0\n", file.read(f"{about}METADATA").decode())
            recorded = dict(row[:2] for row in csv.reader(io.StringIO(file.read(f"{about}RECORD").decode())))
            self.assertEqual(set(recorded), set(file.namelist()))
            for name, text in recorded.items():
                if name != f"{about}RECORD":
                    digest = base64.urlsafe_b64encode(hashlib.sha256(file.read(name)).digest()).rstrip(b"=").decode()
                    self.assertEqual(text, f"sha256={digest}", name)

    def test_no_binary_wants_more_of_glibc_than_the_tag_says(self):
        most = tuple(map(int, os.confstr("CS_GNU_LIBC_VERSION").split()[1].split(".")))
        self.assertGreater(len(self.binaries), 20)
        for file in self.binaries:
            text = subprocess.run(["readelf", "-V", file], capture_output=True, text=True, check=True).stdout
            for version in re.findall(r"GLIBC_(\d+)\.(\d+)", text):
                self.assertLessEqual(tuple(map(int, version)), most, file)

    def test_every_library_is_looked_for_beside_the_program(self):
        for file in self.binaries:
            folders = run_path(file)
            self.assertTrue(folders, file)
            self.assertFalse([folder for folder in folders if not folder.startswith("$ORIGIN")], file)

    def test_what_came_along_has_its_licence(self):
        with zipfile.ZipFile(self.wheel) as file:
            licences = {Path(name).name: file.read(name) for name in file.namelist() if "/licenses/" in name}
        self.assertEqual(licences["LICENSE"], (SOURCE / "LICENSE").read_bytes())
        for name in {file.name for file in self.binaries if file.name.startswith("lib") and "penumbra" not in file.name}:
            owners = subprocess.run(["dpkg-query", "-S", f"*/{name}"], capture_output=True, text=True, check=True).stdout
            self.assertIn(owners.split(":")[0], licences, name)

    def test_the_package_is_that_of_the_source(self):
        for file in PACKAGE.glob("*.py"):
            self.assertEqual((self.packages / "penumbra" / file.name).read_bytes(), file.read_bytes())

    @unittest.skipUnless(os.geteuid() == 0, "hiding libraries takes a mount namespace, and that takes root")
    def test_it_trains_without_the_systems_libraries(self):
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        environment = {**CLEAN, "HOME": str(elsewhere), "PATH": f"{self.venv}/bin:{CLEAN['PATH']}"}
        done = subprocess.run([*limit(), "unshare", "-m", "bash", "-c", HIDE, USE], cwd=elsewhere, env=environment, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("ranks [2, 2] validations 1\n", done.stdout)
        self.assertIn("accuracy", done.stdout)

    def loaded(self, **variables):
        """The libraries that the program loads, by name, when the console command starts it."""
        code = "import json, os; from penumbra import launcher as l; " \
               "print(json.dumps(l.environment_for(l.choose(dict(os.environ)), l.torch_folder(), dict(os.environ))))"
        environment = {**CLEAN, "HOME": str(self.folder), **variables}  # Open MPI 5 wants one
        done = subprocess.run([self.venv / "bin/python", "-c", code], env=environment, capture_output=True, text=True, check=True)
        text = subprocess.run(["ldd", self.packages / "penumbra/program/bin/penumbra"], env=json.loads(done.stdout),
                              capture_output=True, text=True, check=True).stdout
        self.assertNotIn("not found", text)
        return {name: Path(os.path.normpath(path)) for name, path in re.findall(r"(\S+) => (/.*) \(0x", text)}

    def test_program_and_mpirun_are_of_one_open_mpi(self):
        carried = self.packages / "penumbra/program"
        for choice, is_carried in (("wheel", True), ("cluster", False)):
            found = self.loaded(PENUMBRA_MPI=choice)
            for name in ("libmpi.so.40", "libopen-pal.so.40" if "libopen-pal.so.40" in found else "libopen-pal.so.80"):
                self.assertEqual(found[name].is_relative_to(carried), is_carried, (choice, name))
            self.assertTrue(any(path.is_relative_to(carried / "lib") for name, path in found.items() if "hdf5" in name))
            self.assertTrue(found["libtorch_cpu.so"].is_relative_to(self.packages))

    def test_ranks_of_the_systems_mpirun_train_together(self):
        """The system's Open MPI is what the wheel was made of: of the same major version."""
        environment = {**CLEAN, "HOME": str(self.folder), "PATH": f"{self.venv}/bin:{CLEAN['PATH']}"}
        subprocess.run(["penumbra", "data", "synth", "faces.h5", "--train", "64", "--val", "32", "--test", "0", "--size", "32"],
                       cwd=self.folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        words = ["mpirun", "--oversubscribe", "-np", "2", "penumbra", "train", SOURCE / "configs/quick.toml", "--dry-run",
                 "--set", 'data.files=["faces.h5"]']
        done = subprocess.run([*limit(), *words], cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual((done.stdout + done.stderr).count("dry run:"), 1)
        refused = subprocess.run([*limit(), *words], cwd=self.folder, env={**environment, "PENUMBRA_MPI": "/nowhere"}, capture_output=True, text=True, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("not the mpirun of an Open MPI", refused.stderr)

    def test_without_torch_it_says_what_to_install(self):
        torch = self.packages / "torch"
        torch.unlink()
        try:
            done = subprocess.run([self.venv / "bin/penumbra", "doctor"], env=CLEAN, capture_output=True, text=True, check=False)
        finally:
            torch.symlink_to(TORCH)
        self.assertEqual((done.returncode, done.stderr),
                         (2, "penumbra: error: torch is not installed in this Python: pip install torch==2.11.0\n"))


if __name__ == "__main__":
    unittest.main()
