#!/usr/bin/env python3
"""`penumbra predict --csv` of a run beside the Python of its model cards, one core each, in turns, medians. All that a user waits for counts: start,
reading, nets, printing. Ours also says how familiar each face is.

Usage: tests/bench/compare_predict.py build/bin/penumbra RUN STORE [--python PYTHON_WITH_TORCH] [--turns 5] [--faces 4096]; needs h5py and Pillow itself
"""

import argparse
import csv
import io
import statistics
import sys
import tempfile
import time
from pathlib import Path

import h5py
from PIL import Image

from finished import finished

PEER = Path(__file__).resolve().parent / "peers/torch_predict.py"


def write_faces(store, folder, count):
    """The test faces, again from the first one where there are fewer."""
    with h5py.File(store) as file:
        images = file["original/test/images"][:count]
    folder.mkdir()
    for i in range(count):
        Image.fromarray(images[i % len(images)].squeeze()).save(folder / f"{i:06}.png")


def timed(command):
    """Seconds on one core, and the label of each image."""
    start = time.perf_counter()
    text = finished(["taskset", "-c", "0", "env", "OMP_NUM_THREADS=1", *command])
    return time.perf_counter() - start, [row["label"] for row in csv.DictReader(io.StringIO(text))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("penumbra", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch, safetensors and Pillow")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--faces", type=int, default=4096)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_faces(options.store, folder / "faces", options.faces)
        cards = [folder / f"{net}.md" for net in ("original", "ambiguous")]
        for card in cards:
            finished([options.penumbra, "checkpoint", "export", options.run, card.with_suffix(".safetensors"), "--net", card.stem, "--card", card])
        ours, peer = [options.penumbra, "predict", options.run, folder / "faces", "--csv"], [options.python, PEER, folder / "faces", *cards]
        seconds, agreed = [], 0
        for _ in range(options.turns):
            (a, labels), (b, others) = (timed(command) for command in (ours, peer))
            seconds.append((a, b, b / a))
            agreed = sum(map(str.__eq__, labels, others)) / options.faces
    a, b, ratio = (statistics.median(column) for column in zip(*seconds))
    print(f"| faces | penumbra predict, s | Python, s | ratio | same label |\n|---|---|---|---|---|\n"
          f"| {options.faces:,} | {a:.2f} ({options.faces / a:,.0f} a second) | {b:.2f} ({options.faces / b:,.0f}) | {ratio:.2f} | {agreed:.4f} |")


if __name__ == "__main__":
    main()
