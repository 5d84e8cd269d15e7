"""scripts/setup on systems that lack things. It names everything at once, leaves nothing half-installed,
and goes on when it is run again."""

import os
import re
import shutil
import signal
import subprocess
import unittest
from pathlib import Path

from penumbra import SOURCE, eventually
from setup_stubs import System

LIBRARIES = [
    "MPI",
    "HDF5",
    "libjpeg-turbo",
    "libpng",
    "libexif",
    "xxHash",
    "CLI11",
    "toml++",
    "fmt",
]
LIBRARIES += ["JSON for Modern C++", "spdlog", "Protocol Buffers", "gRPC", "prometheus-cpp"]
# The real CMake, which is shown an empty system.
BLIND_CMAKE = """#!/bin/bash
echo "cmake $*" >>"$STUBS/log"
case $1 in -S) ;; *) exec {cmake} "$@" ;; esac
export PKG_CONFIG_LIBDIR=/nonexistent
modes=$(printf -- '-DCMAKE_FIND_ROOT_PATH_MODE_%s=ONLY ' LIBRARY PACKAGE INCLUDE PROGRAM)
PATH=$PATH:/usr/bin exec {cmake} "$@" -DCMAKE_MAKE_PROGRAM={ninja} -DCMAKE_CXX_COMPILER={cxx} \\
  -DCMAKE_C_COMPILER={cc} -DCMAKE_FIND_ROOT_PATH=$STUBS/nothing $modes
"""
USES_LIBTORCH = """
cmake_minimum_required(VERSION 3.25)
project(uses_libtorch LANGUAGES C)
list(APPEND CMAKE_MODULE_PATH {modules})
find_package(LibTorch 2.11 REQUIRED)
get_target_property(folders LibTorch::torch_cpu INTERFACE_INCLUDE_DIRECTORIES)
message(STATUS "headers: ${{folders}}")
"""


class SetUp(unittest.TestCase):
    def setUp(self):
        self.system = System()
        self.addCleanup(self.system.remove)

    def refused(self, outcome, *words):
        code, said, complaint = outcome
        self.assertEqual(code, 1, said + complaint)
        self.assertEqual(complaint.count("error: "), 1, complaint)
        for word in words:
            self.assertIn(word, complaint)

    def works(self, outcome):
        code, said, complaint = outcome
        self.assertEqual(code, 0, said + complaint)
        self.assertIn("ready: ", said)
        self.assertRegex(said, r"took packages \d+ s, LibTorch \d+ s, .*build \d+ s")

    def test_without_apt_it_names_the_way_that_needs_none(self):
        self.system.put_all()
        self.refused(self.system.set_up(), "apt-get", "scripts/setup --no-packages")
        self.assertEqual(self.system.remains(), [])

    def test_missing_tools_are_named_all_at_once(self):
        named = ["C and C++ compilers", "Python with pip", "CMake 3.25", "Ninja"]
        remedies = ["apt: ", "conda-forge: ", "Spack: "]
        self.refused(self.system.set_up("--no-packages"), *named, *remedies)
        self.assertEqual(self.system.remains(), [])

    def test_missing_libraries_are_named_all_at_once_before_anything_is_fetched(self):
        self.system.put_all()
        programs = {"cmake": "cmake", "ninja": "ninja", "cxx": "c++", "cc": "cc"}
        real = {name: shutil.which(program) for name, program in programs.items()}
        self.system.put("cmake", BLIND_CMAKE.format(**real))
        outcome = self.system.set_up("--no-packages")
        self.refused(outcome, *LIBRARIES)
        self.assertNotIn("GoogleTest", outcome[2])
        for name in LIBRARIES:
            self.assertRegex(
                outcome[2], rf"(?m)^  {re.escape(name)}.*  apt: \S.*  conda-forge: \S.*  Spack: \S"
            )
        self.assertEqual(self.system.calls("pip install"), 0)
        self.assertEqual(self.system.remains(), [])
        self.refused(
            self.system.set_up("--no-packages", "--tests"), *LIBRARIES, "GoogleTest", "OpenCV"
        )

    def test_tests_are_built_where_they_are_asked_for(self):
        self.system.put_all()
        self.works(self.system.set_up("--no-packages"))
        self.assertEqual(self.system.calls("BUILD_TESTING"), 0)
        self.assertEqual(self.system.calls("--target penumbra"), 2)  # its steps are counted first
        self.works(self.system.set_up("--no-packages", "--tests", "debug"))
        self.assertEqual(self.system.calls("--preset debug -DLIBTORCH_ROOT="), 1)
        self.assertEqual(self.system.calls("--target all"), 2)

    def test_a_failed_download_leaves_nothing_and_the_next_run_goes_on(self):
        self.system.put_all()
        for failing in ("torch==2.11.0", "nvidia-cuda-runtime==13.0.96"):
            outcome = self.system.set_up("--no-packages", FAIL=failing)
            self.refused(
                outcome, "LibTorch could not be fetched", "No space left on device", "again"
            )
            self.assertEqual(len(outcome[2].splitlines()), 1, outcome[2])
            self.assertEqual(self.system.remains(), [])
        self.works(self.system.set_up("--no-packages"))
        self.assertEqual(self.system.remains(), ["libtorch-2.11.0"])
        self.assertEqual(
            os.readlink(self.system.torch / "libtorch-include/ATen"), "../torch/include/ATen"
        )
        self.works(self.system.set_up("--no-packages"))
        self.assertEqual(self.system.calls("torch==2.11.0"), 3)

    def test_an_index_that_cannot_be_reached_is_not_taken_for_a_wheel_that_is_not_there(self):
        self.system.put_all()
        outcome = self.system.set_up("--no-packages", FAIL="torch==2.11.0", OFFLINE="1")
        self.refused(outcome, "cannot reach the package index")
        self.assertEqual(self.system.remains(), [])

    def test_a_killed_set_up_leaves_nothing_that_counts(self):
        self.system.put_all()
        job = self.system.start("--no-packages", WAIT="30")
        eventually(lambda: self.system.calls("torch==2.11.0"))
        os.killpg(job.pid, signal.SIGKILL)
        job.communicate()
        self.assertFalse(self.system.torch.exists())
        self.works(self.system.set_up("--no-packages"))
        self.assertEqual(self.system.remains(), ["libtorch-2.11.0"])

    def test_remains_of_an_older_set_up_are_replaced(self):
        self.system.put_all()
        (self.system.torch / "torch/lib").mkdir(parents=True)
        (self.system.torch / "torch/lib/libtorch_half.so").touch()
        self.works(self.system.set_up("--no-packages"))
        self.assertFalse((self.system.torch / "torch/lib/libtorch_half.so").exists())

    def test_two_at_once_do_not_hurt_each_other(self):
        self.system.put_all()
        for locks in (True, False):
            if not locks:
                (self.system.stubs / "bin/flock").unlink()
            jobs = [self.system.start("--no-packages", WAIT="1") for _ in range(2)]
            for job in jobs:
                said, complaint = job.communicate(timeout=50)
                self.works((job.returncode, said, complaint))
            self.assertEqual(self.system.remains(), ["libtorch-2.11.0"])
            if locks:
                self.assertEqual(self.system.calls("torch==2.11.0"), 1)
            shutil.rmtree(self.system.torch)

    def test_any_python_fetches_the_wheel_of_one_that_has_it(self):
        self.system.put_all()
        self.works(self.system.set_up("--no-packages", OLD_PIP="9.0.3"))
        self.assertEqual(self.system.calls("-m venv"), 1)
        self.assertEqual(
            self.system.calls(
                "--ignore-requires-python --only-binary=:all: --implementation cp --python-version 3.12"
            ),
            1,
        )

    def test_a_libtorch_of_somebody_else_is_left_as_it_is(self):
        self.system.put_all()
        theirs = self.system.folder / "theirs/torch"
        self.refused(
            self.system.set_up("--no-packages", LIBTORCH_ROOT=str(theirs)),
            str(theirs),
            "libtorch_cpu.so",
        )
        (theirs / "lib").mkdir(parents=True)
        (theirs / "lib/libtorch_cpu.so").touch()
        self.works(self.system.set_up("--no-packages", LIBTORCH_ROOT=str(theirs)))
        self.assertEqual(
            [path.name for path in theirs.parent.rglob("*")], ["torch", "lib", "libtorch_cpu.so"]
        )
        self.assertEqual(self.system.remains(), [])

    def test_the_gpu_half_is_what_the_metadata_names_and_goes_on_after_a_failure(self):
        self.system.put_all()
        self.refused(
            self.system.set_up("--no-packages", "--gpu", FAIL="nvidia-nccl-cu13==2.28.9"),
            "nvidia-nccl-cu13",
            "No space left",
        )
        self.assertTrue((self.system.torch / "nvidia/cu13/lib/nvidia-cublas.so").exists())
        self.assertEqual(self.system.remains(), ["libtorch-2.11.0"])
        self.works(self.system.set_up("--no-packages", "--gpu"))
        self.assertEqual(
            {path.name for path in self.system.torch.glob("*.dist-info")},
            {
                "torch-2.11.0.dist-info",
                "cuda_toolkit-13.0.2.dist-info",
                "nvidia_cuda_cupti-13.0.85.dist-info",
                "nvidia_cuda_crt-13.0.88.dist-info",
                "nvidia_cuda_runtime-13.0.96.dist-info",
                "nvidia_cublas-13.1.0.3.dist-info",
                "nvidia_nccl_cu13-2.28.9.dist-info",
            },
        )
        self.assertEqual(
            {path.name for path in (self.system.torch / "nvidia/cu13/lib").iterdir()},
            {
                "nvidia-cuda-cupti.so",
                "nvidia-cuda-crt.so",
                "nvidia-cuda-runtime.so",
                "nvidia-cublas.so",
                "nvidia-nccl-cu13.so",
            },
        )
        self.assertEqual(self.system.calls("nvidia-cublas"), 1)
        before = self.system.calls("pip install")
        self.works(self.system.set_up("--no-packages", "--gpu"))
        self.assertEqual(self.system.calls("pip install"), before)


class LibTorch(unittest.TestCase):
    """cmake/FindLibTorch.cmake, on a LibTorch of empty files."""

    def setUp(self):
        self.system = System()
        self.addCleanup(self.system.remove)
        self.system.put_all()
        self.assertEqual(self.system.set_up("--no-packages")[0], 0)

    def headers(self, torch, name):
        """The folder of headers that a build in folder `name` takes."""
        project = self.system.folder / name
        project.mkdir()
        (project / "CMakeLists.txt").write_text(USES_LIBTORCH.format(modules=SOURCE / "cmake"))
        done = subprocess.run(
            ["cmake", "-S", project, "-B", project / "build", f"-DLIBTORCH_ROOT={torch}"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        folder = Path(re.search(r"headers: ([^;]*);", done.stdout).group(1))
        self.assertTrue((folder / "ATen/ATen.h").exists(), folder)
        return folder

    def test_headers_have_one_path_for_all_clones_and_follow_a_move(self):
        home = self.system.torch
        self.assertEqual(self.headers(home / "torch", "one"), home / "libtorch-include")
        self.assertEqual(self.headers(home / "torch", "two"), home / "libtorch-include")
        moved = home.rename(self.system.folder / "moved")
        self.assertEqual(self.headers(moved / "torch", "three"), moved / "libtorch-include")

    def test_links_of_another_system_are_not_followed_and_nothing_is_written_beside_the_wheel(self):
        links = self.system.torch / "libtorch-include"
        (links / "ATen").unlink()
        (links / "ATen").symlink_to("/another/system/torch/include/ATen")
        folder = self.headers(self.system.torch / "torch", "one")
        self.assertEqual(folder, self.system.folder / "one/build/libtorch-include")
        self.assertEqual(os.readlink(links / "ATen"), "/another/system/torch/include/ATen")
        self.assertEqual(self.system.set_up("--no-packages")[0], 0)
        self.assertEqual(os.readlink(links / "ATen"), "../torch/include/ATen")


if __name__ == "__main__":
    unittest.main()
