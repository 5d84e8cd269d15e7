"""What penumbra predict says of faces, of photographs, and of what is no face."""

import csv
import io
import json
import math
import struct
import unittest

import h5py
import numpy as np

from penumbra import Case, run, write_png
from safetensors_file import read_safetensors, write_safetensors

USAGE = 2
TILE = 200  # pixels of a face in a photograph
PLACES = [(40, 60), (440, 30), (300, 330)]  # of their upper left corners, (x, y), from the left in this order: 0, 2, 1


class Predict(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.folder / "model"
        done = run("train", cls.config, "--set", f'data.files=["{cls.faces}"]', "--set", f"run.dir={cls.model}", "--set", "train.epochs=4",
                   "--set", "net.convolutions=apart")  # a net that has seen plain faces alone soon tells them from other images
        assert done.returncode == 0, done.stderr
        with h5py.File(cls.faces) as store:
            cls.test_faces = store["original/test/images"][:].reshape(-1, 32, 32)
        # A photograph with three faces, as any detector of faces sees them.
        large = cls.folder / "large.h5"
        assert run("data", "synth", large, "--train", 8, "--val", 0, "--test", 0, "--size", TILE, "--seed", 3).returncode == 0
        with h5py.File(large) as store:
            portraits = store["original/train/images"][:].reshape(-1, TILE, TILE)
        photograph = np.full((560, 700), 128, np.uint8)
        for (x, y), portrait in zip(PLACES, portraits):
            photograph[y : y + TILE, x : x + TILE] = portrait
        cls.photograph = write_png(cls.folder / "three.png", photograph)
        cls.empty = write_png(cls.folder / "empty.png", np.full((120, 160), 90, np.uint8))

    def said(self, *words):
        done = run("predict", self.model, *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def predicted(self, name, images, *words):
        """Predictions of images in a folder of their own."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        for number, image in enumerate(images):
            write_png(folder / f"{number:03}.png", np.ascontiguousarray(image))
        return json.loads(self.said(folder, "--json", *words))

    def detected(self, *words):
        done = run("predict", self.model, "--detect", *words)
        if "no face detector" in done.stderr:
            self.skipTest(done.stderr)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_gives_a_distribution_and_its_entropy(self):
        faces = json.loads(self.said(self.photograph, self.photograph, "--json", "--attention"))
        self.assertEqual(len(faces), 2)
        p = faces[0]["distribution"].values()
        self.assertAlmostEqual(sum(p), 1, places=5)
        self.assertAlmostEqual(faces[0]["entropy"], -sum(x * math.log(x) for x in p if x > 0), places=5)
        self.assertEqual(max(faces[0]["distribution"], key=faces[0]["distribution"].get), faces[0]["label"])
        for name, share in faces[0]["distribution"].items():  # the place in the batch decides which vector code a row meets
            self.assertAlmostEqual(faces[1]["distribution"][name], share, places=5)
        self.assertEqual(len(faces[0]["attention"]), len(faces[0]["attention"][0]))

    def test_takes_folders_and_draws_where_both_nets_look(self):
        faces, looks = self.folder / "album", self.folder / "drawn"
        (faces / "more").mkdir(parents=True)
        for name in ("b.png", "more/a, \"1\".png", "notes.txt"):
            self.assertEqual(run("data", "inspect", self.faces, "--sheet", faces / name).returncode, 0)
        done = run("predict", self.model, faces, "--csv", "--overlay", looks)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        self.assertEqual([row["image"] for row in rows], [str(faces / "b.png"), str(faces / 'more/a, "1".png')])
        for row in rows:
            shares = {name: float(value) for name, value in list(row.items())[7:]}
            self.assertAlmostEqual(sum(shares.values()), 1, places=4)
            self.assertEqual(max(shares, key=shares.get), row["label"])
        self.assertEqual(sorted(path.name for path in looks.iterdir()), ["00001-b.png", '00002-a, "1".png'])
        header = (looks / "00001-b.png").read_bytes()[16:24]
        self.assertEqual(struct.unpack(">II", header), (3 * 192, 192))

    def change_weights(self, change):
        """Replaces the model's tensors, a dict by name, until the end of the test."""
        weights = self.model / "weights/best.safetensors"
        self.addCleanup(weights.write_bytes, weights.read_bytes())
        metadata, tensors = read_safetensors(weights)
        change(tensors)
        write_safetensors(weights, tensors, metadata)

    def all_distances_are(self, distance):
        """The validation faces' distances to their neighbours; those of any image lie in [0, 2]."""
        self.change_weights(lambda tensors: tensors.update(
            {"familiarity.distances": np.full_like(tensors["familiarity.distances"], distance)}))

    def test_faces_like_the_validation_faces_are_familiar(self):
        faces = self.predicted("faces", self.test_faces)
        for one in faces:
            self.assertTrue(0 <= one["familiarity"] <= 1)
            self.assertEqual(one["unlike_training"], one["familiarity"] < 0.01)
        # Familiarity is uniform in [0, 1] for faces of the same kind: the mean of 64 has a deviation of 0.04, and the
        # share below 0.01 one of 0.012. Both bounds leave more than five of them.
        self.assertGreater(np.mean([one["familiarity"] for one in faces]), 0.3)
        self.assertLessEqual(np.mean([one["unlike_training"] for one in faces]), 0.1)

    def test_noise_is_less_familiar_than_faces(self):
        faces = self.predicted("faces", self.test_faces)
        noise = self.predicted("noise", np.random.default_rng(1).integers(0, 256, (20, 32, 32), np.uint8))
        means = [np.mean([one["familiarity"] for one in images]) for images in (noise, faces)]
        self.assertLess(*means)

    def test_batches_change_nothing(self):
        whole = self.predicted("batches", self.test_faces[:20])
        for batch in (1, 7):
            for one, other in zip(whole, self.predicted("batches", self.test_faces[:20], "--batch", batch), strict=True):
                self.assertEqual((one["image"], one["label"]), (other["image"], other["label"]))
                self.assertAlmostEqual(one["entropy"], other["entropy"], places=4)

    def test_an_image_farther_off_than_every_validation_face_is_unlike_the_training_faces(self):
        self.all_distances_are(0)
        one, = json.loads(self.said(self.empty, "--json"))
        self.assertEqual((one["familiarity"], one["unlike_training"]), (0, True))
        self.assertRegex(self.said(self.empty),
                         r"^\S+empty.png  \w+  [\d.]+ %  entropy [\d.]+ nats  familiarity 0.000  unlike the training faces\n$")
        row, = csv.DictReader(io.StringIO(self.said(self.empty, "--csv")))
        self.assertEqual((row["familiarity"], row["unlike_training"]), ("0.0000", "true"))
        self.assertNotIn("face", row)

    def test_an_image_nearer_than_every_validation_face_is_familiar(self):
        self.all_distances_are(3)
        one, = json.loads(self.said(self.empty, "--json"))
        self.assertEqual((one["familiarity"], one["unlike_training"]), (1, False))
        self.assertRegex(self.said(self.empty), r"familiarity 1.000\n$")

    def test_older_weights_do_not_know_and_say_so(self):
        self.change_weights(lambda tensors: [tensors.pop(name) for name in ("familiarity.faces", "familiarity.distances")])
        for words, check in ((("--json",), lambda out: self.assertIsNone(json.loads(out)[0]["familiarity"])),
                             (("--csv",), lambda out: self.assertEqual(next(csv.DictReader(io.StringIO(out)))["familiarity"], ""))):
            done = run("predict", self.model, self.empty, *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            check(done.stdout)
            self.assertRegex(done.stderr, r"^\S+best.safetensors: .*\n$")
            self.assertIn("before familiarity was measured", done.stderr)

    def test_photographs_are_searched_for_faces(self):
        faces = json.loads(self.detected(self.photograph, self.empty, "--json"))
        self.assertEqual([(one["image"], one["face"]) for one in faces],
                         [(str(self.photograph), 1), (str(self.photograph), 2), (str(self.photograph), 3), (str(self.empty), 0)])
        self.assertEqual(faces[3]["note"], "no face found")
        for one, (x, y) in zip(faces, sorted(PLACES)):
            box = one["box"]
            self.assertEqual(box["width"], box["height"])
            self.assertAlmostEqual(box["x"] + box["width"] / 2, x + TILE / 2, delta=TILE / 5)
            self.assertAlmostEqual(box["y"] + box["height"] / 2, y + TILE / 2, delta=TILE / 5)
            self.assertAlmostEqual(box["width"], TILE, delta=TILE / 3)
            self.assertAlmostEqual(sum(one["distribution"].values()), 1, places=5)

    def test_a_margin_changes_what_is_cut_out_and_not_where_the_face_is(self):
        near, far = (json.loads(self.detected(self.photograph, "--json", "--margin", margin)) for margin in (0, 1))
        self.assertEqual([one["box"] for one in near], [one["box"] for one in far])
        self.assertNotEqual([one["entropy"] for one in near], [one["entropy"] for one in far])

    def test_a_photograph_without_a_face_is_a_row_that_says_so(self):
        looks = self.folder / "looks"
        rows = list(csv.DictReader(io.StringIO(self.detected(self.empty, self.photograph, "--csv", "--overlay", looks))))
        self.assertEqual([(row["face"], row["note"]) for row in rows], [("0", "no face found"), ("1", ""), ("2", ""), ("3", "")])
        self.assertEqual((rows[0]["x"], rows[0]["label"], rows[0]["familiarity"], rows[0]["anger"]), ("", "", "", ""))
        self.assertTrue(all(rows[1][name] for name in ("x", "y", "width", "height", "label", "unlike_training", "anger")))
        self.assertEqual(sorted(path.name for path in looks.iterdir()), [f"0000{number}-three.png" for number in (1, 2, 3)])
        self.assertEqual(self.detected(self.empty), f"{self.empty}  no face found\n")

    def test_a_cascade_that_is_not_there_is_named(self):
        done = run("predict", self.model, self.empty, "--detect", "--cascade", self.folder / "none.xml")
        self.assertEqual((done.returncode, done.stdout), (USAGE, ""))
        self.assertRegex(done.stderr, r"^\S* ?error: --cascade \S+none.xml: no such file\n$")
        self.assertEqual(run("predict", self.model, self.empty, "--cascade", self.folder / "none.xml").returncode, USAGE)


if __name__ == "__main__":
    unittest.main()
