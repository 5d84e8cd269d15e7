"""penumbra sweep: ablations times seeds, and their table."""

import json
import unittest

from penumbra import SOURCE, Case, run

USAGE = 2


class Sweep(Case):
    def words(self, *more):
        files = [SOURCE / "configs/ablations" / f"{name}.toml" for name in ("full", "ce_only")]
        return ["sweep", self.folder / "study", self.config, "--ablation", *files, "--seed", 1, 2, "--np", 2, "--mpirun",
                "--bind-to none --oversubscribe --allow-run-as-root", "--set", f'data.files=["{self.faces}"]', "--set", "train.epochs=1",
                "--set", "monitor.address=off", "--data", self.faces, *more]

    def test_trains_what_is_missing_and_compares_with_the_first(self):
        first = run(*self.words())
        self.assertEqual(first.returncode, 0, first.stderr)
        started = [line for line in first.stdout.splitlines() if line.startswith("sweep: ")]
        study = self.folder / "study"
        self.assertEqual(started, [f"sweep: {study}/{name}/seed-{seed}" for seed in (1, 2) for name in ("full", "ce_only")])
        for seed in (1, 2):
            self.assertIn(f"seed = {seed}\n", (study / f"ce_only/seed-{seed}/config.toml").read_text())
        table = (study / "sweep.md").read_text()
        self.assertTrue(first.stdout.endswith(table))
        self.assertEqual(len(table.splitlines()), 4)
        found = json.loads((study / "sweep.json").read_text())
        rows = {row["ablation"]: row for row in found["ablations"]}
        self.assertEqual((list(rows), found["reference"], found["seeds"]), (["full", "ce_only"], "full", [1, 2]))
        self.assertEqual(rows["full"]["measures"]["accuracy"]["difference"], 0)
        compared = run("compare", "--json", "--data", self.faces, *(word for side, name in (("--a", "ce_only"), ("--b", "full"))
                       for word in (side, *(study / name / f"seed-{seed}" for seed in (1, 2)))))
        self.assertEqual(json.loads(compared.stdout)["measures"], rows["ce_only"]["measures"])
        (study / "ce_only/seed-2/weights/final.safetensors").unlink()
        again = run(*self.words())
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual([line for line in again.stdout.splitlines() if line.startswith("sweep: ")], [f"sweep: {study}/ce_only/seed-2"])
        self.assertEqual((study / "sweep.md").read_text(), table)

    def test_wrong_words_are_found_before_the_first_run(self):
        for words in (["--set", "train.epoch=3"], ["--ablation", self.folder / "none.toml"],
                      ["--ablation", SOURCE / "configs/ablations/full.toml", SOURCE / "configs/ablations/full.toml"]):
            refused = run("sweep", self.folder / "never", self.config, *words, *([] if "--ablation" in words else ["--ablation", self.config]))
            self.assertEqual(refused.returncode, USAGE, refused.stderr)
            self.assertEqual(len(refused.stderr.splitlines()), 1, refused.stderr)
            self.assertFalse((self.folder / "never").exists())

    def test_a_run_that_fails_is_named_and_the_others_go_on(self):
        bad = self.folder / "bad.toml"
        bad.write_text("[train]\nbatch = 1024\n")
        done = run("sweep", self.folder / "some", self.config, "--ablation", bad, self.config, "--seed", 1, "--mpirun",
                   "--bind-to none --oversubscribe --allow-run-as-root", "--set", f'data.files=["{self.faces}"]', "--set", "train.epochs=1")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("some/bad/seed-1 (exit code 3)", done.stderr)
        self.assertTrue((self.folder / "some/tiny/seed-1/weights/final.safetensors").exists())


if __name__ == "__main__":
    unittest.main()
