#!/usr/bin/env python3
"""Views a second of one DataLoader worker with torchvision's v2 transforms over h5py: a peer of `penumbra bench data`.

Usage: torchvision_views.py --images 48x1 100x3 224x3 [--seconds 4]; prints one JSON object.
"""

import argparse
import json
import os
import tempfile
import time

import h5py
import numpy
import torch
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import InterpolationMode, v2

BATCH = 64


def finish(channels):
    return [v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * channels, [0.25] * channels)]


def weak_transform(channels):
    return v2.Compose([v2.RandomHorizontalFlip(), v2.RandomAffine(0, translate=(0.06, 0.06), interpolation=InterpolationMode.BILINEAR),
                       v2.ColorJitter(0.1, 0.1), *finish(channels)])


def strong_transform(channels):
    colour = [v2.ColorJitter(0.3, 0.3, 0.3), v2.RandomGrayscale(0.1)] if channels == 3 else [v2.ColorJitter(0.3, 0.3)]
    return v2.Compose([v2.RandomHorizontalFlip(),
                       v2.RandomAffine(10, translate=(0.05, 0.05), scale=(0.9, 1.1), interpolation=InterpolationMode.BILINEAR),
                       *colour, *finish(channels), v2.RandomErasing(0.5, scale=(0.02, 0.25), ratio=(0.3, 3.3), value="random")])


class Views(Dataset):
    """A weak and an ambiguous view of each image, mixed with a random partner."""

    def __init__(self, path, rows, channels):
        self.path, self.rows, self.file = path, rows, None
        self.weak, self.strong = weak_transform(channels), strong_transform(channels)

    def __len__(self):
        return self.rows

    def image(self, row):
        return torch.from_numpy(self.file["images"][row]).permute(2, 0, 1)

    def __getitem__(self, row):
        if self.file is None:  # not before the worker's own process
            self.file = h5py.File(self.path, "r")
        source, partner = self.image(row), self.image(int(torch.randint(self.rows, ())))
        share = max(weight := float(torch.rand(())), 1 - weight)
        mixed = torch.lerp(partner.float(), source.float(), share).round().to(torch.uint8)
        return self.weak(source), self.strong(mixed)


def rate(folder, size, channels, seconds):
    rows = max(2 * BATCH, (16 << 20) // (size * size * channels))
    path = os.path.join(folder, f"{size}x{channels}.h5")
    with h5py.File(path, "w") as file:
        images = numpy.random.default_rng(1).integers(0, 256, (rows, size, size, channels), dtype=numpy.uint8)
        file.create_dataset("images", data=images, chunks=(min(32, rows), size, size, channels))
    loader = DataLoader(Views(path, rows, channels), BATCH, shuffle=True, num_workers=1, prefetch_factor=4, persistent_workers=True,
                        drop_last=True, worker_init_fn=lambda _: torch.set_num_threads(1))
    views, start = 0, None
    while start is None or time.perf_counter() - start < seconds:
        for weak, _ in loader:
            if start is None:  # the worker has started
                start = time.perf_counter()
                continue
            views += 2 * len(weak)
            if time.perf_counter() - start >= seconds:
                break
    return views / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", nargs="+", default=["48x1", "100x3", "224x3"])
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.images:
            size, channels = map(int, kind.split("x"))
            rows.append({"image": kind, "views_per_second": rate(folder, size, channels, options.seconds)})
    print(json.dumps({"views": rows}))


if __name__ == "__main__":
    main()
