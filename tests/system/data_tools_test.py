"""Commands that make and show stores, seen by h5py."""

import json
import os
import pty
import shutil
import struct
import subprocess
import unittest

import h5py

from penumbra import BINARY, Case, end, eventually, run

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

    def test_killed_while_rendering_variants_goes_on_with_those_that_are_missing(self):
        count = 150
        whole, killed, shared = (self.folder / name for name in ("whole.h5", "killed.h5", "shared.h5"))
        for store in (whole, killed, shared):
            store.write_bytes(self.faces.read_bytes())
        self.done("ambiguous", whole, "--variants", count)
        before, parts = killed.read_bytes(), self.folder / "killed.h5.variants"
        job = subprocess.Popen([BINARY, "data", "ambiguous", str(killed), "--variants", str(count)])
        self.addCleanup(end, job)
        eventually(lambda: len(list(parts.glob("variant-*.h5"))) >= 3)
        job.kill()
        job.wait(timeout=30)
        self.assertEqual(killed.read_bytes(), before)
        self.assertRegex(self.done("ambiguous", killed, "--variants", count), r"^[0-9]+ variants were there from")
        self.assertFalse(parts.exists())
        self.assertEqual(killed.read_bytes(), whole.read_bytes())
        ranks = run("data", "ambiguous", shared, "--variants", count, ranks=3)
        self.assertEqual((ranks.returncode, ranks.stdout.count("variants of 256 faces")), (0, 1), ranks.stderr)
        self.assertEqual(shared.read_bytes(), whole.read_bytes())
        self.assertIn("variant 149", self.done("verify", whole))

    def test_variants_of_other_options_or_faces_are_rendered_anew(self):
        store, parts = self.folder / "anew.h5", self.folder / "anew.h5.variants"
        store.write_bytes(self.faces.read_bytes())
        parts.mkdir()
        other = self.folder / "other.h5"
        made = run("data", "synth", other, "--train", 256, "--val", 64, "--test", 64, "--size", 32, "--seed", 4)
        self.assertEqual(made.returncode, 0, made.stderr)
        for source, seed in ((self.faces, 2), (other, 1)):
            self.leave_parts(source, seed, parts)
            self.assertNotIn("were there", self.done("ambiguous", store, "--variants", 2, "--seed", 1))
            self.done("verify", store)
        (parts.mkdir(), (parts / "variant-0.h5").write_bytes(b"no store"))
        self.assertNotIn("were there", self.done("ambiguous", store, "--variants", 2, "--seed", 1))

    def leave_parts(self, faces, seed, folder):
        """What a run that was killed leaves in `folder`: variants of these faces."""
        store = self.folder / "leaves.h5"
        store.write_bytes(faces.read_bytes())
        left = self.folder / "leaves.h5.variants"
        job = subprocess.Popen([BINARY, "data", "ambiguous", str(store), "--variants", "200", "--seed", str(seed)])
        self.addCleanup(end, job)
        eventually(lambda: (left / "variant-2.h5").exists())
        job.kill()
        job.wait(timeout=30)
        folder.mkdir(exist_ok=True)
        for number in (0, 1):
            (folder / f"variant-{number}.h5").write_bytes((left / f"variant-{number}.h5").read_bytes())
        shutil.rmtree(left)

    def test_stored_variants_take_no_class_map(self):
        refused = self.train("stored", "ambiguous.mode=stored", 'data.class_map={fear=""}', ranks=2)
        self.assertEqual(refused.returncode, USAGE)
        self.assertIn("data.class_map", refused.stderr)

    def test_inspect_prints_the_json_as_a_table_of_each_split(self):
        found = json.loads(self.done("inspect", self.faces, "--json"))
        text = self.done("inspect", self.faces)
        self.assertEqual([line.split(":")[0] for line in text.splitlines() if " faces, " in line], ["train", "val", "test"])
        table = text[text.index("train: 256 faces"):text.index("val: 64 faces")].splitlines()
        rows = {words[0]: words[1:] for words in map(str.split, table[2:-1])}
        train = found["splits"]["train"]
        self.assertEqual(list(rows), [*found["classes"], "all"])
        for name, votes in [*train["votes"]["classes"].items(), ("all", train["votes"])]:
            faces = 256 if name == "all" else train["class_counts"][name]
            shares = [faces / 256, votes["agreement"], votes["unanimous"], votes["majority"]]
            words = [word for share in shares for word in (f"{100 * share:.1f}", "%")]
            self.assertEqual(rows[name], [str(faces), *words, f"{votes['mean_entropy']:.3f}"])

    def test_groups_of_a_table_are_printed_by_value_and_held_out_whole(self):
        images, out = self.folder / "people", self.folder / "people.h5"
        rows = ["path,subject,age"]
        self.done("inspect", self.faces, "--sheet", self.folder / "face.png")
        face_bytes = (self.folder / "face.png").read_bytes()
        for kind in ("calm", "glad"):
            (images / "train" / kind).mkdir(parents=True)
            for face in range(21):
                (images / "train" / kind / f"{face}.png").write_bytes(face_bytes)
                rows.append(f"train/{kind}/{face}.png,S{face},{'old' if face < 4 else ''}")
        (images / "groups.csv").write_text("\n".join(rows))
        self.done("import", "folder", images, out, "--size", 32)
        lines = self.done("inspect", out).splitlines()
        self.assertIn("  age: old 8, unknown 34", lines)
        self.assertIn("  subject: 21 values, unknown 0", lines)
        age = json.loads(self.done("inspect", out, "--json"))["splits"]["train"]["groups"]["age"]
        self.assertEqual(age, {"values": 1, "faces": [["old", 8]], "unknown": 34})
        self.assertIn("train: 34 faces, val: 8", self.done("holdout", out, out, "--fraction", 0.2, "--by", "subject"))
        with h5py.File(out) as file:
            train, val = (set(file[f"original/{name}/groups/subject/codes"][:]) for name in ("train", "val"))
        self.assertEqual((len(train), len(val), train & val), (17, 4, set()))
        self.done("verify", out)
        self.assertIn('no groups "race"', self.refused("holdout", out, out, "--split", "test", "--by", "race"))

    def test_the_sheet_shows_the_split_asked_for(self):
        sheets = {name: self.folder / f"{name}.png" for name in ("first", "train", "val")}
        text = self.done("inspect", self.faces, "--sheet", sheets["first"])
        self.assertIn("first.png: train, from the top: neutral, happiness, ", text)
        for split in ("train", "val"):
            json.loads(self.done("inspect", self.faces, "--json", "--sheet", sheets[split], "--split", split))
        first, train, val = (path.read_bytes() for path in sheets.values())
        self.assertEqual(struct.unpack(">II", first[16:24]), (124 + 12 * 96, 8 * 2 * 96 + 7 * 12))
        self.assertEqual(first, train)
        self.assertNotEqual(first, val)
        bare = self.folder / "no-val.h5"
        bare.write_bytes(self.faces.read_bytes())
        with h5py.File(bare, "r+") as file:
            del file["original/val"]
        self.assertIn("has no split val", self.refused("inspect", bare, "--sheet", sheets["val"], "--split", "val"))

    def test_a_store_of_jpegs_is_small_and_stays_so(self):
        images, raw, small = (self.folder / name for name in ("jpegs", "raw.h5", "small.h5"))
        for kind in ("calm", "glad"):
            (images / "train" / kind).mkdir(parents=True)
            for number in range(6):
                self.done("inspect", self.faces, "--sheet", images / "train" / kind / f"{number}.png")
        for store, how in ((raw, "raw"), (small, "jpeg")):
            self.done("import", "folder", images, store, "--size", 96, "--store", how)
        self.assertLess(small.stat().st_size, raw.stat().st_size)
        noisy, held = self.folder / "small-noisy.h5", self.folder / "small-held.h5"
        self.done("noise", small, noisy, "--rate", 0.5)
        self.done("holdout", noisy, held, "--fraction", 0.25)
        before, train, val = self.split(small, "train"), self.split(held, "train"), self.split(held, "val")
        self.assertEqual(len(train["jpeg"]) + len(val["jpeg"]), len(before["jpeg"]))
        self.assertIn("9 images of 96x96", self.done("verify", held))
        refused = run("data", "import", "folder", images, small, "--store", "png")
        self.assertEqual(refused.returncode, USAGE)

    def test_an_import_draws_a_bar_on_a_terminal_and_nowhere_else(self):
        images, out = self.folder / "images", self.folder / "images.h5"
        for kind in ("calm", "glad"):
            (images / "train" / kind).mkdir(parents=True)
            self.done("inspect", self.faces, "--sheet", images / "train" / kind / "a.png")
        words = ["data", "import", "folder", images, out, "--size", 32]
        self.assertEqual(run(*words).stderr, "")
        keyboard, terminal = pty.openpty()
        self.addCleanup(os.close, keyboard)
        done = subprocess.run([BINARY, *map(str, words)], stdout=subprocess.PIPE, stderr=terminal, timeout=60, check=True)
        os.close(terminal)
        drawn = os.read(keyboard, 10000).decode()
        self.assertIn("]  50%  eta ", drawn)
        self.assertIn("] 100%  eta 0:00", drawn)
        self.assertTrue(drawn.endswith("\r\x1b[K"), drawn)
        self.assertEqual(done.stdout.decode(), run(*words).stdout)


if __name__ == "__main__":
    unittest.main()
