"""slurm/*.sbatch with stand-ins for Slurm's commands: what they start, when they put which job back
into the queue, what they end with."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

SOURCE = Path(os.environ["PENUMBRA_SOURCE_DIR"])
SECONDS = 30  # after which a script is taken to hang

# A step that records how it was started and ends with FAKE_CODE. With FAKE_WAITS it waits for a
# signal and ends with 75.
SRUN = """#!/bin/bash
printf '%s\\n' "$@" >"$FAKE/srun"
env >"$FAKE/environment"
[ -z "${FAKE_EXIT_ERROR:-}" ] || exit "$SLURM_EXIT_ERROR"
if [ -n "${FAKE_WAITS:-}" ]; then
  trap 'exit 75' USR1
  touch "$FAKE/waits"
  while :; do sleep 0.01; done
fi
exit "${FAKE_CODE:-0}"
"""
SCONTROL = """#!/bin/bash
if [ "$1" = show ]; then
  printf '   JobState=%s Reason=None\\n   Requeue=1 Restarts=%s BatchFlag=1\\n' $FAKE_JOB
  exit
fi
printf '%s\\n' "$*" >>"$FAKE/scontrol"
exit "${FAKE_SCONTROL:-0}"
"""
# In place of the script's `kill`: returns only after the step that got the signal has ended and the
# shell has collected it.
SLOW_KILL = """
kill() {
  builtin kill "$@"
  local passed_on=$?
  if [ "$1" = -USR1 ]; then
    while builtin kill -0 "$2" 2>/dev/null; do sleep 0.01; done
  fi
  return $passed_on
}
"""


class SlurmScript(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="penumbra-slurm-")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
            program = self.folder / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(text)
            program.chmod(0o755)

    def environment(self, **more):
        ours = ("SLURM_", "SRUN_", "PENUMBRA_", "FAKE")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {**clean, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "FAKE": str(self.folder), "FAKE_JOB": "RUNNING 0", "SLURM_JOB_ID": "700",
                **{"SLURM_ARRAY_JOB_ID": "700" for name in more if name == "SLURM_ARRAY_TASK_ID"},
                **{name: str(value) for name, value in more.items()}}

    def command(self, script, *words):
        """As Slurm runs it: a copy in its spool folder, not the file that was submitted."""
        copy = self.folder / "slurm_script"
        copy.write_text((SOURCE / "slurm" / script).read_text())
        return ["timeout", "-k", "5", str(SECONDS), "bash", copy, *map(str, words)]

    def submit(self, script, *words, cwd=SOURCE, **environment):
        return subprocess.run(self.command(script, *words), env=self.environment(**environment),
                              cwd=cwd, capture_output=True, text=True, check=False)

    def train(self, **environment):
        return self.submit("train.sbatch", "a.toml", "--set", "run.dir=a", **environment)

    def requeued(self):
        """What scontrol was asked for, a line a call."""
        calls = self.folder / "scontrol"
        return calls.read_text().splitlines() if calls.exists() else []

    def started_with(self):
        return (self.folder / "srun").read_text().splitlines()

    def test_starts_the_ranks_with_the_words_that_it_was_given(self):
        self.assertEqual(self.train(PENUMBRA="/opt/penumbra").returncode, 0)
        words = self.started_with()
        self.assertEqual(words[words.index("/opt/penumbra"):],
                         ["/opt/penumbra", "train", "a.toml", "--set", "run.dir=a"])
        self.assertIn("--mpi=pmix", words)

    def test_ranks_get_the_cores_that_the_job_asked_for(self):
        """srun of Slurm 22.05 and later does not take --cpus-per-task from the job."""
        self.train(SLURM_CPUS_PER_TASK=12)
        self.assertIn("SRUN_CPUS_PER_TASK=12\n", (self.folder / "environment").read_text())
        self.train()
        self.assertNotIn("SRUN_CPUS_PER_TASK", (self.folder / "environment").read_text())

    def test_what_would_fail_again_is_not_put_back(self):
        for code in (0, 1, 2, 3):
            self.assertEqual(self.train(FAKE_CODE=code).returncode, code)
        self.assertEqual(self.requeued(), [])

    def test_what_was_stopped_or_lost_a_rank_is_put_back(self):
        for calls, code in enumerate((4, 75, 137, 143), 1):
            self.assertEqual(self.train(FAKE_CODE=code).returncode, code)
            self.assertEqual(self.requeued(), calls * ["requeue 700"])

    def test_a_task_of_an_array_puts_itself_back_and_no_sibling(self):
        """One task of an array has the array's id as its own; by that Slurm requeues all tasks."""
        self.train(FAKE_CODE=75, SLURM_ARRAY_TASK_ID=3)
        self.assertEqual(self.requeued(), ["requeue 700_3"])

    def test_a_signal_is_passed_on_and_the_step_is_waited_for(self):
        for wanted in (signal.SIGUSR1, signal.SIGTERM):
            (self.folder / "waits").unlink(missing_ok=True)
            self.assertEqual(self.signalled(wanted), 75)

    def test_a_signal_as_the_step_ends_does_not_replace_its_code(self):
        injected = self.folder / "slow_kill"
        injected.write_text(SLOW_KILL)
        self.assertEqual(self.signalled(signal.SIGUSR1, BASH_ENV=injected), 75)

    def test_a_cancelled_job_stays_cancelled(self):
        self.assertEqual(self.signalled(signal.SIGTERM, FAKE_JOB="COMPLETING 0"), 75)
        self.assertEqual(self.requeued(), [])

    def test_a_job_that_is_preempted_or_at_its_time_limit_is_put_back(self):
        for wanted, job in ((signal.SIGTERM, "COMPLETING 1"), (signal.SIGTERM, "RUNNING 0"),
                            (signal.SIGUSR1, "COMPLETING 0")):
            (self.folder / "waits").unlink(missing_ok=True)
            (self.folder / "scontrol").unlink(missing_ok=True)
            self.assertEqual(self.signalled(wanted, FAKE_JOB=job), 75)
            self.assertEqual(self.requeued(), ["requeue 700"], (wanted, job))

    def signalled(self, wanted, **environment):
        """The code of a script that gets a signal while its step waits for one."""
        command = self.command("train.sbatch", "a.toml")[4:]  # without `timeout`
        with subprocess.Popen(command, env=self.environment(FAKE_WAITS=1, **environment),
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True) as job:
            try:
                self.wait_for(self.folder / "waits")
                job.send_signal(wanted)
                return job.wait(timeout=SECONDS)
            finally:
                if job.poll() is None:
                    os.killpg(job.pid, signal.SIGKILL)

    def wait_for(self, file):
        deadline = time.monotonic() + SECONDS
        while not file.exists():
            self.assertLess(time.monotonic(), deadline, f"no {file.name}")
            time.sleep(0.01)

    def test_a_step_that_srun_cannot_start_at_once_is_not_tried_again(self):
        """It has never worked: a missing MPI plugin, not a lost node."""
        done = self.train(FAKE_EXIT_ERROR=1)
        self.assertNotIn(done.returncode, (0, 1, 2, 3, 4, 75))  # those are penumbra's own
        self.assertEqual(self.requeued(), [])
        self.assertIn("srun --mpi=list", done.stdout)

    def test_a_step_that_srun_could_start_before_is_tried_again(self):
        self.train(FAKE_EXIT_ERROR=1, SLURM_RESTART_COUNT=1)
        self.assertEqual(self.requeued(), ["requeue 700"])

    def test_a_run_that_fails_soon_after_each_start_is_given_up(self):
        for code in (4, 137):
            self.assertEqual(self.train(FAKE_CODE=code, SLURM_RESTART_COUNT=2).returncode, code)
        self.assertEqual(len(self.requeued()), 2)
        for code in (4, 137):
            done = self.train(FAKE_CODE=code, SLURM_RESTART_COUNT=3)
            self.assertEqual(done.returncode, code)
            self.assertIn("not put back into the queue", done.stdout)
        self.assertEqual(len(self.requeued()), 2)

    def test_a_run_that_fails_after_longer_is_not_given_up(self):
        self.train(FAKE_CODE=4, SLURM_RESTART_COUNT=30, SOON_SECONDS=0)
        self.assertEqual(self.requeued(), ["requeue 700"])

    def test_a_run_that_is_stopped_soon_after_each_start_is_not_given_up(self):
        self.train(FAKE_CODE=75, SLURM_RESTART_COUNT=30)
        self.assertEqual(self.requeued(), ["requeue 700"])

    def test_a_killed_rank_brings_up_memory(self):
        self.assertIn("memory", self.train(FAKE_CODE=137).stdout)
        self.assertNotIn("memory", self.train(FAKE_CODE=4).stdout)

    def test_the_last_restart_says_so(self):
        done = self.train(FAKE_CODE=75, SLURM_RESTART_COUNT=50)
        self.assertEqual((done.returncode, self.requeued()), (75, []))
        self.assertIn("MOST_RESTARTS", done.stdout)
        self.train(FAKE_CODE=75, SLURM_RESTART_COUNT=50, MOST_RESTARTS=51)
        self.assertEqual(self.requeued(), ["requeue 700"])

    def test_a_refused_requeue_is_named(self):
        done = self.train(FAKE_CODE=75, FAKE_SCONTROL=1)
        self.assertEqual(done.returncode, 75)
        self.assertIn("only if Slurm has requeued it by itself", done.stdout)

    def test_a_seed_is_a_run_of_its_own(self):
        self.submit("seeds.sbatch", "a.toml", "runs", "--set", "train.epochs=3",
                    SLURM_ARRAY_TASK_ID=4)
        words = self.started_with()
        self.assertEqual(words[words.index("train"):],
                         ["train", "a.toml", "--set", "run.seed=4", "--set", "run.dir=runs/seed-4",
                          "--set", "train.epochs=3"])

    def test_each_file_is_an_ablation(self):
        files = sorted((SOURCE / "configs/ablations").glob("*.toml"))
        for task in (0, len(files) - 1):
            done = self.submit("ablations.sbatch", "a.toml", "runs", SLURM_ARRAY_TASK_ID=task)
            self.assertEqual(done.returncode, 0, done.stderr)
            words = self.started_with()
            self.assertTrue(Path(SOURCE, words[words.index("train") + 2]).samefile(files[task]))
            self.assertEqual(words[-2:], ["--set", f"run.dir=runs/{files[task].stem}"])

    def test_a_task_beyond_the_last_ablation_starts_nothing(self):
        files = list((SOURCE / "configs/ablations").glob("*.toml"))
        done = self.submit("ablations.sbatch", "a.toml", "runs", SLURM_ARRAY_TASK_ID=len(files))
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"--array=0-{len(files) - 1}", done.stderr)
        self.assertFalse((self.folder / "srun").exists())

    def test_an_installed_copy_is_found_from_any_folder(self):
        """As `cmake --install` leaves them: slurm/ and configs/ side by side."""
        share = self.folder / "share/penumbra"
        for name in ("slurm", "configs"):
            shutil.copytree(SOURCE / name, share / name)
        for script in ("seeds.sbatch", "ablations.sbatch"):
            done = self.submit(script, "a.toml", "runs", cwd=self.folder,
                               PENUMBRA_SLURM=share / "slurm", SLURM_ARRAY_TASK_ID=1)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_scripts_that_are_not_beside_the_job_are_asked_for(self):
        for script in ("seeds.sbatch", "ablations.sbatch"):
            done = self.submit(script, "a.toml", "runs", cwd=self.folder, SLURM_ARRAY_TASK_ID=1)
            self.assertEqual(done.returncode, 2)
            self.assertIn("PENUMBRA_SLURM", done.stderr)


if __name__ == "__main__":
    unittest.main()
