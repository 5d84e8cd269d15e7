"""Commands that make stores from stores, seen by h5py."""

import json
import unittest

import h5py

from penumbra import Case, run

DATA = 3


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


if __name__ == "__main__":
    unittest.main()
