"""Nothing is deleted that Penumbra did not write, and a run whose checkpoints are gone is not begun anew."""

import json
import shutil
import signal
import unittest

from penumbra import run
from resuming import SETS, ResumeCase

USAGE, DATA = 2, 3


class RunFolder(ResumeCase):
    def files(self, name):
        folder = self.folder / name
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def write(self, *names):
        for name in names:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text("mine\n")

    def killed(self, name, *sets):
        """A run that a fault ends after it has taken checkpoints."""
        done = run(*self.words(name, *SETS, *sets), "--fault", "rank=0,step=20,kind=kill")
        self.assertIn(done.returncode, (-signal.SIGKILL, 128 + signal.SIGKILL), done.stderr)
        self.assertTrue(self.checkpoints(name))

    def test_a_folder_with_other_files_is_refused_and_stays_as_it_is(self):
        self.write("project/checkpoints/resnet50_epoch90.pth", "project/config.toml", "project/data.json",
                   "project/failures/notes.txt", "project/weights/best.safetensors")
        before = self.files("project")
        for words in ((), ("--overwrite",), ("--resume", "never")):
            for name in ("project", "project/"):
                done = run(*self.words(name), *words)
                self.assertEqual(done.returncode, USAGE, done.stderr)
                self.assertRegex(done.stderr, "project: holds no run of Penumbra, but .*: choose a new or an empty folder")
        self.assertEqual(self.files("project"), before)

    def test_the_working_folder_is_refused_where_it_is_not_empty(self):
        self.write("here/thesis.tex")
        words = [str(word).replace(str(self.folder / "here"), ".") for word in self.words("here")]
        done = run(*words, cwd=self.folder / "here")
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertEqual(list(self.files("here")), ["thesis.tex"])

    def test_overwrite_and_resume_leave_files_that_others_put_into_a_run(self):
        self.killed("kept")
        foreign = ("kept/notes.md", "kept/checkpoints/backbone.pth", "kept/failures/why.txt",
                   f"kept/checkpoints/{self.checkpoints('kept')[0]}/read.me", "kept/weights/old.safetensors")
        self.write(*foreign)
        self.done("kept", ranks=1)
        done = run(*self.words("kept", *SETS), "--overwrite")
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in foreign:
            self.assertEqual((self.folder / name).read_text(), "mine\n", name)

    def test_an_empty_folder_and_a_link_for_checkpoints_are_used(self):
        (self.folder / "scratch").mkdir()
        (self.folder / "linked").mkdir()
        (self.folder / "linked/checkpoints").symlink_to("../scratch")
        self.killed("linked")
        self.assertTrue((self.folder / "linked/checkpoints").is_symlink())
        self.assertTrue(list((self.folder / "scratch").glob("e0000-step-*")))
        self.assertIn("resumed from", self.done("linked", ranks=1).stdout)
        self.assertEqual(run(*self.words("linked", *SETS), "--overwrite").returncode, 0)
        self.assertTrue((self.folder / "linked/checkpoints").is_symlink())

    def test_a_link_to_nowhere_is_named(self):
        (self.folder / "lost").mkdir()
        (self.folder / "lost/checkpoints").symlink_to("../unmounted")
        done = run(*self.words("lost"))
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertIn("unmounted", done.stderr)

    def test_checkpoints_that_are_gone_are_named_and_nothing_is_deleted(self):
        self.killed("purged", "checkpoint.best=true")
        newest = self.checkpoints("purged")[-1]
        shutil.move(self.folder / "purged/checkpoints", self.folder / "elsewhere")
        before = self.files("purged")
        for ranks in (1, 2):
            done = self.go("purged", ranks=ranks)
            self.assertEqual(done.returncode, DATA, done.stderr)
            self.assertIn(f"purged/checkpoints/{newest} is gone", done.stderr)
            self.assertEqual(self.files("purged"), before)
        shutil.move(self.folder / "elsewhere", self.folder / "purged/checkpoints")
        shutil.rmtree(self.folder / "purged/checkpoints" / newest)
        done = self.go("purged", ranks=1)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{newest} is gone: the run goes on from", done.stdout + done.stderr)

    def test_a_checkpoint_that_cannot_be_noted_counts_all_the_same(self):
        self.killed("unnoted")
        (self.folder / "unnoted/newest-checkpoint.json").unlink()
        (self.folder / "unnoted/newest-checkpoint.json").mkdir()
        done = self.done("unnoted", ranks=1)
        self.assertIn("is not noted as the newest checkpoint", done.stdout + done.stderr)
        self.assertNotIn("abandoned", done.stdout + done.stderr)
        self.assertIn("e0001-step-00000032", self.checkpoints("unnoted"))

    def test_runs_without_a_mark_go_on(self):
        self.killed("unmarked")
        (self.folder / "unmarked/run.json").unlink()
        self.assertIn("penumbra", json.loads((self.folder / "unmarked/environment.json").read_text()))
        self.assertIn("resumed from", self.done("unmarked", ranks=1).stdout)
        self.assertEqual(run(*self.words("unmarked", *SETS), "--overwrite").returncode, 0)
        self.assertTrue((self.folder / "unmarked/run.json").exists())


if __name__ == "__main__":
    unittest.main()
