#!/usr/bin/env python3
"""Times torch.distributed.checkpoint.save: the peer of `penumbra bench checkpoint`. Each of the ranks has an equal share of one tensor.

Usage: torch_checkpoint.py FOLDER --ranks 2 --mib 100 [--rounds 5]; prints one JSON object.
"""

import argparse
import json
import os
import shutil
import statistics
import time

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.multiprocessing as mp

from ports import free_port


def fsync_all(folder):
    """The library leaves the files to the system's caches; ours are on the disk."""
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            os.fsync(file.fileno())


def work(rank, options, port, out):
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=options.ranks)
    state = {f"values-{rank}": torch.full((int(options.mib * (1 << 18)) // options.ranks,), 0.25)}
    seconds = []
    for turn in range(options.rounds):
        folder = os.path.join(options.folder, f"torch-{turn}")
        dist.barrier()
        start = time.perf_counter()
        dcp.save(state, checkpoint_id=folder)
        if rank == 0:
            fsync_all(folder)
        dist.barrier()
        seconds.append(time.perf_counter() - start)
        if rank == 0:
            shutil.rmtree(folder)
    if rank == 0:
        out.put(statistics.median(seconds))
    dist.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--mib", type=float, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    out = mp.get_context("spawn").SimpleQueue()
    mp.spawn(work, (options, free_port(), out), nprocs=options.ranks)
    print(json.dumps({"ranks": options.ranks, "mib": options.mib, "checkpoint_seconds": out.get()}))


if __name__ == "__main__":
    main()
