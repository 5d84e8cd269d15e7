#!/usr/bin/env python3
"""Training over a slow network: hosts in network namespaces whose links are limited. Two tables:
1. At 1 Gbit/s between two hosts: how much of the communication shows in a step, and steps a second beside PyTorch DDP over gloo, each with
   the best of its settings here. exposed = (step - step of two ranks that do not talk) / bare all-reduce of the same bytes.
2. What `penumbra plan` predicts from a link measured between two hosts, beside what an all-reduce takes.

Usage: tests/bench/slow_link.py LAB build/bin/penumbra [--python PYTHON_WITH_TORCH] [--rounds 3] [--steps 24]    LAB: see lab.py
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from compare_ddp import CONFIG
from finished import finished
from lab import Lab

HERE = Path(__file__).resolve().parent
MIB = 1 << 20
NET = ["--depth", 18, "--width", 32, "--stem-stride", 3, "--last-stride", 1, "--batch", 64]
BUCKETS, SHARDED, BF16 = "sync.bucket_bytes=4194304", 'sync.mode="sharded"', 'sync.wire="bf16"'
OURS = {"fp32": ["sync.bucket_bytes=1048576"], "fp32, sharded": [BUCKETS, SHARDED], "bf16": ["sync.bucket_bytes=1048576", BF16],
        "bf16, sharded": [BUCKETS, BF16, SHARDED]}
THEIRS = {"buckets of 1 MiB": ["--bucket-mib", 1], "buckets of 4 MiB": ["--bucket-mib", 4], "buckets of 25 MiB": ["--bucket-mib", 25],
          "buckets of 4 MiB, fp16": ["--bucket-mib", 4, "--fp16-wire"]}


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder, self.lab = options, folder, Lab(options.lab)
        self.penumbra = options.penumbra.resolve()
        self.store, self.config = folder / "faces.h5", folder / "bench.toml"
        self.config.write_text(CONFIG.format(batch=64, width=32))
        finished([self.penumbra, "data", "synth", self.store, "--train", options.steps * 64, "--val", 0, "--test", 0])

    def hosts(self, count, rate):
        self.lab("up", str(count))
        for host in self.names(count):
            self.lab("slow", host, rate)
            # A network card cuts large packets itself. Here the limiter does, where they exceed its burst, on the cores that compute:
            # 0.18 s of each core for the 22 MB of a step.
            finished(self.lab.on(host, "ip", "link", "set", "eth0", "gso_max_size", 16000))

    @staticmethod
    def names(count):
        return [f"h{i}" for i in range(1, count + 1)]

    def train_words(self, run, *sets):
        words = [self.penumbra, "train", self.config, "--overwrite", "--set", f'data.files=["{self.store}"]', "--set", f"run.dir={run}"]
        for assignment in sets:
            words += ["--set", assignment]
        return words

    @staticmethod
    def step_seconds(run):
        rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        return statistics.median(row["step_seconds"] for row in rows[1:] if row["kind"] == "train")

    def together(self, sets):
        run = self.folder / "together"
        finished(self.lab.mpirun(self.names(2), *self.train_words(run, *sets)))
        return self.step_seconds(run)

    def apart(self):
        """Two ranks with half the batch each that do not talk, at the same time."""
        runs = [self.folder / "apart-1", self.folder / "apart-2"]
        environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        jobs = [subprocess.Popen(self.lab.on(host, "timeout", "-k", "5", "300", *self.train_words(run, "train.batch=32")),
                                 env=environment, stdout=subprocess.DEVNULL) for host, run in zip(self.names(2), runs)]
        if any(job.wait() != 0 for job in jobs):
            sys.exit("a rank by itself failed")
        return max(self.step_seconds(run) for run in runs)

    def peer(self, settings):
        words = [self.options.python, HERE / "peers/ddp_train.py", "--store", self.store, "--method", "full", *NET, "--ranks", 2, "--threads", 1,
                 "--warm-up-steps", 4, "--steps", self.options.steps - 4, *settings]
        environment = dict(os.environ, MASTER_ADDR="h1", MASTER_PORT="29511", GLOO_SOCKET_IFNAME="eth0")
        jobs = [subprocess.Popen(self.lab.on(host, "timeout", "-k", "5", "300", *words, "--rank", rank), env=environment, stdout=subprocess.PIPE,
                                 text=True) for rank, host in enumerate(self.names(2))]
        outputs = [job.communicate()[0] for job in jobs]
        if any(job.returncode != 0 for job in jobs):
            sys.exit("the peer failed")
        return 1 / json.loads(outputs[0].splitlines()[-1])["steps_per_second"]

    def all_reduce(self, ranks, mib, rounds=5):
        out = finished(self.lab.mpirun(self.names(ranks), self.penumbra, "bench", "comm", "--json", "--rounds", rounds, "--mib", *mib))
        return json.loads(out.splitlines()[-1])

    def plan(self, ranks, link, *sets):
        words = [self.penumbra, "plan", self.config, "--json", "--ranks", ranks, "--network", link, "--set", "sync.bucket_bytes=4194304"]
        return json.loads(finished(words).splitlines()[-1])


def beside_the_peer(bench):
    bench.hosts(2, "1gbit")
    parameters = bench.plan(2, "1gbit")["parameters"]
    bare = bench.all_reduce(2, [4 * parameters / MIB])["all_reduce"][0]
    rounds = range(bench.options.rounds)
    seen = {"apart": [], **{name: [] for name in OURS}, **{f"DDP, {name}": [] for name in THEIRS}}
    for _ in rounds:
        seen["apart"].append(bench.apart())
        for name, sets in OURS.items():
            seen[name].append(bench.together(sets))
        for name, settings in THEIRS.items():
            seen[f"DDP, {name}"].append(bench.peer(settings))
    median = {name: statistics.median(values) for name, values in seen.items()}
    best_peer = min(median[f"DDP, {name}"] for name in THEIRS if "fp16" not in name)
    print(f"{parameters} parameters; bare all-reduce {bare['collective_seconds']:.3f} s; a step without communication {median['apart']:.3f} s\n")
    print("| at 1 Gbit/s | s a step | steps/s | exposed | to the best fp32 DDP |\n|---|---|---|---|---|")
    for name in [n for n in median if n != "apart"]:
        exposed = (median[name] - median["apart"]) / bare["collective_seconds"]
        print(f"| {name} | {median[name]:.3f} | {1 / median[name]:.2f} | {exposed:.2f} | {best_peer / median[name]:.2f} |", flush=True)
    bench.lab("down")


def beside_the_plan(bench):
    print("\n| link | ranks | predicted s of communication a step | measured | ratio |\n|---|---|---|---|---|")
    for rate in ("1gbit", "300mbit"):
        bench.hosts(4, rate)
        link = bench.folder / f"{rate}.json"
        link.write_text(json.dumps(bench.all_reduce(2, [0.0625, 4])))
        for ranks in (2, 4):
            plan = bench.plan(ranks, link)
            pieces = [size / MIB for size in plan["bucket_bytes"]]
            measured = sum(row["collective_seconds"] for row in bench.all_reduce(ranks, pieces)["all_reduce"])
            predicted = plan["plan"]["communication_seconds"]
            print(f"| {rate} | {ranks} | {predicted:.3f} | {measured:.3f} | {predicted / measured:.2f} |", flush=True)
        bench.lab("down")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab", type=Path)
    parser.add_argument("penumbra", type=Path)
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch, numpy and h5py")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--only", choices=["peer", "plan"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="penumbra-slow-") as name:
        bench = Bench(options, Path(name))
        try:
            if options.only != "plan":
                beside_the_peer(bench)
            if options.only != "peer":
                beside_the_plan(bench)
        finally:
            bench.lab("down")


if __name__ == "__main__":
    main()
