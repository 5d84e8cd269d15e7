"""penumbra doctor: what this machine and build have, and what they lack for GPUs."""

import os
import re
import subprocess
import unittest
from pathlib import Path

from penumbra import BINARY, SOURCE, run


class Doctor(unittest.TestCase):
    def test_its_last_lines_say_whether_all_is_there_for_gpus(self):
        said = run("doctor")
        self.assertEqual(said.returncode, 0, said.stderr)
        lines = said.stdout.splitlines()
        verdict = [line for line in lines if line.startswith("for GPUs ")]
        self.assertTrue(verdict, said.stdout)
        self.assertEqual(lines[-len(verdict) :], verdict)
        for line in verdict:
            self.assertRegex(
                line,
                r"^for GPUs +(ready for GPUs|\S+ is missing: \S|all files are there, but |.*driver)",
            )
        no_driver = "libcuda.so.1 is not there" in said.stdout
        self.assertEqual(
            any("libcuda.so.1 is missing" in line for line in verdict), no_driver, said.stdout
        )

    @unittest.skipUnless(os.geteuid() == 0, "it is about root")
    def test_root_is_told_what_mpirun_wants(self):
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("OMPI_ALLOW")
        }
        said = subprocess.run(
            [BINARY, "doctor"], env=environment, capture_output=True, text=True, check=True
        ).stdout
        self.assertIn("OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", said)
        self.assertNotIn("OMPI_ALLOW_RUN_AS_ROOT", run("doctor").stdout)

    def test_it_knows_every_library_that_libtorch_needs_of_nvidia(self):
        listed = set(
            re.findall(
                r'"(lib[^"]+\.so[.0-9]*)"',
                "".join(path.read_text() for path in (SOURCE / "comm/gpu").glob("gpu_files.*")),
            )
        )
        folder = Path(os.environ["LIBTORCH_ROOT"]) / "lib"
        needed = set()
        for name in (
            "libtorch_cuda.so",
            "libtorch_cuda_linalg.so",
            "libcaffe2_nvrtc.so",
            "libtorch_nvshmem.so",
            "libc10_cuda.so",
        ):
            said = subprocess.run(
                ["readelf", "-d", folder / name], capture_output=True, text=True, check=True
            ).stdout
            needed |= set(re.findall(r"\(NEEDED\).*\[(.*)\]", said))
        of_every_system = (
            r"(libc|libm|libdl|librt|libpthread|libgcc_s|libstdc\+\+|libgomp|ld-linux.*)\.so.*"
            r"|libc10\.so|libtorch_cpu\.so"
        )
        self.assertEqual(
            {name for name in needed if not re.fullmatch(of_every_system, name)} - listed, set()
        )


if __name__ == "__main__":
    unittest.main()
