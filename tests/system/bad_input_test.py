"""Bad input ends with one clear line and its exit code, on all ranks, within seconds, and nothing is lost."""

import json
import os
import resource
import signal
import subprocess
import unittest
import unittest.mock
from pathlib import Path

import h5py
import numpy

from penumbra import BINARY, Case, run

USAGE, DATA = 2, 3


class BadInput(Case):
    def refused(self, done, code, *words):
        lines = [line for line in done.stderr.splitlines() if line.startswith("penumbra: error:")]
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        self.assertEqual(len(lines), 1, done.stderr)
        for word in words:
            self.assertIn(word, lines[0])

    def damaged(self, name, change):
        """A copy of the store after `change(h5py.File)`."""
        path = self.folder / name
        path.write_bytes(self.faces.read_bytes())
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    def refused_store(self, path, *words):
        for ranks in (1, 3):
            self.refused(self.train("never", ranks=ranks, files=f'["{path}"]'), DATA, Path(path).name, *words)
        self.assertFalse((self.folder / "never").exists())

    def test_unknown_key_suggests_the_nearest(self):
        for ranks in (1, 3):
            self.refused(self.train("never", "train.epoch=3", ranks=ranks), USAGE, "train.epoch", "train.epochs")

    def test_wrong_type_and_range_name_the_key_and_what_is_allowed(self):
        for assignment in ("train.epochs=lots", "train.epochs=0", "train.epochs=1.5", "soft_label.beta_max=0.9", "train.method=best",
                           "net.depth=17", "data.files=7", "attention.warp=1", "schedule.learning_rate=nan"):
            self.refused(self.train("never", assignment), USAGE, assignment.split("=")[0], "allowed")

    def test_config_file_that_is_missing_or_no_toml(self):
        self.refused(run("train", self.folder / "none.toml", ranks=2), USAGE, "none.toml")
        (self.folder / "broken.toml").write_text("[train\nepochs = 3\n")
        self.refused(run("train", self.folder / "broken.toml"), USAGE, "broken.toml", "line 1")

    def test_odd_batch_and_more_ranks_than_pairs(self):
        self.refused(self.train("never", "train.batch=33", ranks=2), USAGE, "train.batch", "odd")
        self.refused(self.train("never", "train.batch=4", ranks=3), USAGE, "train.batch", "3 ranks")
        self.refused(self.train("never", "train.accumulate=9", ranks=2), USAGE, "train.accumulate", "8 pairs")

    def test_a_gpu_where_there_is_none(self):
        with unittest.mock.patch.dict(os.environ, CUDA_VISIBLE_DEVICES=""):
            for ranks in (1, 2):
                self.refused(self.train("never", "train.device=cuda", ranks=ranks), USAGE, "train.device", "rank 0 has no GPU")

    def test_votes_where_there_are_none(self):
        def without_votes(file):
            for split in file["original"].values():
                del split["votes"]
            del file.attrs["vote_columns"]
            file.attrs.create("vote_columns", data=h5py.Empty(h5py.string_dtype("utf-8", 1)))
        store = self.damaged("voteless.h5", without_votes)
        self.refused(self.train("never", "train.labels=votes", ranks=3, files=f'["{store}"]'), DATA, "train.labels", "votes")

    def test_stored_variants_of_other_options(self):
        store = self.damaged("variants.h5", lambda file: None)
        self.assertEqual(run("data", "ambiguous", store, "--variants", 1).returncode, 0)
        done = self.train("never", "ambiguous.mode=stored", "ambiguous.alpha=0.5", ranks=3, files=f'["{store}"]')
        self.refused(done, DATA, "[ambiguous]", "data ambiguous")

    def test_batch_larger_than_the_set(self):
        self.refused(self.train("never", "train.batch=1000", ranks=2), DATA, "256", "train.batch")

    def test_usage_on_every_subcommand(self):
        for words in ([], ["train"], ["eval", "x"], ["nonsense"], ["data", "import", "ferplus", "a", "b", "--labels", "loudest"]):
            self.refused(run(*words), USAGE)
        self.refused(run("train", ranks=3), USAGE)

    def test_missing_and_foreign_stores(self):
        self.refused_store(self.folder / "none.h5", "no such file")
        foreign = self.folder / "foreign.h5"
        foreign.write_bytes(b"not HDF5 at all" * 100)
        self.refused_store(foreign, "HDF5")
        with h5py.File(self.folder / "other.h5", "w", libver="v110") as file:
            file["x"] = numpy.zeros(3)
        self.refused_store(self.folder / "other.h5", "Penumbra")

    def test_truncated_store(self):
        whole = self.faces.read_bytes()
        for share in (0.001, 0.3, 0.99):
            path = self.folder / "truncated.h5"
            path.write_bytes(whole[:int(len(whole) * share)])
            self.refused_store(path)

    def test_older_and_newer_versions(self):
        for version in (0, 99):
            self.refused_store(self.damaged("version.h5", lambda file, v=version: file.attrs.modify("version", v)), "version")

    def test_votes_that_sum_to_zero_and_labels_out_of_range(self):
        def no_votes(file):
            file["original/train/votes"][7] = 0
        def bad_label(file):
            file["original/train/labels"][7] = 8
        self.refused_store(self.damaged("votes.h5", no_votes), "votes", "7")
        self.refused_store(self.damaged("labels.h5", bad_label), "label", "7")

    def test_class_count_or_image_size_unlike_the_config(self):
        self.refused(self.train("never", "data.classes=7", ranks=2), DATA, "data.classes", "8")
        self.refused(self.train("never", "data.image_size=48", ranks=2), DATA, "data.image_size", "32")

    def test_a_finished_run_is_not_overwritten(self):
        folder = self.trained("kept", "train.epochs=1")
        before = (folder / "metrics.jsonl").read_bytes()
        self.refused(self.train("kept", "train.epochs=1", "train.batch=16", ranks=2), USAGE, "train.batch was 32", "--overwrite")
        again = self.train("kept", "train.epochs=1", ranks=2)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("is finished", again.stdout)
        self.assertEqual((folder / "metrics.jsonl").read_bytes(), before)

    def test_eval_of_what_is_no_run_or_does_not_fit(self):
        self.refused(run("eval", self.folder, "--data", self.faces), USAGE, "config.toml")
        folder = self.trained("small", "train.epochs=1", "train.method=ce_only")
        self.refused(run("eval", folder, "--data", self.faces, "--head", "mean"), USAGE, "predict.head")
        other = self.folder / "bigger.h5"
        self.assertEqual(run("data", "synth", other, "--train", 8, "--val", 8, "--test", 8, "--size", 48).returncode, 0)
        self.refused(run("eval", folder, "--data", other), DATA, "48 px")
        weights = folder / "weights/best.safetensors"
        weights.write_bytes(weights.read_bytes()[:-8])
        self.refused(run("eval", folder, "--data", self.faces), DATA, "best.safetensors")

    def test_predict_names_the_image_that_is_corrupt(self):
        folder = self.trained("sees", "train.epochs=1")
        bad = self.folder / "bad.png"
        bad.write_bytes(b"\x89PNG\r\n\x1a\n" + b"junk" * 10)
        self.refused(run("predict", folder, bad, "--json"), DATA, "bad.png")
        good = self.folder / "good.png"
        self.assertEqual(run("data", "inspect", self.faces, "--sheet", good).returncode, 0)
        rest = run("predict", folder, good, bad, good, "--json")
        self.refused(rest, DATA, "bad.png")
        self.assertEqual([face["image"] for face in json.loads(rest.stdout)], [str(good), str(good)])
        for words, what in (([self.folder / "none"], "no such file or folder"), ([folder / "weights"], "has no PNG or JPEG")):
            self.refused(run("predict", folder, *words), DATA, what)

    def test_full_disk_while_writing_a_store_leaves_no_file(self):
        def small_disk():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        target = self.folder / "full" / "faces.h5"
        target.parent.mkdir()
        done = run("data", "synth", target, "--train", 2000, "--val", 0, "--test", 0, preexec_fn=small_disk)
        self.refused(done, DATA, "faces.h5")
        self.assertEqual(list(target.parent.iterdir()), [])

    def test_a_rank_whose_file_differs_is_named(self):
        other = self.folder / "differs.h5"
        self.assertEqual(run("data", "synth", other, "--train", 256, "--val", 64, "--test", 64, "--size", 32, "--seed", 4).returncode, 0)
        script = (f'files=\'["{self.faces}"]\'; [ "$OMPI_COMM_WORLD_RANK" != 1 ] || files=\'["{other}"]\'; '
                  f'cd $(mktemp -d); ln -s "$(echo $files | tr -d \'[]"\')" store.h5; '
                  f'exec {BINARY} train {self.config} --set data.files=\'["store.h5"]\' --set run.dir={self.folder / "never"}')
        done = subprocess.run(["timeout", "-k", "5", "60", "mpirun", "--allow-run-as-root", "--oversubscribe", "-np", "3", "bash", "-c", script],
                              capture_output=True, text=True, check=False)
        self.refused(done, 4, "training data", "rank 1")


if __name__ == "__main__":
    unittest.main()
