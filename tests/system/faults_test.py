"""Ranks that die or stop in the middle of training: the others know who, say so, and the job ends soon."""

import json
import os
import signal
import subprocess
import time
import unittest

from penumbra import Case
from processes import alive, ranks_of

SECONDS = 10  # within which a job must have ended
RANKS = 3
COMMUNICATION = 4


class Faults(Case):
    def begin(self, name):
        """A long training of three ranks that has begun; returns mpirun and the ranks' process ids."""
        folder = self.folder / name
        job = self.start(*self.words(name, "train.epochs=10000", "watchdog.silence_seconds=3"), ranks=RANKS, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not (folder / "metrics.jsonl").exists() or not (folder / "metrics.jsonl").read_text():
            self.assertIsNone(job.poll(), "the job ended before it began")
            self.assertLess(time.monotonic(), deadline, "no step in a minute")
            time.sleep(0.1)
        ranks = ranks_of(folder)
        self.assertEqual(sorted(ranks), list(range(RANKS)))
        return job, folder, ranks

    def ends(self, job, ranks):
        begin = time.monotonic()
        _, errors = job.communicate(timeout=60)
        while any(alive(pid) for pid in ranks.values()) and time.monotonic() - begin < SECONDS:
            time.sleep(0.1)
        self.assertLess(time.monotonic() - begin, SECONDS, errors)
        self.assertNotEqual(job.returncode, 0)
        return errors

    def survivors_know(self, folder, lost, reason):
        for rank in set(range(RANKS)) - {lost}:
            record = json.loads((folder / "failures" / f"rank-{rank}.json").read_text())
            self.assertEqual(record["rank"], lost)
            self.assertEqual(record["host"], os.uname().nodename)
            self.assertIn(reason, record["reason"])
            self.assertEqual(record["seen_by"]["rank"], rank)
            self.assertTrue(record["collectives"])

    def test_killed_rank(self):
        for lost in (0, 1):
            job, folder, ranks = self.begin(f"killed-{lost}")
            os.kill(ranks[lost], signal.SIGKILL)
            errors = self.ends(job, ranks)
            self.survivors_know(folder, lost, "its process has ended")
            self.assertIn(f"penumbra: error: rank {lost} on {os.uname().nodename}: its process has ended", errors)

    def test_stopped_rank(self):
        for lost in (0, 2):
            job, folder, ranks = self.begin(f"stopped-{lost}")
            os.kill(ranks[lost], signal.SIGSTOP)
            errors = self.ends(job, ranks)
            self.survivors_know(folder, lost, "no sign of life for 3 s")
            self.assertEqual(job.returncode, COMMUNICATION, errors)

    def test_suspended_job_goes_on(self):
        job, folder, ranks = self.begin("suspended")
        for sign, seconds in ((signal.SIGSTOP, 5), (signal.SIGCONT, 2)):  # longer than the silence that is allowed
            for pid in ranks.values():
                os.kill(pid, sign)
            time.sleep(seconds)
        self.assertIsNone(job.poll())
        steps = len((folder / "metrics.jsonl").read_text())
        time.sleep(3)
        self.assertIsNone(job.poll())
        self.assertGreater(len((folder / "metrics.jsonl").read_text()), steps)
        for pid in ranks.values():
            os.kill(pid, signal.SIGTERM)
        self.ends(job, ranks)

    def test_terminated_job_still_ends(self):
        job, _, ranks = self.begin("terminated")
        for pid in ranks.values():
            os.kill(pid, signal.SIGTERM)
        self.ends(job, ranks)


if __name__ == "__main__":
    unittest.main()
