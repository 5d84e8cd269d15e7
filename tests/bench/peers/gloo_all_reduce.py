#!/usr/bin/env python3
"""Times gloo's all-reduce through torch.distributed: the peer of `penumbra bench comm`.

Usage: gloo_all_reduce.py --ranks 2 --mib 1 4 25 [--rounds 15]; prints one JSON object.
"""

import argparse
import json
import statistics
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from ports import free_port


def work(rank, options, port, out):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=options.ranks)
    rows = []
    for mib in options.mib:
        tensor = torch.zeros(int(mib * (1 << 18)))
        seconds = []
        for turn in range(-1, options.rounds):
            dist.barrier()
            start = time.perf_counter()
            dist.all_reduce(tensor)
            taken = torch.tensor([time.perf_counter() - start], dtype=torch.float64)
            dist.all_reduce(taken, dist.ReduceOp.MAX)
            if turn >= 0:
                seconds.append(taken.item())
        rows.append({"bytes": tensor.numel() * 4, "gloo_seconds": statistics.median(seconds)})
    if rank == 0:
        out.put(rows)
    dist.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--mib", type=float, nargs="+", default=[1, 4, 25])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    out = mp.get_context("spawn").SimpleQueue()
    mp.spawn(work, (options, free_port(), out), nprocs=options.ranks)
    print(json.dumps({"ranks": options.ranks, "all_reduce": out.get()}))


if __name__ == "__main__":
    main()
