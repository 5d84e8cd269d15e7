"""What penumbra eval says of trained runs."""

import csv
import json
import math
import unittest

from penumbra import Case, run

DATA = 3
MEASURES = {"accuracy", "majority_accuracy", "mean_class_accuracy", "macro_f1", "nll", "brier", "ece", "classwise_ece", "kl_human", "js_human",
            "cosine_human", "spearman_entropy", "auroc_error", "auroc_ambiguous", "auroc_noise", "auroc_noise_entropy", "aurc", "e_aurc",
            "ceiling_accuracy", "spearman_true_entropy"}
OF_PROBABILITIES = {"nll", "brier", "ece", "classwise_ece", "kl_human", "js_human"}


class Evaluation(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.runs = []
        for seed in (1, 2, 3):
            folder = cls.folder / f"run-{seed}"
            done = run("train", cls.config, "--set", f'data.files=["{cls.faces}"]', "--set", f"run.dir={folder}", "--set", f"run.seed={seed}")
            assert done.returncode == 0, done.stderr
            cls.runs.append(folder)

    def said(self, *words, ranks=0):
        done = run(*words, "--data", self.faces, "--json", ranks=ranks)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_every_measure_that_exists_has_an_interval_around_it(self):
        result = self.said("eval", self.runs[0])
        self.assertEqual(result["intervals"].keys(), MEASURES)
        self.assertEqual(result["resamples"], 1000)
        for name, interval in result["intervals"].items():
            self.assertEqual(interval is None, result[name] is None, name)
            if interval and name not in ("ece", "classwise_ece"):  # resampling adds noise to their absolute gaps
                self.assertLessEqual(interval[0], result[name], name)
                self.assertGreaterEqual(interval[1], result[name], name)
        for name in ("auroc_noise", "auroc_noise_entropy"):
            self.assertIsNone(result[name])

    def test_probability_measures_are_there_after_the_temperature_too(self):
        result = self.said("eval", self.runs[0])
        self.assertEqual(result["calibrated"].keys(), OF_PROBABILITIES)
        self.assertEqual(result["calibrated_intervals"].keys(), OF_PROBABILITIES)
        self.assertEqual(result["calibrated"]["nll"], result["nll_calibrated"])
        self.assertEqual(result["calibrated"]["ece"], result["ece_calibrated"])
        self.assertNotEqual(result["calibrated"]["brier"], result["brier"])

    def test_classes_are_those_of_the_confusion(self):
        result = self.said("eval", self.runs[0])
        confusion = result["confusion"]
        self.assertEqual(len(result["classes"]), 8)
        self.assertEqual(sorted(one["count"] for one in result["classes"].values()), sorted(map(sum, confusion)))
        present = [one for one in result["classes"].values() if one["count"]]
        self.assertAlmostEqual(sum(one["recall"] for one in present) / len(present), result["mean_class_accuracy"])
        self.assertAlmostEqual(sum(one["f1"] for one in present) / len(present), result["macro_f1"])
        for one in present:
            self.assertLessEqual(one["recall_interval"][0], one["recall"])
            self.assertGreaterEqual(one["recall_interval"][1], one["recall"])

    def test_intervals_are_the_same_each_time_and_can_be_left_out(self):
        first, second = (self.said("eval", self.runs[0], "--resamples", 200) for _ in range(2))
        self.assertEqual(first, second)
        bare = self.said("eval", self.runs[0], "--resamples", 0)
        self.assertNotIn("intervals", bare)
        self.assertEqual(bare["accuracy"], first["accuracy"])

    def test_table_shows_value_and_interval(self):
        done = run("eval", self.runs[0], "--data", self.faces)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^accuracy +\d\.\d{4}  \[\d\.\d{4}, \d\.\d{4}\]$")
        self.assertRegex(done.stdout, r"(?m)^brier_calibrated +\d\.\d{4}  \[")
        self.assertRegex(done.stdout, r"(?m)^class +faces +precision +F1 +recall$")

    def test_curve_ends_at_the_error_rate_and_has_the_area_that_is_printed(self):
        path = self.folder / "curve.csv"
        result = self.said("eval", self.runs[0], "--curve", path)
        with open(path, newline="") as file:
            points = [(float(row["coverage"]), float(row["risk"])) for row in csv.DictReader(file)]
        self.assertEqual([c for c, _ in points], sorted(c for c, _ in points))
        self.assertAlmostEqual(points[-1][0], 1)
        self.assertAlmostEqual(points[-1][1], 1 - result["accuracy"])
        before = [0] + [c for c, _ in points]
        self.assertAlmostEqual(sum((c - b) * r for (c, r), b in zip(points, before)), result["aurc"])
        done = run("eval", self.runs[0], "--data", self.faces, "--curve", self.folder / "none" / "curve.csv")
        self.assertEqual(done.returncode, DATA)
        self.assertIn("curve.csv: cannot write", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_injected_noise_is_looked_for(self):
        noisy = self.folder / "noisy.h5"
        self.assertEqual(run("data", "noise", self.faces, noisy, "--rate", 0.2).returncode, 0)
        done = run("eval", self.runs[0], "--data", noisy, "--split", "train", "--json")
        result = json.loads(done.stdout)
        self.assertGreater(result["auroc_noise"], 0.5)
        self.assertIsNotNone(result["intervals"]["auroc_noise"])


if __name__ == "__main__":
    unittest.main()
