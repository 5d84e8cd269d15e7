"""Failures on purpose (`--fault`) and of the disk itself: each ends as docs/checkpoints.md says, and a run that goes on afterwards gives what
an undisturbed one gives."""

import os
import shlex
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import h5py
import numpy as np

from penumbra import BINARY, environment, limit, run
from resuming import SETS, ResumeCase

FAILURE, USAGE, COMMUNICATION, STOPPED, KILLED = 1, 2, 4, 75, 137
MPIRUN = ["mpirun", "--oversubscribe", "-np"]


def faults(*texts):
    return [word for text in texts for word in ("--fault", text)]


class Faults(ResumeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        done = run(*cls.words(cls, "whole", *SETS), ranks=2)
        assert done.returncode == 0, done.stderr

    def faulty(self, name, *texts, sets=(), ranks=2):
        return run(*self.words(name, *SETS, *sets), *faults(*texts), ranks=ranks)

    def launch(self, name, *texts, restarts=1, sets=()):
        return run("launch", "-np", 2, "--restarts", restarts, "--mpirun", "--oversubscribe", "--", *self.words(name, *SETS, *sets), *faults(*texts))

    def goes_on(self, name, *texts, sets=(), restarts=1):
        done = self.launch(name, *texts, sets=sets, restarts=restarts)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.same_as("whole", name)
        return done

    def values(self, name, checkpoint):
        """All fp32 values of a checkpoint's first shard."""
        with h5py.File(self.folder / name / "checkpoints" / checkpoint / "shard-00000.h5") as shard:
            return np.concatenate([group["values"][...] for key, group in shard.items() if key.startswith("array-")])

    def test_a_rank_that_dies_at_any_point_of_a_checkpoint(self):
        for point, rank in (("shard", 1), ("shard-written", 1), ("manifest", 0), ("rename", 0), ("published", 0)):
            with self.subTest(point):
                done = self.goes_on(f"killed-{point}", f"rank={rank},step=4,kind=kill,at={point}")
                self.assertIn("resumed from e0000-step-00000006" if point == "published" else "resumed from e0000-step-00000003", done.stdout)

    def test_a_stopped_rank_ends_the_start_and_the_next_one_goes_on(self):
        done = self.goes_on("halted", "rank=1,step=7,kind=stop", sets=("watchdog.silence_seconds=1",))
        self.assertIn("rank 1 on", done.stderr)

    def test_a_failing_write_costs_its_checkpoint_alone(self):
        done = self.faulty("refused", "rank=1,step=3,kind=enospc", "rank=0,step=6,kind=eio,at=manifest", "rank=0,step=9,kind=enospc,at=rename",
                           "rank=1,step=12,kind=eio,at=shard-written", sets=("checkpoint.keep=99",))
        self.assertEqual(done.returncode, 0, done.stderr)
        for number, reason in ((3, "rank 1: .*No space left"), (6, "Input/output"), (9, "No space left"), (12, "rank 1: .*Input/output")):
            self.assertRegex(done.stdout, f"checkpoint e0000-step-0*{number} is abandoned: .*{reason}")
        # Every third step, after the best validations and at the end; none of the four, and nothing half written.
        names = self.checkpoints("refused")
        self.assertTrue({f"e0000-step-{n:08}" for n in (15, 18, 21, 27, 30, 32)} <= set(names), names)
        self.assertFalse({f"e0000-step-{n:08}" for n in (3, 6, 9, 12)} & set(names), names)
        self.assertFalse([name for name in names if name.endswith(".partial")])
        self.same_as("whole", "refused")

    def test_a_shard_that_rots_is_passed_over(self):
        done = self.goes_on("rotten", "rank=1,step=6,kind=corrupt", "rank=0,step=8,kind=kill")
        self.assertIn("e0000-step-00000006 is damaged and passed over", done.stdout)
        self.assertIn("resumed from e0000-step-00000003", done.stdout)

    def test_an_exception_ends_the_job_with_its_message_and_is_not_tried_again(self):
        done = self.launch("thrown", "rank=1,step=5,kind=throw")
        self.assertEqual(done.returncode, FAILURE)
        self.assertIn("penumbra: error: --fault: thrown on purpose", done.stderr)
        self.assertFalse((self.folder / "thrown/incarnation-1.json").exists())

    def test_a_slow_rank_is_named(self):
        done = self.faulty("slow", "rank=1,step=4,kind=slow,seconds=0.6")
        self.assertEqual(done.returncode, 0, done.stderr)
        row = self.metrics(self.folder / "slow")[1]
        self.assertEqual(row["latest_rank"], 1)
        self.assertRegex(done.stdout, "rank 1 late by")
        self.same_as("whole", "slow")

    def test_gradients_that_are_no_numbers_end_the_run_and_reach_no_checkpoint(self):
        done = self.faulty("nan", "rank=1,step=10,kind=nan", sets=("checkpoint.every_steps=1",))
        self.assertEqual(done.returncode, FAILURE)
        self.assertRegex(done.stderr, r"1 of the last \d gradients are not finite .* train.non_finite")
        names = self.checkpoints("nan")
        self.assertEqual(names[-1], "e0000-step-00000010")
        for name in names:
            self.assertTrue(np.isfinite(self.values("nan", name)).all(), name)
        again = self.go("nan", "checkpoint.every_steps=1")  # the fault was of the first start
        self.assertEqual(again.returncode, 0, again.stderr)
        self.same_as("whole", "nan")

    def test_such_steps_can_be_skipped(self):
        skip = ("train.non_finite=skip",)
        fault = "rank=1,step=4,kind=nan"
        done = self.faulty("skipped", fault, sets=skip)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sum(row["skipped"] for row in self.metrics(self.folder / "skipped")), 1)
        self.assertIn("1 skipped", done.stdout)
        self.assertTrue(np.isfinite(self.values("skipped", self.checkpoints("skipped")[-1])).all())
        again = self.launch("skipped-on", fault, "rank=0,step=8,kind=kill", sets=skip)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.same_as("skipped", "skipped-on")

    def test_a_run_that_only_skips_ends(self):
        done = self.faulty("hopeless", *(f"rank=1,step={step},kind=nan" for step in range(3, 30)), sets=("train.non_finite=skip",))
        self.assertEqual(done.returncode, FAILURE)
        self.assertIn("gradients are not finite", done.stderr)

    def test_a_run_can_go_back_to_its_last_checkpoint(self):
        back = ("train.non_finite=roll_back",)
        done = self.faulty("back", "rank=1,step=10,kind=nan", sets=back)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("back to the weights of e0000-step-00000009", done.stdout)
        self.assertEqual([row["checkpoint"] for row in self.metrics(self.folder / "back", "roll_back")], ["e0000-step-00000009"])
        self.assertTrue(np.isfinite(self.values("back", self.checkpoints("back")[-1])).all())
        again = self.launch("back-on", "rank=1,step=10,kind=nan", "rank=0,step=20,kind=kill", sets=back)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.same_as("back", "back-on")

    def test_going_back_again_and_again_ends_too(self):
        texts = [f"rank=1,step={step},kind=nan" for step in range(4, 30)]
        done = self.faulty("forth", *texts, sets=("train.non_finite=roll_back",))
        self.assertEqual(done.returncode, FAILURE)
        self.assertEqual(len(self.metrics(self.folder / "forth", "roll_back")), 3)
        self.assertIn("gradients are not finite", done.stderr)

    def test_launch_gives_up_with_a_summary(self):
        done = self.launch("lost", "rank=1,step=1,kind=kill", "rank=1,step=1,kind=kill,start=1")
        self.assertEqual(done.returncode, KILLED)
        self.assertRegex(done.stderr, r"2 starts\n +0 .* 137  signal 9\n +1 .* 137  signal 9")

    def test_launch_passes_a_wish_to_stop_on(self):
        words = [BINARY, "launch", "-np", "2", "--mpirun", "--oversubscribe", "--", *map(str, self.words("asked", *SETS, "train.epochs=2000"))]
        job = subprocess.Popen(["timeout", "-k", "5", "100", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment())
        metrics = self.folder / "asked/metrics.jsonl"
        while job.poll() is None and (not metrics.exists() or not metrics.read_text()):
            time.sleep(0.01)
        job.send_signal(signal.SIGTERM)  # timeout passes it on
        output = job.communicate(timeout=60)[0]
        self.assertEqual(job.returncode, STOPPED, output)
        self.assertIn("stopped on request", output)

    def test_launch_believes_the_run_when_mpirun_hides_a_lost_host(self):
        # Open MPI 5 ends with 0 when it loses a host.
        for script, code in (("exit 0", COMMUNICATION), ("exit 1", FAILURE)):
            with self.subTest(script), tempfile.TemporaryDirectory() as name:
                mpirun = Path(name) / "mpirun"
                mpirun.write_text(f"#!/bin/sh\n{script}\n")
                mpirun.chmod(0o755)
                words = [BINARY, "launch", "-np", "2", "--restarts", "1", "--", *map(str, self.words("hidden", *SETS))]
                done = subprocess.run([*limit(), *words], env=environment(PATH=f"{name}:{os.environ['PATH']}"),
                                      capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual("2 starts" in done.stderr, code == COMMUNICATION, done.stderr)

    def test_launch_reads_the_trainings_words_before_it_starts_it(self):
        for words in (("--overwrit",), ("--set", "train.epoch=3")):
            done = run("launch", "-np", 2, "--", *self.words("unread", *SETS), *words)
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_launch_refuses_what_is_no_training(self):
        for words in ((), ("--", "data", "synth")):
            done = run("launch", "-np", 2, *words)
            self.assertEqual(done.returncode, USAGE)
            self.assertIn("launch: write what to run after --", done.stderr)

    def test_a_fault_that_is_none_is_refused(self):
        done = self.faulty("none", "kind=explode")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("'explode' is none of corrupt", done.stderr)

    def test_checkpoints_by_time(self):
        done = self.faulty("timed", "rank=0,step=4,kind=slow,seconds=1",
                           sets=("checkpoint.every_steps=0", "checkpoint.every_minutes=0.015", "checkpoint.best=false", "checkpoint.keep=99"))
        self.assertEqual(done.returncode, 0, done.stderr)
        names = self.checkpoints("timed")
        self.assertTrue({"e0000-step-00000005", "e0000-step-00000006"} & set(names), names)  # the vote is cast before a step
        self.same_as("whole", "timed")

    def in_a_mount_namespace(self, name, script, *texts):
        """Runs `script` as root with $RUN, a training of two ranks into `name`, and $DISK, an empty disk of memory for its checkpoints."""
        if os.geteuid() != 0:
            self.skipTest("mounting takes root")
        disk = self.folder / name / "checkpoints"
        disk.mkdir(parents=True)
        command = shlex.join([*MPIRUN, "2", BINARY, *map(str, self.words(name, *SETS)), *faults(*texts)])
        script = f'mount -t tmpfs -o size=64m none "{disk}"; {script}'
        return subprocess.run(["timeout", "-k", "5", "100", "unshare", "-m", "bash", "-c", script], capture_output=True, text=True,
                              env=environment(RUN=command, DISK=str(disk)), check=False)

    def test_a_disk_that_becomes_read_only_costs_checkpoints_but_not_the_run(self):
        remount = '''eval "$RUN" & job=$!
            until [ -e "$DISK/e0000-step-00000003" ]; do sleep 0.01; done
            until mount -o remount,ro "$DISK"; do sleep 0.01; done
            wait $job'''
        done = self.in_a_mount_namespace("frozen", remount, "rank=0,step=5,kind=slow,seconds=2")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, "checkpoint e0000-step-00000006 is abandoned: .*[Rr]ead-only")
        self.same_as("whole", "frozen")

    def test_a_disk_that_fails_to_flush_costs_checkpoints_but_not_the_run(self):
        # The mpirun of Open MPI 5.0.7 crashes where two commands are joined with ":".
        trace = "strace -f -qq -o /dev/null --seccomp-bpf -e trace=fsync -e inject=fsync:error=EIO"
        script = f'[ "$OMPI_COMM_WORLD_RANK" = 1 ] && exec {trace} "$@"; exec "$@"'
        words = ["bash", "-c", script, "bash", BINARY, *map(str, self.words("unflushed", *SETS))]
        done = subprocess.run(["timeout", "-k", "5", "100", *MPIRUN, "2", *words], capture_output=True, text=True,
                              env=environment(), check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, "checkpoint e0000-step-00000003 is abandoned: rank 1: .*Input/output error")
        self.assertEqual(self.checkpoints("unflushed"), [])
        self.same_as("whole", "unflushed")


if __name__ == "__main__":
    unittest.main()
