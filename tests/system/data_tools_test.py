"""Commands that make stores from stores, seen by h5py."""

import json
import unittest

import h5py

from penumbra import Case, run

USAGE, DATA = 2, 3


class DataTools(Case):
    def done(self, *words):
        finished = run("data", *words)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        return finished.stdout

    def refused(self, *words):
        finished = run("data", *words)
        self.assertEqual(finished.returncode, DATA, finished.stderr)
        self.assertEqual(len(finished.stderr.splitlines()), 1, finished.stderr)
        return finished.stderr

    def evaluated(self, folder, store, *more):
        done = run("eval", folder, "--data", store, "--json", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def split(self, store, name):
        with h5py.File(store) as file:
            return {key: dataset[:] for key, dataset in file[f"original/{name}"].items()}

    def test_noise_changes_training_labels_alone(self):
        noisy = self.folder / "noisy.h5"
        self.assertIn("64 of 256", self.done("noise", self.faces, noisy, "--rate", 0.25, "--seed", 2))
        before, after = self.split(self.faces, "train"), self.split(noisy, "train")
        self.assertEqual((before["labels"] != after["labels"]).sum(), 64)
        self.assertTrue((before["labels"] == after["clean_labels"]).all())
        for column in before.keys() - {"labels"}:
            self.assertTrue((before[column] == after[column]).all(), column)
        for name in ("val", "test"):
            before, after = self.split(self.faces, name), self.split(noisy, name)
            self.assertEqual(before.keys(), after.keys())
            self.assertTrue(all((before[column] == after[column]).all() for column in before))
        self.assertEqual(json.loads(self.done("inspect", noisy, "--json"))["splits"]["train"]["label_noise"], 0.25)
        self.done("verify", noisy)
        self.assertIn("noisy already", self.refused("noise", noisy, self.folder / "more.h5"))

    def test_holdout_takes_its_share_of_each_class(self):
        self.assertIn("already", self.refused("holdout", self.faces, self.folder / "more.h5"))
        bare, out = self.folder / "bare.h5", self.folder / "held.h5"
        bare.write_bytes(self.faces.read_bytes())
        with h5py.File(bare, "r+") as file:
            del file["original/val"]
        self.assertIn("train: 192 faces, val: 64", self.done("holdout", bare, out, "--fraction", 0.25))
        before, train, val = self.split(bare, "train"), self.split(out, "train"), self.split(out, "val")
        self.assertEqual(sorted([*train["ids"], *val["ids"]]), sorted(before["ids"]))
        for label in range(8):
            self.assertLess(abs((val["labels"] == label).sum() - (before["labels"] == label).sum() / 4), 1)
        self.done("verify", out)

    def test_merge_has_the_faces_of_both(self):
        noisy, out = self.folder / "noisy.h5", self.folder / "both.h5"
        self.done("noise", self.faces, noisy)
        self.done("merge", out, self.faces, noisy)
        first, second, both = self.split(self.faces, "train"), self.split(noisy, "train"), self.split(out, "train")
        self.assertEqual(both["labels"].tolist(), [*first["labels"], *second["labels"]])
        self.assertEqual(both["clean_labels"].tolist(), 2 * first["labels"].tolist())
        self.assertEqual(both["ids"].tolist(), [place + name for place in (b"1/", b"2/") for name in first["ids"]])
        self.done("verify", out)

    def test_a_class_map_gives_training_evaluation_and_merge_other_classes(self):
        with h5py.File(self.faces) as file:
            names = [name.decode() if isinstance(name, bytes) else name for name in file.attrs["classes"]]
        labels = self.split(self.faces, "test")["labels"]
        kept = int((labels != names.index("contempt")).sum())
        self.assertLess(kept, len(labels))
        folder = self.trained("mapped", "train.epochs=1", 'data.class_map={contempt="", fear="surprise"}', ranks=2)
        own = self.evaluated(folder, self.faces)
        self.assertEqual((sum(map(sum, own["confusion"])), len(own["confusion"])), (kept, 6))
        shuffled = self.folder / "shuffled.h5"
        self.done("merge", shuffled, self.faces, self.faces, "--class-map", "happiness=glad", "neutral=calm")
        refused = run("eval", folder, "--data", shuffled)
        self.assertEqual(refused.returncode, DATA)
        self.assertIn("calm", refused.stderr)
        back = self.evaluated(folder, shuffled, "--class-map", "glad=happiness", "calm=neutral", "contempt=", "fear=surprise")
        self.assertEqual(sum(map(sum, back["confusion"])), 2 * kept)
        self.assertAlmostEqual(back["accuracy"], own["accuracy"])

    def test_stored_variants_take_no_class_map(self):
        refused = self.train("stored", "ambiguous.mode=stored", 'data.class_map={fear=""}', ranks=2)
        self.assertEqual(refused.returncode, USAGE)
        self.assertIn("data.class_map", refused.stderr)


if __name__ == "__main__":
    unittest.main()
