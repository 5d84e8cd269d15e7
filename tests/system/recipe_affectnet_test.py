"""The recipe for AffectNet of docs/recipes.md, with its configuration and the layouts of both
editions."""

import csv
import unittest

import h5py

import manual_inputs
from penumbra import SOURCE
from recipe import Configuration, Recipe


class AffectNet(Recipe):
    config = SOURCE / "configs/affectnet.toml"
    importer = "affectnet"
    measured = "val"


class AffectNetLists(AffectNet, Configuration, unittest.TestCase):
    options = ("--size", "112", "--skip-bad")
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


class AffectNetSets(AffectNet, unittest.TestCase):
    """224x224 pixels, as the recipe trains on them."""
    options = ("--size", "224", "--store", "jpeg", "--skip-bad")
    sets = ("data.image_size=224", "net.last_stride=2")
    sizes, side = (16, 8, 0), 224
    ranks = (2,)

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
