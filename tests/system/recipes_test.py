"""docs/recipes.md with its configurations, on small made-up data in the layouts of the downloads:
every step from the files to a report, on one and two ranks."""

import csv
import json
import re
import tempfile
import unittest
from pathlib import Path

import h5py

import manual_inputs
from penumbra import SOURCE, run
from processes import end_all_in

# What makes a run small: two steps of narrow nets, and no monitor.
SMALL = ("net.width=4", "train.epochs=1", "schedule.warm_up_epochs=0", "monitor.address=off")
# What balances classes, and the value that turns it off.
BALANCES = {"data.most_repeats": "1", "train.class_weights": '"none"',
            "train.logit_adjustment": "0.0"}


def keys_of(*words):
    """The resolved configuration as {"section.key": text}."""
    resolved, section = {}, ""
    for line in run("config", *words).stdout.splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = header[1]
        elif " = " in line:
            key, _, value = line.partition(" = ")
            resolved[f"{section}.{key}"] = value
    return resolved


def set_words(*assignments):
    return [word for assignment in assignments for word in ("--set", assignment)]


class Recipe:
    """The tests of every recipe. A recipe writes its download into a folder by write()."""
    config = importer = ""
    options = ()  # of the import
    sets = ()  # assignments of the training
    measured = ""  # the split that is reported on

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="penumbra-recipe-")
        cls.folder = Path(cls.temporary.name)
        cls.store = cls.folder / "store.h5"
        cls.write(cls.folder / "download")
        cls.import_into(cls.store)

    @classmethod
    def tearDownClass(cls):
        end_all_in(cls.folder)
        cls.temporary.cleanup()

    @classmethod
    def done(cls, *words, ranks=0):
        finished = run(*words, ranks=ranks)
        assert finished.returncode == 0, finished.stderr + finished.stdout
        return finished.stdout

    @classmethod
    def import_into(cls, store, *more):
        download = cls.folder / "download"
        cls.done("data", "import", cls.importer, download, store, *cls.options, *more)

    def rows(self, split):
        """{id: label} of a split."""
        with h5py.File(self.store) as file:
            rows = file[f"original/{split}"]
            return dict(zip(rows["ids"].asstr()[:], map(int, rows["labels"][:])))

    def train(self, name, *sets, ranks=0, more=()):
        ours = (f'data.files=["{self.store}"]', f"run.dir={self.folder / name}", *self.sets)
        return self.done("train", self.config, *set_words(*ours, *sets), *more, ranks=ranks)

    def test_the_store_is_whole(self):
        self.assertIn("none of", self.done("data", "verify", self.store))
        self.done("data", "inspect", self.store, "--sheet", self.folder / "sheet.png")

    def test_takes_a_step_with_the_net_of_the_recipe(self):
        self.train("dry", "train.batch=4", more=("--dry-run",))

    def test_trains_and_measures_on_one_and_two_ranks(self):
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                name = f"run-{ranks}"
                batch = len(self.rows("train")) // 4 * 2  # two steps
                self.train(name, *SMALL, f"train.batch={batch}", "log.every=1", ranks=ranks)
                lines = (self.folder / name / "metrics.jsonl").read_text().splitlines()
                steps = [row["step"] for row in map(json.loads, lines) if row["kind"] == "train"]
                self.assertEqual(steps, [1, 2])
                self.measure(name)

    def measure(self, name):
        words = (self.folder / name, "--data", self.store, "--split", self.measured,
                 "--weights", "final", "--resamples", 20)
        found = json.loads(self.done("eval", *words, "--json"))
        self.assertEqual(found["count"], len(self.rows(self.measured)))
        report = self.folder / f"{name}.html"
        self.done("report", *words, "--no-faces", "-o", report)
        self.assertNotIn("data:image", report.read_text())

    def test_one_switch_balances_the_classes(self):
        resolved = keys_of(self.config)
        chosen = [key for key, off in BALANCES.items() if resolved[key] != off]
        self.assertEqual(len(chosen), 1, chosen)

    def test_the_learning_rate_is_meant_for_the_batch_of_the_recipe(self):
        resolved = keys_of(self.config)
        reference = float(resolved["schedule.reference_batch"])
        self.assertEqual(reference, float(resolved["train.batch"]))


class RafDb(Recipe, unittest.TestCase):
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


class AffectNetLists(Recipe, unittest.TestCase):
    config = SOURCE / "configs/affectnet.toml"
    importer = "affectnet"
    options = ("--size", "112", "--skip-bad")
    measured = "val"
    sizes, side = (32, 16, 0), 150

    @classmethod
    def write(cls, folder):
        manual_inputs.write_affectnet(folder, manual_inputs.colour_faces(cls.sizes, cls.side))

    def test_every_labelled_face_is_there_and_no_other(self):
        lists = self.folder / "download/Manually_Annotated_file_lists"
        for split, table in (("train", "training"), ("val", "validation")):
            with (lists / f"{table}.csv").open() as file:
                listed = {row["subDirectory_filePath"]: int(row["expression"])
                          for row in csv.DictReader(file)}
            faces = {name: label for name, label in listed.items() if label < 8}
            self.assertEqual(self.rows(split), faces)

    def test_seven_classes_leave_out_contempt(self):
        store = self.folder / "seven.h5"
        self.import_into(store, "--classes", 7)
        kept = [label for label in self.rows("train").values() if label < 7]
        with h5py.File(store) as file:
            self.assertEqual(len(file.attrs["classes"]), 7)
            self.assertEqual(len(file["original/train/labels"]), len(kept))
        self.train("seven", "train.batch=4", f'data.files=["{store}"]', "data.classes=7",
                   more=("--dry-run",))


class AffectNetSets(AffectNetLists):
    """224x224 pixels, as the recipe trains on them."""
    options = ("--size", "224", "--store", "jpeg", "--skip-bad")
    sets = ("data.image_size=224", "net.last_stride=2")
    sizes, side = (16, 8, 0), 224

    @classmethod
    def write(cls, folder):
        manual_inputs.write_affectnet_sets(folder, manual_inputs.colour_faces(cls.sizes, cls.side))

    def test_every_labelled_face_is_there_and_no_other(self):
        for split, count in zip(("train", "val"), self.sizes):
            wanted = sorted(f"{split}_set/{number}" for number in range(count))
            self.assertEqual(sorted(self.rows(split)), wanted)

    def test_jpegs_are_kept_as_they_are(self):
        with h5py.File(self.store) as file:
            rows = file["original/val"]
            first = rows["jpeg"][:int(rows["jpeg_ends"][0])].tobytes()
            name = rows["ids"].asstr()[0].removeprefix("val_set/")
        scan = (self.folder / f"download/val_set/images/{name}.jpg").read_bytes()
        self.assertEqual(first[-200:], scan[-200:])  # headers may differ: EXIF goes


if __name__ == "__main__":
    unittest.main()
