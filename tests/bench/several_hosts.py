#!/usr/bin/env python3
"""Four hosts in network namespaces train together; a rank is killed, a rank is stopped, a link is cut. Checks that every
survivor's record names rank, host and reason, and says how soon the job had ended. LAB: see lab.py.

Usage: tests/bench/several_hosts.py LAB build/bin/penumbra
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lab import Lab

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "system"))
from processes import alive, ranks_of  # noqa: E402

HOSTS = ["h1", "h2", "h3", "h4"]
CONFIG = """
[net]
depth = 10
width = 8
stem_stride = 2
[train]
epochs = 10000
batch = 32
[watchdog]
silence_seconds = 4
[log]
every = 4
"""


def wait_for_steps(job, metrics):
    deadline = time.monotonic() + 60
    while not metrics.exists() or not metrics.read_text():
        if job.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"the job did not begin:\n{job.communicate(timeout=60)[0]}")
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lab", type=Path)
    parser.add_argument("penumbra", type=Path)
    options = parser.parse_args()
    lab, penumbra = Lab(options.lab), options.penumbra.resolve()
    faults = [("rank 2 is killed", 2, lambda ranks: os.kill(ranks[2], signal.SIGKILL)),
              ("rank 3 is stopped", 3, lambda ranks: os.kill(ranks[3], signal.SIGSTOP)),
              ("rank 0 is stopped", 0, lambda ranks: os.kill(ranks[0], signal.SIGSTOP)),
              ("the link of rank 1's host is cut", 1, lambda _: lab("cut", HOSTS[1]))]
    failed = False
    with tempfile.TemporaryDirectory(prefix="penumbra-hosts-") as name:
        folder = Path(name)
        (folder / "t.toml").write_text(CONFIG)
        store = folder / "f.h5"
        subprocess.run([penumbra, "data", "synth", store, "--train", "256", "--val", "0", "--test", "0", "--size", "32"], check=True,
                       stdout=subprocess.DEVNULL)
        print("| fault | survivors' records name it | records after | all ranks gone after |\n|---|---|---|---|")
        for what, lost, strike in faults:
            lab("up", str(len(HOSTS)))
            run_dir = folder / f"run-{what.replace(' ', '-')}"
            train = [penumbra, "train", folder / "t.toml", "--set", f'data.files=["{store}"]', "--set", f"run.dir={run_dir}"]
            job = subprocess.Popen(lab.mpirun(HOSTS, *train), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            try:
                wait_for_steps(job, run_dir / "metrics.jsonl")
                ranks = ranks_of(run_dir)
                begin = time.monotonic()
                strike(ranks)
                survivors = [rank for rank in range(len(HOSTS)) if rank != lost]
                records = {rank: run_dir / "failures" / f"rank-{rank}.json" for rank in survivors}
                written = gone = None
                while time.monotonic() - begin < 30 and (written is None or gone is None):
                    if written is None and all(path.exists() and path.stat().st_size for path in records.values()):
                        written = time.monotonic() - begin
                    if gone is None and not any(alive(ranks[rank]) for rank in survivors):
                        gone = time.monotonic() - begin
                    time.sleep(0.05)
                verdicts = {rank: json.loads(path.read_text()) for rank, path in records.items() if path.exists()}
                named = sum(verdict["rank"] == lost and verdict["host"] == HOSTS[lost] for verdict in verdicts.values())
                ok = named == len(survivors) and gone is not None and gone < 10
                failed |= not ok
                print(f"| {what} | {named} of {len(survivors)}: {next(iter(verdicts.values()), {}).get('reason', '')} | "
                      f"{written or float('nan'):.1f} s | {gone or float('nan'):.1f} s |", flush=True)
            finally:
                for pid in ranks_of(run_dir).values():
                    os.kill(pid, signal.SIGKILL)
                job.kill()
                lab("down")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
