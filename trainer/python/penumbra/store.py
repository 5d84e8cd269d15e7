"""Stores as arrays. docs/data-format.md describes the file."""

from __future__ import annotations

import io
import os

import numpy as np


class Store:
    """An HDF5 store of faces: `with Store("faces.h5") as store: store["train"].images[:32]`.

    classes:      names; a label is an index into them
    vote_columns: names of the columns of `votes`; the classes come first
    image_size:   side of the square images in pixels
    channels:     1 (grey) or 3 (RGB)
    source:       where the faces come from
    label_rule:   how labels follow from votes
    splits:       those that the store has, of "train", "val" and "test", in this order

    It reads from the file when it is asked. `penumbra data verify` checks the whole file.
    """

    def __init__(self, file: str | os.PathLike):
        import h5py

        self._file = h5py.File(file, "r")
        attributes = self._file.attrs
        if attributes.get("format") != b"penumbra":
            self._file.close()
            raise ValueError(f"{os.fspath(file)}: not a store of Penumbra")
        self.classes = _texts(attributes["classes"])
        self.vote_columns = _texts(attributes["vote_columns"])
        self.image_size = int(attributes["image_size"])
        self.channels = int(attributes["channels"])
        self.source = attributes["source"].decode()
        self.label_rule = attributes["label_rule"].decode()
        found = self._file.get("original", {})
        self.splits = [name for name in ("train", "val", "test") if name in found]

    def __getitem__(self, split: str) -> Split:
        if split not in self.splits:
            raise KeyError(f"{self._file.filename} has no split {split}, but {self.splits}")
        return Split(self._file["original"][split], self.image_size, self.channels)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception) -> None:
        self.close()


class Split:
    """One split; row i of everything belongs to face i.

    images:       uint8 [N, S, S, C], an array-like that reads the rows that it is indexed with
    labels:       int32 [N]
    votes:        float32 [N, V], or None where the store has no votes
    distribution: float32 [N, classes], the true one of synthetic faces, or None
    clean_labels: int32 [N], the labels before `penumbra data noise`, or None
    ids:          N texts, the source images
    """

    def __init__(self, group, image_size: int, channels: int):
        self._group = group
        is_raw = "images" in group
        self.images = group["images"] if is_raw else JpegImages(group, image_size, channels)

    def __len__(self) -> int:
        return len(self._group["labels"])

    @property
    def labels(self) -> np.ndarray:
        return self._group["labels"][:]

    @property
    def votes(self) -> np.ndarray | None:
        return self._array("votes")

    @property
    def distribution(self) -> np.ndarray | None:
        return self._array("distribution")

    @property
    def clean_labels(self) -> np.ndarray | None:
        return self._array("clean_labels")

    @property
    def ids(self) -> list[str]:
        return list(self._group["ids"].asstr()[:])

    def _array(self, name: str) -> np.ndarray | None:
        return self._group[name][:] if name in self._group else None


class JpegImages:
    """The images of a store of JPEGs, decoded by Pillow when they are indexed."""

    dtype = np.dtype(np.uint8)

    def __init__(self, group, image_size: int, channels: int):
        self._bytes = group["jpeg"]
        self._ends = group["jpeg_ends"][:].astype(np.int64)
        self.shape = (len(self._ends), image_size, image_size, channels)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows) -> np.ndarray:
        picked = np.arange(len(self))[rows]
        if picked.ndim == 0:
            return self._decode(int(picked))
        out = np.empty((len(picked), *self.shape[1:]), np.uint8)
        for place, row in enumerate(picked):
            out[place] = self._decode(int(row))
        return out

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self[:].astype(dtype or np.uint8, copy=False)

    def _decode(self, row: int) -> np.ndarray:
        from PIL import Image

        begin = self._ends[row - 1] if row > 0 else 0
        with Image.open(io.BytesIO(self._bytes[begin : self._ends[row]].tobytes())) as image:
            return np.asarray(image, np.uint8).reshape(self.shape[1:])


def _texts(values) -> list[str]:
    return [value.decode() for value in values]
