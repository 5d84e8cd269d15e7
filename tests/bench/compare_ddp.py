#!/usr/bin/env python3
"""Penumbra beside the PyTorch DDP peer: same faces, net, batch, precision and views, in turns, medians.

Usage: tests/bench/compare_ddp.py build/bin/penumbra [--python PYTHON_WITH_TORCH] [--rounds 3] [--steps 20] [--batch 64] [--width 32] [--size 48]
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from finished import finished

HERE = Path(__file__).resolve().parent
CONFIG = """
[net]
depth = 18
width = {width}
stem_stride = 3
last_stride = 1
convolutions = "apart"  # as the peer has them
[train]
epochs = 1
batch = {batch}
threads = 1
[log]
every = 4
"""


def penumbra(options, folder, store, ranks):
    """Images a second: the median over log intervals after the first."""
    finished(["mpirun", "--oversubscribe", "-np", ranks, options.penumbra, "train", folder / "bench.toml", "--overwrite",
              "--set", f'data.files=["{store}"]', "--set", f"run.dir={folder / 'run'}"])
    rows = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    return statistics.median(row["images_per_second"] for row in rows[1:] if row["kind"] == "train")


def peer(options, _folder, store, ranks):
    out = finished([options.python, HERE / "peers/ddp_train.py", "--store", store, "--method", "full", "--depth", 18, "--width", options.width,
                    "--stem-stride", 3, "--last-stride", 1, "--batch", options.batch, "--ranks", ranks, "--threads", 1,
                    "--warm-up-steps", 4, "--steps", options.steps - 4])
    return json.loads(out.splitlines()[-1])["images_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("penumbra", type=Path)
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch, numpy and h5py")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--width", type=int, default=32, help="of the nets")
    parser.add_argument("--size", type=int, default=48, help="of the faces")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="penumbra-bench-") as name:
        folder = Path(name)
        store = folder / "faces.h5"
        (folder / "bench.toml").write_text(CONFIG.format(batch=options.batch, width=options.width))
        finished([options.penumbra, "data", "synth", store, "--train", options.steps * options.batch, "--val", 0, "--test", 0,
                  "--size", options.size])
        print("| ranks | Penumbra, images/s (steps/s) | PyTorch DDP over gloo | ratio |\n|---|---|---|---|")
        for ranks in (1, 2):
            rates = {side: [] for side in (penumbra, peer)}
            for _ in range(options.rounds):
                for side, seen in rates.items():
                    seen.append(side(options, folder, store, ranks))
            ours, theirs = (statistics.median(seen) for seen in rates.values())
            ratio = statistics.median(a / b for a, b in zip(rates[penumbra], rates[peer]))
            print(f"| {ranks} | {ours:.1f} ({ours / options.batch:.2f}) | {theirs:.1f} ({theirs / options.batch:.2f}) | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
