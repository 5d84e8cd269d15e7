#!/usr/bin/env python3
"""`penumbra bench comm` beside plain MPI_Allreduce (in the same run) and gloo, in turns, medians of the turns' ratios.

Usage: tests/bench/compare_comm.py build/bin/penumbra [--python PYTHON_WITH_TORCH] [--ranks 2] [--turns 3]
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

from finished import finished

HERE = Path(__file__).resolve().parent


def report_of(command):
    return json.loads(finished(command, timeout=300).splitlines()[-1])["all_reduce"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("penumbra", type=Path)
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    ours = ["mpirun", "--oversubscribe", "-np", options.ranks, options.penumbra, "bench", "comm", "--json"]
    theirs = [options.python, HERE / "peers/gloo_all_reduce.py", "--ranks", options.ranks]
    turns = [(report_of(ours), report_of(theirs)) for _ in range(options.turns)]
    print("| MiB | Collective, GB/s | bf16 wire | MPI_Allreduce | gloo | to MPI | to gloo |\n|---|---|---|---|---|---|---|")
    for size in range(len(turns[0][0])):
        rows = [(mine[size], gloo[size]) for mine, gloo in turns]
        bytes_ = rows[0][0]["bytes"]

        def median_of(value):
            return statistics.median(value(mine, gloo) for mine, gloo in rows)

        rates = [median_of(lambda mine, gloo, key=key: bytes_ / {**mine, **gloo}[key] / 1e9)
                 for key in ("collective_seconds", "bf16_seconds", "mpi_seconds", "gloo_seconds")]
        to_mpi = median_of(lambda mine, _: mine["mpi_seconds"] / mine["collective_seconds"])
        to_gloo = median_of(lambda mine, gloo: gloo["gloo_seconds"] / mine["collective_seconds"])
        print(f"| {bytes_ / (1 << 20):g} | " + " | ".join(f"{rate:.2f}" for rate in rates) + f" | {to_mpi:.2f} | {to_gloo:.2f} |")


if __name__ == "__main__":
    main()
