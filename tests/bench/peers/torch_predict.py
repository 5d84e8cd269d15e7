#!/usr/bin/env python3
"""The peer of `penumbra predict --csv`: the Python of a run's model cards, over a folder of images.

Usage: torch_predict.py FOLDER CARD... [--batch 256]; prints a CSV row an image. Each card is of one net of the run, `penumbra checkpoint export
--card`; its weights lie beside it. One thread: Pillow reads, the next batch is not read meanwhile.
"""

import argparse
import os
import re
from pathlib import Path

import numpy as np
import torch
from PIL import Image


def net_of(card):
    """What the card's Python defines, which looks for its weights where it runs."""
    os.chdir(card.parent)
    found = {}
    exec(re.search(r"```python\n(.*?)```", card.read_text(), re.DOTALL)[1], found)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=lambda path: Path(path).resolve())
    parser.add_argument("cards", type=lambda path: Path(path).resolve(), nargs="+")
    parser.add_argument("--batch", type=int, default=256)
    options = parser.parse_args()
    torch.set_num_threads(1)
    images = sorted(options.folder.rglob("*.png"))
    nets = [net_of(card) for card in options.cards]
    classes, size = nets[0]["classes"], int(nets[0]["about"]["image_size"])
    print("image,label", *classes, "entropy", "disagreement", sep=",")
    for begin in range(0, len(images), options.batch):
        batch = images[begin:begin + options.batch]
        faces = np.stack([np.asarray(Image.open(path).convert("L").resize((size, size)))[..., None] for path in batch])
        p = [net["distribution"](faces) for net in nets]
        entropy = torch.special.entr(p[0]).sum(1)
        middle = torch.special.entr((p[0] + p[-1]) / 2).sum(1)
        divergence = middle - sum(torch.special.entr(q).sum(1) for q in (p[0], p[-1])) / 2
        for path, shares, h, js in zip(batch, p[0].tolist(), entropy.tolist(), divergence.tolist()):
            print(path, classes[int(np.argmax(shares))], *(f"{share:.4f}" for share in shares), f"{h:.4f}", f"{js:.4f}", sep=",")


if __name__ == "__main__":
    main()
