"""What penumbra eval, penumbra compare and penumbra report say of trained runs."""

import csv
import html.parser
import json
import shutil
import unittest

import h5py
import numpy as np

from penumbra import Case, run

USAGE, DATA = 2, 3
MEASURES = {"accuracy", "majority_accuracy", "mean_class_accuracy", "macro_f1", "nll", "brier", "ece", "classwise_ece", "kl_human", "js_human",
            "cosine_human", "spearman_entropy", "auroc_error", "auroc_ambiguous", "auroc_noise", "auroc_noise_entropy",
            "auroc_noise_disagreement", "auroc_noise_uncertainty", "aurc", "e_aurc", "ceiling_accuracy", "spearman_true_entropy"}
OF_PROBABILITIES = {"nll", "brier", "ece", "classwise_ece", "kl_human", "js_human"}


class Page(html.parser.HTMLParser):
    """What a report says: its sections, its pictures, the rows of its measures. Every tag must be closed in its turn."""

    VOID = {"meta", "img", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.sections, self.pictures, self.rows, self.addresses = [], [], [], {}, []
        self.cells = None
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.addresses += [attributes[name] for name in ("href", "src", "xlink:href", "action") if name in attributes]
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "section":
            self.sections.append(attributes["id"])
        if tag == "img":
            assert attributes["alt"]
            self.pictures.append(attributes["src"])
        if tag == "tr":
            self.cells = self.rows.setdefault(attributes.get("data-measure"), [])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if self.cells is not None and "td" in self.open:
            self.cells.append(data)


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
            for name in ("recall", "precision", "f1"):
                self.assertEqual(one[name] is None, one[f"{name}_interval"] is None)
                if one[name] is not None:
                    low, high = one[f"{name}_interval"]
                    self.assertTrue(low <= one[name] <= high, name)

    def test_groups_are_measured_apart_and_cover_the_split(self):
        grouped = self.folder / "grouped.h5"
        shutil.copy(self.faces, grouped)
        codes = np.arange(64, dtype=np.int32) % 3 - 1
        with h5py.File(grouped, "r+", libver="latest") as store:
            groups = store["original/test"].create_group("groups")
            groups.attrs["names"] = np.array([b"age"])
            groups.create_dataset("age/codes", data=codes)
            groups.create_dataset("age/values", data=["child", "adult"], dtype=h5py.string_dtype())
        words = ("eval", self.runs[0], "--data", grouped, "--resamples", 50)
        done = run(*words, "--by", "age", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        ages = result["groups"]["age"]
        self.assertEqual({name: one["count"] for name, one in ages.items()},
                         {"(unknown)": sum(codes == -1), "child": sum(codes == 0), "adult": sum(codes == 1)})
        for name in ("accuracy", "nll", "brier", "kl_human"):
            self.assertAlmostEqual(sum(one["count"] * one[name] for one in ages.values()) / 64, result[name])
        low, high = ages["adult"]["intervals"]["nll"]
        self.assertTrue(low < ages["adult"]["nll"] < high)
        table = run(*words, "--by", "age")
        self.assertRegex(table.stdout, r"(?m)^age +faces +accuracy +mean_class_accuracy +ece_calibrated$")
        self.assertRegex(table.stdout, r"(?m)^child +\d+  \d\.\d{4}  \[")
        done = run(*words, "--by", "race", ranks=2)
        self.assertEqual(done.returncode, DATA)
        self.assertIn('--by: the split test has no groups "race", there are age', done.stderr)

    def test_ceilings_stand_beside_the_numbers(self):
        result = self.said("eval", self.runs[0], "--resamples", 0)
        self.assertTrue(0 < result["ceiling_spearman_entropy"] < 1)
        self.assertRegex(run("eval", self.runs[0], "--data", self.faces, "--resamples", 0).stdout, r"(?m)^ceiling_spearman_entropy +0\.\d{4}$")

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
        self.assertRegex(done.stdout, r"(?m)^class +faces +recall +precision +F1$")

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
        self.assertIsNone(result["auroc_noise_disagreement"])  # it was trained on the labels before they were flipped

    def test_a_training_on_flipped_labels_says_itself_which_it_doubts(self):
        noisy = self.folder / "flipped.h5"
        self.assertEqual(run("data", "noise", self.faces, noisy, "--rate", 0.2).returncode, 0)
        trained = self.trained("doubts", files=f'["{noisy}"]')
        one, two = (json.loads(run("eval", trained, "--data", noisy, "--split", "train", "--json", ranks=ranks).stdout) for ranks in (0, 2))
        for name in ("auroc_noise_disagreement", "auroc_noise_uncertainty"):  # tests/trainer/bank_scores_test.cpp has their values
            low, high = one["intervals"][name]
            self.assertLess(low, one[name])
            self.assertLess(one[name], high)
            self.assertEqual(two[name], one[name])

    def test_a_run_does_not_differ_from_itself(self):
        result = self.said("compare", self.runs[0], self.runs[0])
        self.assertEqual(result["measures"].keys(), MEASURES - {"ceiling_accuracy"})
        self.assertEqual(result["calibrated"].keys(), OF_PROBABILITIES)
        self.assertEqual(result["count"], 64)
        for name, row in {**result["measures"], **result["calibrated"]}.items():
            if row["difference"] is not None:
                self.assertEqual((row["difference"], row["interval"], row["p"]), (0, [0, 0], 1), name)

    def test_differences_are_those_of_what_eval_prints(self):
        a, b = (self.said("eval", folder, "--resamples", 0) for folder in self.runs[:2])
        for ranks in (0, 2):
            compared = self.said("compare", *self.runs[:2], ranks=ranks)["measures"]
            for name in ("accuracy", "nll", "aurc", "js_human"):
                self.assertAlmostEqual(compared[name]["a"], a[name], places=5)
                self.assertAlmostEqual(compared[name]["difference"], a[name] - b[name], places=5)
                low, high = compared[name]["interval"]
                self.assertLessEqual(low, compared[name]["difference"])
                self.assertGreaterEqual(high, compared[name]["difference"])
                self.assertTrue(0 < compared[name]["p"] <= 1)

    def test_several_seeds_a_side_are_averaged(self):
        losses = [self.said("eval", folder, "--resamples", 0)["nll"] for folder in self.runs]
        row = self.said("compare", "--a", self.runs[0], self.runs[1], "--b", self.runs[2], "--resamples", 100)["measures"]["nll"]
        self.assertAlmostEqual(row["a"], (losses[0] + losses[1]) / 2)
        self.assertAlmostEqual(row["difference"], (losses[0] + losses[1]) / 2 - losses[2])
        table = run("compare", *self.runs[:2], "--data", self.faces)
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertRegex(table.stdout, r"(?m)^nll +\d\.\d{4} +\d\.\d{4} +[+-]\d\.\d{4}  \[[+-]\d\.\d{4}, [+-]\d\.\d{4}\]  \d\.\d{3}$")

    def reported(self, *words, ranks=0):
        path = self.folder / "report.html"
        done = run("report", *words, "--data", self.faces, "--resamples", 200, "-o", path, ranks=ranks)
        self.assertEqual(done.returncode, 0, done.stderr)
        text = path.read_text()
        path.unlink()
        return text

    def test_report_has_every_section_and_needs_nothing_else(self):
        text = self.reported(*self.runs[:2])
        page = Page(text)
        self.assertEqual(page.sections, ["runs", "measures", "training", "classes", "calibration", "distributions", "faces"])
        self.assertTrue(all(picture.startswith("data:image/png;base64,") for picture in page.pictures))
        self.assertGreaterEqual(len(page.pictures), 2 * 2 * 16)
        self.assertTrue(all(address.startswith(("#", "data:image/png;base64,")) for address in page.addresses))
        for outside in ("http://", "https://", "<script", "@import", "url("):
            self.assertNotIn(outside, text)

    def test_report_says_what_eval_and_compare_say(self):
        rows = Page(self.reported(*self.runs[:2])).rows
        said = [self.said("eval", folder, "--resamples", 200) for folder in self.runs[:2]]
        ceilings = {"accuracy": said[0]["ceiling_accuracy"], "spearman_entropy": said[0]["ceiling_spearman_entropy"]}
        for suffix, values, intervals in (("", None, "intervals"), ("_calibrated", "calibrated", "calibrated_intervals")):
            for name in MEASURES - {"ceiling_accuracy"} if not suffix else OF_PROBABILITIES:
                expected = [f"{ceilings[name]:.4f}" if not suffix and name in ceilings else "–"]
                for one in said:
                    value, interval = (one[values] if values else one)[name], one[intervals][name]
                    expected += ["–"] if value is None else [f"{value:.4f}", f"{interval[0]:.4f} to {interval[1]:.4f}"]
                if all(one == "–" for one in expected):
                    self.assertNotIn(name + suffix, rows)
                else:
                    self.assertEqual(rows[name + suffix], expected, name)

    def test_report_without_faces_has_no_picture(self):
        text = self.reported(self.runs[0], "--no-faces")
        self.assertIn("faces", Page(text).sections)
        for picture in ("data:image", "<img", "base64"):
            self.assertNotIn(picture, text)

    def test_report_is_written_once_by_several_ranks(self):
        alone, together = (Page(self.reported(self.runs[0], "--gallery", 2, ranks=ranks)) for ranks in (0, 2))
        self.assertEqual(together.sections, alone.sections)
        self.assertEqual(together.rows["accuracy"], alone.rows["accuracy"])

    def refused(self, *words, command="compare", code=USAGE):
        done = run(command, *words, "--data", self.faces)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def test_what_cannot_be_compared_is_refused_in_one_line(self):
        self.assertIn("name two runs", self.refused(self.runs[0]))
        self.assertIn("name two runs", self.refused(self.runs[0], self.runs[1], "--a", self.runs[2]))
        self.assertIn("not a run folder", self.refused(self.runs[0], self.folder / "none"))
        merged, without = (self.folder / name for name in ("merged", "without"))
        for folder, becomes in ((merged, "anger"), (without, "")):
            done = run("train", self.config, "--set", f'data.files=["{self.faces}"]', "--set", f"run.dir={folder}", "--set",
                       f'data.class_map={{contempt = "{becomes}"}}')
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("only runs of the same classes compare", self.refused(self.runs[0], merged))
        self.assertIn("only runs of the same classes compare", self.refused(self.runs[0], merged, "-o", self.folder / "r.html", command="report"))
        self.assertIn("give both one with --class-map", self.refused(merged, without))
        self.assertEqual(self.said("compare", merged, without, "--class-map", "contempt=")["count"],
                         self.said("eval", without, "--resamples", 0)["count"])

    def test_report_that_cannot_be_made_leaves_what_was_there(self):
        path = self.folder / "kept" / "report.html"
        path.parent.mkdir()
        path.write_text("an older one")
        self.assertIn("not a run folder", self.refused(self.folder / "none", "-o", path, command="report"))
        self.assertIn("no such weights", self.refused(self.runs[0], self.weightless(), "-o", path, command="report"))
        self.assertEqual([one.read_text() for one in path.parent.iterdir()], ["an older one"])
        away = path / "below" / "report.html"
        self.assertIn("report.html: cannot be written", self.refused(self.runs[0], "-o", away, command="report", code=DATA))

    def weightless(self):
        """A run that has not got far."""
        folder = self.folder / "weightless"
        folder.mkdir()
        (folder / "config.toml").write_text((self.runs[0] / "config.toml").read_text())
        return folder


if __name__ == "__main__":
    unittest.main()
