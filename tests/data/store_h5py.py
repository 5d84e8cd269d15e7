"""Reads a store with plain h5py, without any of our code. Usage: store_h5py.py check STORE | snippets MANUAL FOLDER

`check` expects what write_small_store (store_testing.h) has written, worked out here once more.
"""

import os
import re
import sys

import h5py
import numpy as np

CLASSES = ["calm", "glad", "böse"]
RECIPE = {
    "source": ("int64", ()), "partner": ("int64", ()), "lambda": ("float32", ()), "mix": ("uint8", ()), "box": ("int32", (4,)),
    "theta": ("float32", (2, 3)), "contrast": ("float32", ()), "brightness": ("float32", ()), "saturation": ("float32", ()),
    "grey": ("uint8", ()), "erase": ("int32", (4,)), "erase_epoch": ("uint32", ()), "seed": ("uint64", ()), "occurrence": ("uint32", ()),
}


def equal(found, expected, what):
    same = np.array_equal(found, expected) if isinstance(found, np.ndarray) else found == expected
    assert same, f"{what}: {found!r}, expected {expected!r}"


def check_root(store):
    texts = {name: value.decode() for name, value in store.attrs.items() if isinstance(value, bytes)}
    equal(texts, {"format": "penumbra", "source": "test", "label_rule": "argmax"}, "texts of the root")
    equal([name.decode() for name in store.attrs["classes"]], CLASSES, "classes")
    equal([name.decode() for name in store.attrs["vote_columns"]], CLASSES + ["unknown", "NF"], "vote_columns")
    equal([store.attrs[name] for name in ("version", "image_size", "channels")], [1, 6, 1], "numbers of the root")
    assert all(store.attrs[name].dtype == np.int64 for name in ("version", "image_size", "channels"))
    equal(sorted(store.attrs), sorted(["format", "version", "classes", "vote_columns", "image_size", "channels", "source", "label_rule"]), "attributes")
    equal(sorted(store), ["ambiguous", "original"], "groups")
    equal(sorted(store["original"]), ["train", "val"], "splits")
    equal(sorted(store["ambiguous"]), ["variant-0", "variant-1"], "variants")


def check_groups(groups, rows):
    names, i = [name.decode() for name in groups.attrs["names"]], np.arange(rows)
    equal((names, sorted(groups)), (["subject", "gender"], ["gender", "subject"]), "names of the columns")
    for name in names:
        equal(sorted(groups[name]), ["codes", "values"], "datasets of a column")
        equal(groups[name]["codes"].dtype, np.int32, "type of the codes")
        assert h5py.check_string_dtype(groups[name]["values"].dtype) == ("utf-8", None)
    equal(groups["subject/codes"][:], i // 2, "subjects")
    equal(list(groups["subject/values"].asstr()[:]), [f"José {k}" for k in range(rows // 2)], "names of the subjects")
    equal(groups["gender/codes"][:], i % 3 - 1, "genders")
    equal(list(groups["gender/values"].asstr()[:]), ["male", "female"], "names of the genders")


def check_split(split, rows, *more):
    equal(sorted(split), sorted(["distribution", "ids", "images", "labels", "votes", *more]), "datasets of a split")
    images, i = split["images"], np.arange(rows)
    equal((images.dtype, images.shape), (np.uint8, (rows, 6, 6, 1)), "images")
    equal((images.compression, images.chunks), (None, (min(rows, 32), 6, 6, 1)), "layout of the images")
    equal(images[:].reshape(rows, 36), (31 * i[:, None] + 7 * np.arange(36)) % 256, "pixels")
    equal((split["labels"].dtype, split["votes"].dtype, split["distribution"].dtype), (np.int32, np.float32, np.float32), "types")
    equal(split["labels"][:], i % 3, "labels")
    own = i[:, None] % 3
    equal(split["votes"][:], np.where(np.arange(5) == own, 6, np.where(np.arange(5) == 3, 4, 0)), "votes")
    equal(split["distribution"][:], np.where(np.arange(3) == own, 0.5, 0.25), "distribution")
    assert h5py.check_string_dtype(split["ids"].dtype) == ("utf-8", None)
    equal(split["ids"].asstr()[:], [f"faces/é {k}.png" for k in i], "ids")


def check_variant(variant, rows, side, epoch):
    equal(sorted(variant), sorted(["images", *RECIPE]), "datasets of a variant")
    equal(sorted(variant.attrs), ["epoch", "label_fingerprint", "seed"], "attributes of a variant")
    equal((int(variant.attrs["seed"]), variant.attrs["epoch"]), (0xFEDCBA9876543210, epoch), "key")
    assert variant.attrs["label_fingerprint"].dtype == np.uint64
    for name, (kind, shape) in RECIPE.items():
        equal((variant[name].dtype, variant[name].shape), (np.dtype(kind), (rows, *shape)), name)
    i = np.arange(rows)
    equal(variant["images"][:].reshape(rows, -1), (i[:, None] + np.arange(side * side) + epoch) % 256, "views")
    equal(variant["source"][:], i, "source")
    equal(variant["partner"][:], i ^ 1, "partner")
    equal(variant["mix"][:], np.where(i % 4 < 2, 1, 2), "mix")
    np.testing.assert_allclose(variant["lambda"][:], np.where(i % 4 < 2, 0.5 + 0.005 * i, 1 - 6 / 36), rtol=1e-6)
    equal(variant["box"][:], np.where(i[:, None] % 4 < 2, 0, [0, 1, 3, 3]), "box")
    equal(variant["theta"][:, 0], np.tile([1, 0.125, -0.5], (rows, 1)), "first row of theta")
    equal(variant["theta"][:, 1, 2], i, "last column of theta")
    equal(variant["erase"][:], np.tile([1, 0, side, 2], (rows, 1)), "erase")
    for name, value in {"contrast": 0.75, "brightness": -0.25, "saturation": 1.25, "grey": i % 2, "erase_epoch": epoch,
                        "seed": np.uint64(0xFEDCBA9876543210), "occurrence": i}.items():
        equal(variant[name][:], np.broadcast_to(value, rows), name)


def check(path):
    with h5py.File(path) as store:
        check_root(store)
        check_split(store["original/train"], 70, "groups")
        check_groups(store["original/train/groups"], 70)
        check_split(store["original/val"], 5)
        check_variant(store["ambiguous/variant-0"], 70, 6, 0)
        check_variant(store["ambiguous/variant-1"], 70, 8, 1)


def snippets(manual, folder):
    """Runs the manual's Python as it stands, in a folder that holds faces.h5 of `check`."""
    with open(manual, encoding="utf-8") as file:
        read, write = re.findall(r"```python\n(.*?)```", file.read(), re.DOTALL)
    os.chdir(folder)
    found = {}
    exec(read, found)  # pylint: disable=exec-used
    equal(found["classes"], CLASSES, "classes")
    equal(found["images"].shape, (70, 6, 6, 1), "images")
    equal(found["ids"][1], "faces/é 1.png", "ids")
    np.testing.assert_allclose(found["posterior"].sum(1), 1)
    exec(write, {})  # pylint: disable=exec-used


if __name__ == "__main__":
    {"check": check, "snippets": snippets}[sys.argv[1]](*sys.argv[2:])
