#!/usr/bin/env python3
"""On a real Slurm cluster: a run is stopped by its time limit, preempted by a higher partition, requeued by the operator, loses a node, loses a
slurmd; each time it must resume and end with the weights of an undisturbed run. Prints how long each took to train again. LAB: a folder with
start-slurm.sh (start, stop, node-kill NODE, node-start NODE), which needs root and is started and stopped here.

Usage: tests/bench/slurm_recovery.py LAB build/bin/penumbra [--only CASE]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
[net]
depth = 10
width = 16
stem_stride = 2
[train]
epochs = 60
batch = 32
threads = 1
[log]
every = 4
[checkpoint]
every_steps = 20
[watchdog]
silence_seconds = 4
"""
MPI = {"OMPI_MCA_btl": "tcp,self", "OMPI_MCA_pml": "ob1", "OMPI_MCA_btl_tcp_if_include": "lo", "OMPI_MCA_oob_tcp_if_include": "lo"}


def output(*words, check=True):
    return subprocess.run([*map(str, words)], check=check, capture_output=True, text=True).stdout.strip()


class Cluster:
    def __init__(self, lab, penumbra, folder):
        self.lab, self.folder = lab, folder
        self.environment = dict(os.environ, PENUMBRA=str(penumbra), **MPI)
        self.config, self.store = folder / "t.toml", folder / "f.h5"
        self.config.write_text(CONFIG)
        output(penumbra, "data", "synth", self.store, "--train", 512, "--val", 64, "--test", 0, "--size", 32)

    def submit(self, name, *options):
        words = ["sbatch", "--parsable", "--nodes=2", "--ntasks-per-node=1", f"--output={self.folder}/{name}.out", *options, ROOT / "slurm/train.sbatch",
                 self.config, "--set", f'data.files=["{self.store}"]', "--set", f"run.dir={self.folder / name}"]
        return subprocess.run([*map(str, words)], check=True, capture_output=True, text=True, env=self.environment, cwd=ROOT).stdout.strip()

    def state(self, job):
        return output("squeue", "-h", "-o", "%T", "-j", job, check=False) or output("scontrol", "-o", "show", "job", job, check=False).partition("JobState=")[2].split(" ")[0]

    def nodes(self, job):
        return output("scontrol", "show", "hostnames", output("squeue", "-h", "-o", "%N", "-j", job)).split()

    def lines(self, name):
        metrics = self.folder / name / "metrics.jsonl"
        return metrics.read_text().count("\n") if metrics.exists() else 0

    def starts(self, name):
        return len(list((self.folder / name).glob("incarnation-*.json")))

    def wait(self, what, true, seconds=120):
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                raise RuntimeError(f"no {what} after {seconds} s")
            time.sleep(0.1)


def begun(cluster, name, *options):
    job = cluster.submit(name, *options)
    cluster.wait("checkpoint", lambda: len(list((cluster.folder / name).glob("checkpoints/*-step-????????"))) > 0)
    return job


def time_limit(cluster, name):
    """Slurm's own signal before the limit; the job asks for it 55 s before a limit of one minute."""
    begun(cluster, name, "--time=00:01:00", "--signal=B:USR1@55")


def preemption(cluster, name):
    begun(cluster, name)
    urgent = output("sbatch", "--parsable", "--partition=urgent", "--nodes=4", "--ntasks-per-node=2", "--output=/dev/null", "--wrap", "sleep 8")
    cluster.wait("preempting job", lambda: cluster.state(urgent) in ("RUNNING", "COMPLETED"))


def operator(cluster, name):
    output("scontrol", "requeue", begun(cluster, name))


def node_down(cluster, name):
    node = cluster.nodes(begun(cluster, name))[1]
    output("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    time.sleep(1)
    output("scontrol", "update", f"nodename={node}", "state=resume", check=False)


def killed_slurmd(cluster, name):
    """The steps outlive the daemon: the run may simply go on."""
    node = cluster.nodes(begun(cluster, name))[1]
    output(cluster.lab / "start-slurm.sh", "node-kill", node)
    time.sleep(10)
    output(cluster.lab / "start-slurm.sh", "node-start", node)


CASES = {"time limit": time_limit, "preemption": preemption, "operator's requeue": operator, "node set down": node_down, "killed slurmd": killed_slurmd}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab", type=Path)
    parser.add_argument("penumbra", type=Path)
    parser.add_argument("--only", choices=CASES)
    options = parser.parse_args()
    lab = options.lab.resolve()
    os.environ["SLURM_CONF"] = os.environ.get("SLURM_CONF", f"{os.environ.get('TMPDIR', '/tmp')}/penumbra-lab/slurm/slurm.conf")
    output(lab / "start-slurm.sh", "start")
    failed = False
    try:
        with tempfile.TemporaryDirectory(prefix="penumbra-slurm-") as name:
            cluster = Cluster(lab, options.penumbra.resolve(), Path(name))
            whole = cluster.submit("undisturbed")
            cluster.wait("end of the undisturbed run", lambda: cluster.state(whole) == "COMPLETED")
            expected = (cluster.folder / "undisturbed/weights/final.safetensors").read_bytes()
            print("| case | training again after | starts | weights |\n|---|---|---|---|", flush=True)
            for what, strike in CASES.items():
                if options.only not in (None, what):
                    continue
                run = what.replace(" ", "-").replace("'", "")
                strike(cluster, run)
                begin, starts = time.monotonic(), cluster.starts(run)
                try:
                    final = cluster.folder / run / "weights/final.safetensors"
                    cluster.wait("second start", lambda: cluster.starts(run) > max(1, starts - 1) or final.exists())
                    again = f"{time.monotonic() - begin:.0f} s" if cluster.starts(run) > 1 else "it went on"
                    cluster.wait("end", final.exists, 200)
                    time.sleep(1)
                    same = final.read_bytes() == expected
                    print(f"| {what} | {again} | {cluster.starts(run)} | {'bitwise equal' if same else 'DIFFER'} |", flush=True)
                except RuntimeError as problem:
                    same = False
                    print(f"| {what} | {problem} | {cluster.starts(run)} | {(cluster.folder / f'{run}.out').read_text()[-1500:]} |", flush=True)
                failed |= not same
                output("scancel", "-u", "root", check=False)
    finally:
        output(lab / "start-slurm.sh", "stop", check=False)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
