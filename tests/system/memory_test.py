"""Images in memory once a host, and in files where they are too many."""

import os
import re
import signal
import unittest
from pathlib import Path

from penumbra import Case, eventually, run

MIB = 1 << 20


def ranks_of(job):
    """The ranks of a job that has a session of its own: mpirun gives each of them a process group."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and (folder / "comm").read_text().strip() == "penumbra" and os.getsid(int(folder.name)) == job.pid:
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def pss_of_images(pid, size):
    """Proportional set size, in bytes, of the mappings of shared memory that are of this size."""
    total = 0
    for mapping in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", Path(f"/proc/{pid}/smaps").read_text()):
        begin, end = (int(text, 16) for text in mapping.split(" ", 1)[0].split("-"))
        if "memfd:penumbra" in mapping and end - begin >= size:
            total += 1024 * int(re.search(r"^Pss: +(\d+)", mapping, re.MULTILINE)[1])
    return total


class Memory(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.many = cls.folder / "many.h5"
        assert run("data", "synth", cls.many, "--train", 2048, "--val", 64, "--size", 64, "--seed", 4).returncode == 0

    def files(self):
        return f'["{self.many}"]'

    def test_two_ranks_hold_the_images_once(self):
        size = 2048 * 64 * 64
        words = self.words("once", "train.epochs=100", "log.every=1", files=self.files())
        job = self.start(*words, ranks=2, start_new_session=True)
        metrics = self.folder / "once" / "metrics.jsonl"
        eventually(lambda: metrics.exists() and metrics.stat().st_size > 0, 60)
        ranks = ranks_of(job)
        self.assertEqual(len(ranks), 2)
        shares = [pss_of_images(pid, size) for pid in ranks]
        job.send_signal(signal.SIGTERM)
        self.assertGreater(sum(shares), 0.95 * size)
        self.assertLess(sum(shares), 1.05 * size + 2 * MIB)

    def test_a_set_eight_times_the_limit_trains_from_its_files(self):
        done = self.train("files", "data.memory_limit=1", "train.epochs=2", files=self.files(), ranks=2)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        self.assertIn("8.0 MiB in files, at most 0.8 MiB of them in the memory of all ranks", done.stdout + done.stderr)
        rows = self.metrics(self.folder / "files")
        self.assertLess(rows[-1]["ce_original"], rows[0]["ce_original"])

    def test_from_files_one_rank_and_two_see_the_same_batches(self):
        few = ("data.memory_limit=1", "net.norm=sync", "train.epochs=1", "log.every=1", "schedule.learning_rate=0.001")
        one, two = (self.folder / name for name in ("one", "two"))
        for folder, ranks in ((one, 1), (two, 2)):
            done = self.train(folder.name, *few, files=self.files(), ranks=ranks)
            self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        pairs = list(zip(self.metrics(two), self.metrics(one), strict=True))
        for mine, theirs in pairs[:8]:  # later, what is rounded differently has grown
            self.assertAlmostEqual(mine["loss"] / theirs["loss"], 1, delta=1e-5, msg=f"step {mine['step']}")

    def test_another_limit_that_changes_the_order_does_not_go_on(self):
        first = self.train("limits", "train.epochs=1", files=self.files())
        self.assertEqual(first.returncode, 0, first.stderr)
        again = self.train("limits", "train.epochs=2", "data.memory_limit=64", files=self.files())
        self.assertEqual(again.returncode, 0, again.stderr)
        other = self.train("limits", "train.epochs=3", "data.memory_limit=1", files=self.files())
        self.assertEqual(other.returncode, 2)
        self.assertIn("the data differ", other.stderr)


if __name__ == "__main__":
    unittest.main()
