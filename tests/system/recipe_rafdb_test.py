"""The recipe for RAF-DB of docs/recipes.md, with its configuration and the layout of the download."""

import json
import unittest

import manual_inputs
from penumbra import SOURCE
from recipe import SMALL, Configuration, Recipe, set_words


class RafDb(Recipe, Configuration, unittest.TestCase):
    config = SOURCE / "configs/rafdb.toml"
    importer = "rafdb"
    measured = "test"

    @staticmethod
    def write(folder):
        manual_inputs.write_rafdb(folder, manual_inputs.colour_faces((64, 0, 16), 100))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.all_to_train_on = cls.rows(cls, "train")
        cls.done("data", "holdout", cls.store, cls.store, "--fraction", 0.1, "--seed", 1)

    def test_labels_are_those_of_the_list(self):
        file = self.folder / "download/EmoLabel/list_patition_label.txt"
        listed = file.read_text().split()
        labels = {name: int(label) - 1 for name, label in zip(listed[::2], listed[1::2])}
        self.assertEqual({**self.all_to_train_on, **self.rows("test")}, labels)

    def test_a_tenth_is_held_out(self):
        train, val = self.rows("train"), self.rows("val")
        self.assertEqual({**train, **val}, self.all_to_train_on)
        self.assertEqual(len(val), round(0.1 * len(self.all_to_train_on)))

    def test_groups_are_measured(self):
        self.train("groups", *SMALL, "train.batch=16")
        columns = ("--by", "gender", "--by", "race", "--by", "age")
        found = json.loads(self.done("eval", self.folder / "groups", "--data", self.store,
                                     "--json", "--resamples", 0, *columns))
        self.assertEqual(sorted(found["groups"]), ["age", "gender", "race"])

    def test_seeds_of_two_methods_are_compared(self):
        ablations = [SOURCE / f"configs/ablations/{name}.toml" for name in ("full", "ce_only")]
        sets = set_words(f'data.files=["{self.store}"]', *SMALL, "train.batch=32")
        table = self.done("sweep", self.folder / "study", self.config, "--seed", 1, "--ablation",
                          *ablations, *sets, "--mpirun", "--bind-to none --oversubscribe",
                          "--data", self.store, "--split", "test")
        self.assertIn("ce_only", table)


if __name__ == "__main__":
    unittest.main()
