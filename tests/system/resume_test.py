"""Nothing is lost: a run that was stopped, killed or moved to another number of ranks ends as if nothing had happened; damaged checkpoints
are passed over; what does not fit is refused."""

import os
import re
import shutil
import signal
import subprocess
import time
import unittest
import unittest.mock

from penumbra import BINARY, environment, run
from processes import ranks_of
from resuming import SETS, ResumeCase

USAGE, DATA, STOPPED = 2, 3, 75


class Resume(ResumeCase):
    def interrupted(self, name, *sets, ranks=2, signals=((0, signal.SIGUSR1),), after=3):
        """Starts a run, sends signals to ranks after some lines of its log, and returns the finished job."""
        job = self.start(*self.words(name, *SETS, *sets), ranks=ranks)
        metrics = self.folder / name / "metrics.jsonl"
        while job.poll() is None and (not metrics.exists() or metrics.read_text().count("\n") < after):
            time.sleep(0.002)
        ranks = ranks_of(self.folder / name)
        for rank, number in signals:
            os.kill(ranks[rank], number)
        output = job.communicate(timeout=100)[0]
        return subprocess.CompletedProcess(job.args, job.returncode, output, output)

    def test_a_stopped_run_goes_on_bit_for_bit(self):
        self.done("whole")
        hup = self.interrupted("hup", 'stop.signals=["HUP"]', signals=((1, signal.SIGHUP),))
        self.assertEqual(hup.returncode, STOPPED, hup.stdout)
        for name, signals in (("usr1", ((1, signal.SIGUSR1),)), ("usr2", ((0, signal.SIGUSR2),)), ("both", ((0, signal.SIGUSR1), (1, signal.SIGUSR1)))):
            stopped = self.interrupted(name, signals=signals)
            self.assertEqual(stopped.returncode, STOPPED, stopped.stdout)
            self.assertIn("stopped on request", stopped.stdout)
            self.assertIn("resumed from e0000", self.done(name).stdout)
            self.same_as("whole", name)

    def test_sigterm_to_all_ranks_stops_a_run_in_peace(self):
        long = ("train.epochs=1000",)  # the watchdog lets a second pass, in case a rank has died
        stopped = self.interrupted("term", *long, signals=((0, signal.SIGTERM), (1, signal.SIGTERM)))
        self.assertEqual(stopped.returncode, STOPPED, stopped.stdout)
        self.assertIn("resumed from e0000", self.done("term", "train.epochs=5").stdout)

    def test_the_deadline_stops_a_run_too(self):
        self.done("whole")
        stopped = self.go("late", "stop.after_minutes=0.0001")
        self.assertEqual(stopped.returncode, STOPPED, stopped.stderr)
        self.done("late")
        self.same_as("whole", "late")

    def test_sharded_state_goes_on_bit_for_bit(self):
        sharded = ("sync.mode=sharded", "optimizer.kind=adamw", "optimizer.sam_radius=0.01", "net.convolutions=apart")
        self.done("whole-sharded", *sharded)
        self.assertEqual(self.interrupted("part", *sharded).returncode, STOPPED)
        self.done("part", *sharded)
        self.same_as("whole-sharded", "part")

    def test_other_numbers_of_ranks_go_on_up_to_rounding(self):
        norm = ("net.norm=sync", "schedule.learning_rate=0.005")
        self.done("whole-norm", *norm)
        for ranks in (2, 1, 4):
            stopped = self.go("moved", *norm, "stop.after_minutes=0.0001", ranks=ranks)
            self.assertEqual(stopped.returncode, STOPPED, stopped.stderr)
        self.done("moved", *norm, ranks=3)
        moved, whole = self.curve("moved"), self.curve("whole-norm")
        self.assertEqual([(row["kind"], row["epoch"], row.get("step")) for row in moved], [(row["kind"], row["epoch"], row.get("step")) for row in whole])
        # All moves are in the first epoch. Rounding differs between CPUs and grows from step to step, by any resume or
        # none. A state that was not carried over shows far above it: the first epoch without momentum is the measure.
        self.done("forgetful", *norm, "optimizer.momentum=0")
        lost = self.largest_change(self.curve("forgetful"), whole, epoch=0)
        self.assertLess(self.largest_change(moved, whole, epoch=0), lost / 10)
        self.assertLess(self.largest_change(moved, whole), 1e-2)

    @staticmethod
    def largest_change(curve, other, epoch=None):
        """Of the loss of a log interval between two runs, as a share of it; of one epoch or of all."""
        return max(abs(a["loss"] - b["loss"]) / b["loss"] for a, b in zip(curve, other)
                   if a["kind"] == "train" and epoch in (None, a["epoch"]))

    def test_damaged_checkpoints_are_named_and_passed_over(self):
        self.done("whole")

        def flip(folder):
            data = bytearray((folder / "shard-00001.h5").read_bytes())
            data[len(data) // 2] ^= 1
            (folder / "shard-00001.h5").write_bytes(data)

        def cut(folder):
            os.truncate(folder / "shard-00000.h5", 1000)

        def lose(file):
            return lambda folder: (folder / file).unlink()

        self.assertEqual(self.interrupted("seen", after=8).returncode, STOPPED)
        self.assertIn("e0000-step-", run("checkpoint", "list", self.folder / "seen").stdout)
        self.assertEqual(run("checkpoint", "verify", self.folder / "seen").returncode, 0)
        flip(self.folder / "seen/checkpoints" / self.checkpoints("seen")[0])
        verified = run("checkpoint", "verify", self.folder / "seen")
        self.assertEqual(verified.returncode, DATA)
        self.assertIn("damaged", verified.stdout)

        for name, damage, word in (("flipped", flip, "checksum"), ("cut", cut, "1000 bytes"), ("lost", lose("shard-00001.h5"), "missing"),
                                   ("anonymous", lose("manifest.json"), "manifest.json")):
            self.assertEqual(self.interrupted(name, after=8).returncode, STOPPED)
            older, newest = self.checkpoints(name)[-2:]
            damage(self.folder / name / "checkpoints" / newest)
            done = self.done(name)
            self.assertRegex(done.stdout + done.stderr, f"{newest} is damaged and passed over: .*{word}")
            self.assertIn(f"resumed from {older}", done.stdout)
            self.same_as("whole", name)

    def test_a_run_that_died_before_its_first_checkpoint_begins_anew(self):
        self.done("whole")
        killed = run(*self.words("young", *SETS), "--fault", "rank=0,step=2,kind=kill", ranks=2)
        self.assertNotEqual(killed.returncode, 0, killed.stdout)
        self.done("young")
        self.same_as("whole", "young")

    def test_what_an_older_incarnation_still_writes_is_ignored(self):
        self.done("whole")
        self.assertEqual(self.interrupted("forked").returncode, STOPPED)
        # As if the first incarnation had gone on elsewhere: a later checkpoint of it, which nothing descends from.
        self.assertEqual(self.go("forked", "stop.after_minutes=0.0001").returncode, STOPPED)
        folder = self.folder / "forked/checkpoints"
        newest = self.checkpoints("forked")[-1]
        shutil.copytree(folder / newest, folder / "e0000-step-99999999")
        self.assertIn(f"resumed from {newest}", self.done("forked").stdout)
        self.same_as("whole", "forked")

    def test_a_full_disk_costs_checkpoints_but_not_the_run(self):
        if os.geteuid() != 0:
            self.skipTest("a small disk takes a mount namespace, and that takes root")
        self.done("whole")
        folder = self.folder / "full/checkpoints"
        folder.mkdir(parents=True)
        words = " ".join(f"'{word}'" for word in ("mpirun", "--oversubscribe", "-np", "2", BINARY, *map(str, self.words("full", *SETS))))
        done = subprocess.run(["timeout", "-k", "5", "100", "unshare", "-m", "bash", "-c", f"mount -t tmpfs -o size=100k none '{folder}' && exec {words}"],
                              capture_output=True, text=True, env=environment(), check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout + done.stderr, r"checkpoint \S+ is abandoned: rank \d: .*disk is full")
        self.same_as("whole", "full")

    def test_what_differs_is_refused_and_what_may_change_may(self):
        self.assertEqual(self.interrupted("kept").returncode, STOPPED)
        refused = self.go("kept", "train.batch=16")
        self.assertEqual(refused.returncode, USAGE)
        self.assertIn("train.batch was 32, now it is 16", refused.stderr)
        self.done("kept", "log.every=2", "train.threads=1", "data.threads=2", "train.graph=off", "train.epochs=5")
        self.assertIn("is finished", self.done("kept", "train.epochs=5").stdout)
        self.assertIn("resumed from", self.done("kept", "train.epochs=6").stdout)

    def test_resume_never_and_from_another_run(self):
        self.assertEqual(self.interrupted("first").returncode, STOPPED)
        newest = self.folder / "first/checkpoints" / self.checkpoints("first")[-1]
        never = run(*self.words("first", *SETS), "--resume", "never", ranks=2)
        self.assertEqual(never.returncode, USAGE)
        self.assertIn("already holds a run", never.stderr)
        other = run(*self.words("second", *SETS), "--resume", newest, ranks=2)
        self.assertEqual(other.returncode, 0, other.stderr)
        self.done("first")
        self.assertEqual(self.weights("second"), self.weights("first"))
        lost = run(*self.words("third", *SETS), "--resume", self.folder / "first/checkpoints/e0000-step-12345678", ranks=2)
        self.assertEqual(lost.returncode, DATA)

    def test_overwrite_from_an_own_checkpoint_reads_it_first(self):
        self.done("whole")
        self.assertEqual(self.interrupted("back", after=8).returncode, STOPPED)
        older = self.folder / "back/checkpoints" / self.checkpoints("back")[0]
        again = run(*self.words("back", *SETS), "--overwrite", "--resume", older, ranks=2)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(self.weights("back"), self.weights("whole"))
        wrong = run(*self.words("back", *SETS), "--overwrite", "--resume", self.folder / "nowhere/checkpoints/e0000-step-00000001", ranks=2)
        self.assertEqual(wrong.returncode, DATA)
        self.assertEqual(self.weights("back"), self.weights("whole"))

    def test_a_finished_run_without_a_whole_checkpoint_is_not_lost(self):
        self.done("precious")
        for name in self.checkpoints("precious"):
            (self.folder / "precious/checkpoints" / name / "manifest.json").unlink()
        before = self.weights("precious")
        longer = self.go("precious", "train.epochs=6")
        self.assertEqual(longer.returncode, USAGE)
        self.assertIn("no whole checkpoint to go on from", longer.stderr)
        self.assertEqual(self.weights("precious"), before)

    def test_a_requeued_job_forgets_that_it_was_to_begin_anew(self):
        self.done("whole")
        with unittest.mock.patch.dict(os.environ, SLURM_JOB_ID="7", SLURM_RESTART_COUNT="0"):
            stopped = self.interrupted("requeued")
        self.assertEqual(stopped.returncode, STOPPED)
        with unittest.mock.patch.dict(os.environ, SLURM_JOB_ID="7", SLURM_RESTART_COUNT="1"):
            again = run(*self.words("requeued", *SETS), "--overwrite", ranks=2)
        self.assertIn("resumed from", again.stdout)
        self.same_as("whole", "requeued")
        # One that never got so far as to begin the run has its wishes still before it.
        with unittest.mock.patch.dict(os.environ, SLURM_JOB_ID="8", SLURM_RESTART_COUNT="1"):
            other = run(*self.words("requeued", *SETS), "--overwrite", ranks=2)
        self.assertEqual(other.returncode, 0, other.stderr)
        self.assertNotIn("resumed from", other.stdout)

    def test_only_the_newest_are_kept(self):
        # At this rate the best epoch is an early one, which need not be kept.
        self.done("few", "checkpoint.keep=3", "checkpoint.best=false", "checkpoint.every_steps=8",
                  "schedule.learning_rate=1e-9", "train.epochs=12")
        names = self.checkpoints("few")
        self.assertEqual(len(names), 3)
        self.assertTrue(all(re.fullmatch(r"e0000-step-\d{8}", name) for name in names), names)


if __name__ == "__main__":
    unittest.main()
