"""The whole path once: faces, training on several ranks, evaluation."""

import json
import math
import os
import subprocess
import unittest

from penumbra import BINARY, TIMES, Case, limit, run

EVAL_KEYS = {"accuracy", "majority_accuracy", "mean_class_accuracy", "macro_f1", "nll", "brier", "ece", "kl_human", "spearman_entropy",
             "auroc_error", "auroc_ambiguous", "auroc_noise", "auroc_noise_entropy", "aurc", "e_aurc", "classwise_ece", "js_human",
             "cosine_human", "classes", "calibrated", "confusion", "count", "split", "head", "checkpoint"}
APART = "net.convolutions=apart"  # where both nets move the same weights, a ReLU that flips on the last bit shows sooner


def curve(rows):
    """The rows without what a clock decides."""
    return [{key: value for key, value in row.items() if key not in TIMES} for row in rows]


class MainJob(Case):
    def test_two_ranks_train_and_the_loss_falls(self):
        folder = self.trained("falls", "train.epochs=6", ranks=2)
        rows = self.metrics(folder)
        self.assertEqual([row["epoch"] for row in rows], sorted(row["epoch"] for row in rows))
        self.assertLess(rows[-1]["ce_original"], rows[0]["ce_original"])
        self.assertEqual(len(self.metrics(folder, "validation")), 6)
        for name in ("config.toml", "environment.json", "weights/best.safetensors", "weights/final.safetensors"):
            self.assertTrue((folder / name).exists(), name)

    def test_same_seed_gives_bitwise_the_same_curve(self):
        for ranks in (1, 2):
            first, second = (self.trained(f"same-{ranks}-{turn}", ranks=ranks) for turn in "ab")
            self.assertEqual(curve(self.metrics(first)), curve(self.metrics(second)))
            self.assertEqual((first / "weights/final.safetensors").read_bytes(), (second / "weights/final.safetensors").read_bytes())

    def test_synchronised_norm_gives_the_same_curve_on_any_ranks(self):
        # Small steps: a ReLU that flips on the last bit of its input changes the gradient by a thousandth in so small a net.
        few_steps = ("net.norm=sync", "train.epochs=1", "log.every=1", "schedule.learning_rate=0.001", APART)
        one = self.metrics(self.trained("norm-1", *few_steps))
        self.assertEqual(len(one), 8)
        for ranks in (2, 4):
            many = self.metrics(self.trained(f"norm-{ranks}", *few_steps, ranks=ranks))
            self.assert_same_steps(many, one, ("loss", "ce_original", "ce_ambiguous"), f"{ranks} ranks")
        apart = self.metrics(self.trained("norm-apart", *few_steps[1:], ranks=2))
        self.assertGreater(abs(apart[0]["loss"] / one[0]["loss"] - 1), 1e-4)

    def test_sharded_updates_are_those_of_whole_ones(self):
        few_steps = ("train.epochs=1", "log.every=1", "schedule.learning_rate=0.01", "optimizer.clip_norm=1", APART)
        whole = self.metrics(self.trained("whole", *few_steps, ranks=3))
        sharded = self.metrics(self.trained("sharded", "sync.mode=sharded", *few_steps, ranks=3))
        self.assertGreater(abs(whole[2]["loss"] / whole[0]["loss"] - 1), 1e-3, "a wrong update would show in the losses after it")
        # Another order of the sums rounds otherwise. Once that flips a ReLU, it grows from step to step.
        self.assert_same_steps(sharded, whole, ("loss", "gradient_norm"), "sharded", first=3, delta=1e-4)

    def test_sharpness_aware_steps_are_the_same_on_any_ranks(self):
        few_steps = ("net.norm=sync", "train.epochs=1", "log.every=1", "schedule.learning_rate=0.001", APART, "optimizer.sam_radius=0.05")
        plain, one = self.metrics(self.trained("flat", *few_steps[:-1])), self.metrics(self.trained("sharp-1", *few_steps))
        self.assertAlmostEqual(one[0]["loss"] / plain[0]["loss"], 1, delta=1e-6, msg="the loss is that of the weights themselves")
        self.assertGreater(abs(one[0]["gradient_norm"] / plain[0]["gradient_norm"] - 1), 1e-3)
        self.assertGreater(abs(one[2]["loss"] / plain[2]["loss"] - 1), 3e-5, "it tells the steps apart")
        for mode in ("all_reduce", "sharded"):
            many = self.metrics(self.trained(f"sharp-{mode}", f"sync.mode={mode}", *few_steps, ranks=3))
            self.assert_same_steps(many, one, ("loss", "gradient_norm"), mode, first=3)  # then a ReLU flips, and the ascent makes more of it

    def test_shared_convolutions_learn_from_both_nets_on_any_ranks(self):
        few_steps = ("net.norm=sync", "net.convolutions=shared", "train.epochs=1", "log.every=1", "schedule.learning_rate=0.001")
        for radius in (0, 0.05):
            options = (*few_steps, f"optimizer.sam_radius={radius}")
            one = self.metrics(self.trained(f"shared-1-{radius}", *options))
            self.assertGreater(abs(one[2]["loss"] / one[0]["loss"] - 1), 1e-3, "a wrong gradient would show in the losses after it")
            for mode in ("all_reduce", "sharded"):
                many = self.metrics(self.trained(f"shared-{mode}-{radius}", f"sync.mode={mode}", *options, ranks=3))
                self.assert_same_steps(many, one, ("loss", "ce_original", "ce_ambiguous"), f"{mode}, radius {radius}", first=3)

    def assert_same_steps(self, rows, reference, keys, what, first=None, delta=1e-5):
        """The runs have as many rows, and the `first` of them (None: all) agree up to `delta` of their values."""
        for mine, theirs in list(zip(rows, reference, strict=True))[:first]:
            for key in keys:
                self.assertAlmostEqual(mine[key] / theirs[key], 1, delta=delta, msg=f"{key}, {what}, step {mine['step']}")

    def test_accumulated_parts_and_rounded_gradients_train(self):
        options = ("train.epochs=4", "train.accumulate=2", "sync.wire=bf16", "optimizer.kind=adamw", "schedule.learning_rate=0.003")
        for mode in ("all_reduce", "sharded"):
            rows = self.metrics(self.trained(f"parts-{mode}", f"sync.mode={mode}", *options, ranks=2))
            self.assertLess(rows[-1]["ce_original"], rows[0]["ce_original"])

    def test_another_seed_gives_another_curve(self):
        first, second = self.trained("seed-1"), self.trained("seed-2", "run.seed=2")
        self.assertNotEqual(curve(self.metrics(first)), curve(self.metrics(second)))

    def test_stored_and_online_ambiguous_sets_train_alike(self):
        self.assertEqual(run("data", "ambiguous", self.faces, "--variants", 2, "--seed", 1).returncode, 0)
        online, stored = self.trained("online"), self.trained("stored", "ambiguous.mode=stored")
        self.assertEqual(curve(self.metrics(online)), curve(self.metrics(stored)))

    def test_eval_prints_every_measure_and_counts_each_face_once_on_any_ranks(self):
        folder = self.trained("measured")
        results = []
        for ranks in (0, 1, 3):
            done = run("eval", folder, "--data", self.faces, "--split", "test", "--json", ranks=ranks)
            self.assertEqual(done.returncode, 0, done.stderr)
            results.append(json.loads(done.stdout))
        for result in results:
            self.assertLessEqual(EVAL_KEYS, result.keys())
            self.assertEqual(result["count"], 64)
            self.assertEqual(sum(map(sum, result["confusion"])), 64)
            self.assertEqual(result["confusion"], results[0]["confusion"])
            self.assertAlmostEqual(result["nll"], results[0]["nll"], places=5)
        right = sum(results[0]["confusion"][c][c] for c in range(8))
        self.assertAlmostEqual(results[0]["accuracy"], right / 64)

    def test_every_head_answers(self):
        folder = self.trained("heads")
        nll = {}
        for head in ("original", "ambiguous", "mean"):
            result = json.loads(run("eval", folder, "--data", self.faces, "--json", "--head", head).stdout)
            self.assertEqual(result["head"], head)
            nll[head] = result["nll"]
        self.assertEqual(len(set(nll.values())), 3)
        self.assertLessEqual(nll["mean"], max(nll["original"], nll["ambiguous"]))

    def test_every_method_and_switch_trains(self):
        switches = {
            "ce": ["train.method=ce_only", "train.label_smoothing=0.1"],
            "mixup": ["train.method=mixup_only", "train.class_weights=effective", "train.logit_adjustment=0.5"],
            "cutmix": ["ambiguous.mix=cutmix", "ambiguous.mix_probability=0.5", "ambiguous.strength=2", "ambiguous.operations=3", "attention.norm=l2"],
            "raw": ["attention.norm=raw", "attention.couple=original_to_ambiguous", "attention.target=unmixed", "attention.warp=false"],
            "labels": ["train.labels=votes", "soft_label.trust=disagreement", "soft_label.divergence=js", "attention.weight=0"],
            "forward": ["soft_label.divergence=forward_kl", "uncertainty.rank_within_class=true", "uncertainty.weight_samples=false"],
            "bf16": ["train.precision=bf16", "train.epochs=1", "optimizer.sam_radius=0.05"],
            "adamw": ["optimizer.kind=adamw", "schedule.learning_rate=0.001", "optimizer.clip_norm=1", "train.ema_half_life=0.5"],
        }
        for name, assignments in switches.items():
            with self.subTest(name):
                for row in self.metrics(self.trained(name, *assignments)):
                    self.assertTrue(math.isfinite(row["loss"]))

    def test_early_stopping_ends_a_run_that_gets_no_better(self):
        folder = self.trained("patient", "train.epochs=40", "evaluation.patience=2", "schedule.learning_rate=0.0001")
        accuracy = [row["accuracy"] for row in self.metrics(folder, "validation")]
        best = accuracy.index(max(accuracy))
        self.assertLess(len(accuracy), 40)
        self.assertEqual(len(accuracy), best + 1 + 2)

    def test_dry_run_leaves_nothing_behind(self):
        done = run("train", self.config, "--dry-run", "--set", f'data.files=["{self.faces}"]', "--set", f"run.dir={self.folder / 'dry'}", ranks=2)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("dry run", done.stdout)
        self.assertFalse((self.folder / "dry").exists())

    @unittest.skipUnless(os.geteuid() == 0, "mpirun refuses root only")
    def test_root_needs_no_variables_for_launch_and_may_forbid_it(self):
        words = [BINARY, "launch", "-np", "2", "--mpirun", "--oversubscribe", "--", *map(str, self.words("root", "train.epochs=1"))]
        plain = {name: value for name, value in os.environ.items() if not name.startswith("OMPI_ALLOW_RUN_AS_ROOT")}

        def launched(**variables):
            return subprocess.run([*limit(), *words], env=dict(plain, **variables), capture_output=True, text=True, check=False)

        forbidden = launched(OMPI_ALLOW_RUN_AS_ROOT="0")
        self.assertEqual(forbidden.returncode, 1, forbidden.stderr)
        self.assertIn("has detected an attempt to run as root", forbidden.stderr)
        self.assertFalse((self.folder / "root").exists())
        done = launched()
        self.assertEqual(done.returncode, 0, done.stderr)
        said = "sets OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 for it"
        self.assertEqual(sum(said in line for line in done.stderr.splitlines()), 1, done.stderr)
        self.assertEqual(len(self.metrics(self.folder / "root", "validation")), 1)
        again = launched(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        self.assertNotIn("you are root", again.stderr)

    def test_profile_is_a_chrome_trace(self):
        trace = self.folder / "trace.json"
        done = run("train", self.config, "--dry-run", "--profile", trace, "--set", f'data.files=["{self.faces}"]')
        self.assertEqual(done.returncode, 0, done.stderr)
        names = {event.get("name") for event in json.loads(trace.read_text())["traceEvents"]}
        self.assertIn("aten::conv2d", names)


if __name__ == "__main__":
    unittest.main()
