"""What the system tests share: where the program is, how to run it, tiny inputs. Standard library and h5py only."""

import json
import os
import struct
import subprocess
import tempfile
import time
import unittest
import zlib
from pathlib import Path

from processes import end_all_in

BINARY = os.environ["PENUMBRA_BINARY"]
SOURCE = Path(os.environ["PENUMBRA_SOURCE_DIR"])
HANG = 240  # seconds after which a program is taken to hang; a busy machine takes many times as long as a quiet one

# What differs between two equal trainings: columns of metrics.jsonl.
TIMES = {"images_per_second", "step_seconds", "wait_seconds", "forward_seconds", "backward_seconds", "exposed_seconds", "optimizer_seconds",
         "latest_rank", "latest_seconds"}


TINY = """
[net]
depth = 10
width = 8
stem_stride = 2
[train]
epochs = 2
batch = 32
[schedule]
learning_rate = 0.05
[evaluation]
every = 1
[log]
every = 4
"""


def environment(**more):
    """As it is now, for mpirun, which refuses root unless it is told twice."""
    return dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", **more)


def limit(seconds=HANG):
    """The words before a command that end it after so long."""
    return ["timeout", "-k", "5", str(seconds)]


def run(*words, ranks=0, timeout=HANG, cwd=None, preexec_fn=None):
    """Runs penumbra, under mpirun when ranks > 0, and returns the finished process with text output."""
    command = [BINARY, *map(str, words)]
    if ranks:
        command = ["mpirun", "--oversubscribe", "-np", str(ranks), *command]
    return subprocess.run([*limit(timeout), *command], capture_output=True, text=True, env=environment(),
                          cwd=cwd, preexec_fn=preexec_fn, check=False)


def eventually(condition, seconds=60):
    """What `condition` returns once that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not come about in time")


def end(job):
    """Ends a process that may have ended, and reads what it still says."""
    if job.poll() is None:
        job.terminate()
    job.communicate(timeout=30)


def write_png(path, pixels):
    """A grey image, [height, width] of uint8."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))
    return path


class Case(unittest.TestCase):
    """A test with a folder of its own, a tiny synthetic store and a tiny configuration in it."""

    @classmethod
    def setUpClass(cls):
        cls._temporary = tempfile.TemporaryDirectory(prefix="penumbra-test-")
        cls.folder = Path(cls._temporary.name)
        cls.faces = cls.folder / "faces.h5"
        cls.config = cls.folder / "tiny.toml"
        cls.config.write_text(TINY)
        made = run("data", "synth", cls.faces, "--train", 256, "--val", 64, "--test", 64, "--size", 32, "--seed", 3)
        assert made.returncode == 0, made.stderr

    @classmethod
    def tearDownClass(cls):
        end_all_in(cls.folder)  # ranks outlive an mpirun that was killed because it took too long to end
        cls._temporary.cleanup()

    def words(self, name, *more, files=None):
        """What trains into folder/name; `more` are --set assignments."""
        sets = [word for assignment in more for word in ("--set", assignment)]
        store = files or f'["{self.faces}"]'
        return ["train", self.config, "--set", f"data.files={store}", "--set", f"run.dir={self.folder / name}", *sets]

    def train(self, name, *more, ranks=1, files=None):
        return run(*self.words(name, *more, files=files), ranks=ranks)

    def start(self, *words, ranks=2, **popen):
        """Penumbra in the background, under mpirun; ended after the test."""
        command = [*limit(), "mpirun", "--oversubscribe", "-np", str(ranks), BINARY, *map(str, words)]
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **popen}
        job = subprocess.Popen(command, env=environment(), **output)
        self.addCleanup(end, job)
        return job

    def trained(self, name, *more, ranks=1, files=None):
        done = self.train(name, *more, ranks=ranks, files=files)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return self.folder / name

    @staticmethod
    def metrics(run_folder, kind="train"):
        rows = [json.loads(line) for line in (run_folder / "metrics.jsonl").read_text().splitlines()]
        return [row for row in rows if row["kind"] == kind]
