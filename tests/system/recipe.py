"""What the tests of docs/recipes.md share: every step from the files of a download to a report, on
small made-up data."""

import json
import re
import tempfile
from pathlib import Path

import h5py

from penumbra import run
from processes import end_all_in

# What makes a run small: two steps of narrow nets, and no monitor.
SMALL = ("net.width=4", "train.precision=fp32", "train.epochs=1", "schedule.warm_up_epochs=0",
         "monitor.address=off")
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
    ranks = (1, 2)  # to train on

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

    def test_trains_and_measures(self):
        for ranks in self.ranks:
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


class Configuration:
    """`config`: the recipe's."""

    def test_one_switch_balances_the_classes(self):
        resolved = keys_of(self.config)
        chosen = [key for key, off in BALANCES.items() if resolved[key] != off]
        self.assertEqual(len(chosen), 1, chosen)

    def test_the_learning_rate_is_meant_for_the_batch_of_the_recipe(self):
        resolved = keys_of(self.config)
        reference = float(resolved["schedule.reference_batch"])
        self.assertEqual(reference, float(resolved["train.batch"]))
