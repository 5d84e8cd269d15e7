#!/usr/bin/env python3
"""What monitoring takes of a training: seconds a step with an embedded monitor and without, in turns, and the processor time of the reporting
threads beside that of their processes.

Usage: tests/bench/monitor_overhead.py [ROUNDS]      PENUMBRA_BINARY: the program, default build/bin/penumbra
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
from processes import ranks_of  # noqa: E402

BINARY = Path(os.environ.get("PENUMBRA_BINARY", Path(__file__).resolve().parents[2] / "build/bin/penumbra")).resolve()
CONFIG = """
[net]
depth = 18
width = 16
[train]
batch = 32
threads = 1
[log]
every = 5
[evaluation]
every = 0
"""


def command(folder, name, monitor, epochs):
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    words = ["mpirun", "--bind-to", "none", "-np", "2", BINARY, "train", folder / "t.toml"]
    for assignment in (f'data.files=["{folder / "f.h5"}"]', f"run.dir={folder / name}", f"monitor.address={monitor}", f"train.epochs={epochs}"):
        words += ["--set", assignment]
    return subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def step_seconds(folder, name, monitor):
    if command(folder, name, monitor, 6).wait() != 0:
        sys.exit(f"{name} failed")
    rows = [json.loads(line) for line in (folder / name / "metrics.jsonl").read_text().splitlines()]
    return statistics.median(row["step_seconds"] for row in rows if row["kind"] == "train")


def cpu_seconds(pid):
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def cpu_share(folder, seconds=20):
    """Of the reporting threads in their processes."""
    job = command(folder, "cpu", "embedded", 100000)
    time.sleep(seconds)
    seen = json.loads(subprocess.run([BINARY, "watch", folder / "cpu", "--once", "--json"], capture_output=True, check=True).stdout)
    processes = {rank: cpu_seconds(pid) for rank, pid in ranks_of(folder / "cpu").items()}
    subprocess.run([BINARY, "ctl", "stop", folder / "cpu"], check=True, stdout=subprocess.DEVNULL)
    job.wait()
    reporters = {member["rank"]: value["value"] for member in seen[0]["members"] for value in member["values"]
                 if value["metric"] == "penumbra_reporter_cpu_seconds_total"}
    return {rank: reporters[rank] / processes[rank] for rank in processes}


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory(prefix="penumbra-overhead-") as name:
        folder = Path(name)
        (folder / "t.toml").write_text(CONFIG)
        subprocess.run([BINARY, "data", "synth", folder / "f.h5", "--train", "640", "--val", "64", "--test", "0", "--size", "48"], check=True,
                       stdout=subprocess.DEVNULL)
        ratios = []
        for number in range(rounds):
            order = ("embedded", "off") if number % 2 == 0 else ("off", "embedded")
            took = {monitor: step_seconds(folder, f"{monitor}-{number}", monitor) for monitor in order}
            ratios.append(took["embedded"] / took["off"])
            print(f"round {number + 1}: {took['embedded']:.4f} s a step with, {took['off']:.4f} s without", flush=True)
        print(f"with / without: {statistics.median(ratios):.3f} (median of {rounds})")
        for rank, share in sorted(cpu_share(folder).items()):
            print(f"rank {rank}: reporting thread {100 * share:.3f} % of the process")
        print(subprocess.run([BINARY, "bench", "monitor"], capture_output=True, text=True, check=True).stdout.strip())


if __name__ == "__main__":
    main()
