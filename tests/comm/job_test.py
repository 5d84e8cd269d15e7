"""How jobs end: with the right exit code, with one line of error, soon, whatever the other ranks do."""

import os
import subprocess
import time
import unittest

JOB = os.environ["PENUMBRA_JOB"]
SECONDS = 20  # a job that hangs is ended by the tests' own time limit, long after
FAILURE, COMMUNICATION, ABORTED = 3, 4, 75


def run(how, ranks):
    """The finished job; ranks 0: without mpirun."""
    mpirun = ["mpirun", "--oversubscribe", "-np", str(ranks)] if ranks else []
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    start = time.monotonic()
    done = subprocess.run(["timeout", "-k", "5", "60", *mpirun, JOB, how], capture_output=True, text=True, env=environment, check=False)
    done.seconds = time.monotonic() - start
    return done


class Job(unittest.TestCase):
    def ends(self, done, code, *errors):
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        self.assertLess(done.seconds, SECONDS)
        self.assertEqual([line for line in done.stderr.splitlines() if line.startswith("error:")], list(errors), done.stderr)

    def test_peace_with_and_without_mpirun(self):
        for ranks in (0, 1, 2, 4):
            done = run("", ranks)
            self.ends(done, 0)
            self.assertEqual((done.stdout, done.stderr), (f"{max(1, ranks)} ranks left in peace\n", ""))

    def test_collective_that_nobody_waits_for_does_not_hold_the_end_up(self):
        for ranks in (0, 2, 3):
            self.ends(run("forget", ranks), 0)

    def test_abort_of_one_rank_ends_all_with_its_code_and_its_last_words(self):
        for how in ("abort", "abort_busy"):
            for ranks in (2, 3):
                done = run(how, ranks)
                self.ends(done, ABORTED)
                self.assertIn("last words", done.stdout)

    def test_abort_that_hangs_in_the_library_still_ends_the_job(self):
        for ranks in (0, 2):
            done = run("abort_hangs", ranks)
            self.ends(done, ABORTED)
            self.assertLess(done.seconds, 8)

    def test_abort_without_mpirun_says_nothing(self):
        done = run("abort_alone", 0)
        self.ends(done, ABORTED)
        self.assertEqual(done.stderr, "")

    def test_failure_of_some_ranks_is_said_once_by_the_lowest(self):
        for ranks in (2, 3, 4):
            self.ends(run("fail_some", ranks), FAILURE, "error: rank 1: no such file")

    def test_failure_of_all_ranks_is_said_once_without_a_rank(self):
        for ranks in (0, 1, 2, 3):
            self.ends(run("fail_all", ranks), FAILURE, "error: no such file")

    def test_disagreement_names_the_ranks_and_the_line(self):
        self.ends(run("disagree", 2), 0)
        self.ends(run("disagree", 4), COMMUNICATION,
                  "error: the configuration of ranks 2, 3 differs from rank 0's: rank 2 has 'rate = 1' where rank 0 has "
                  "'rate = 0'; start every rank with the same arguments and files")


if __name__ == "__main__":
    unittest.main()
