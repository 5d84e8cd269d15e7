"""The ranks of a run among this machine's processes, by what /proc says. Linux only."""

import os
import signal
import time
from pathlib import Path


def words_of(pid, file):
    """A file of NUL-ended words of a process; none for one that is gone."""
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes().split(b"\0")
    except OSError:
        return []


def ranks_of(run_dir):
    """Process ids by rank of the training that mpirun started for this run folder."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or f"run.dir={run_dir}".encode() not in words_of(entry.name, "cmdline"):
            continue
        for variable in words_of(entry.name, "environ"):
            if variable.startswith(b"OMPI_COMM_WORLD_RANK="):
                found[int(variable.split(b"=")[1])] = int(entry.name)
    return found


def alive(pid):
    """Not for a process that has ended and only waits to be asked."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def works_in(pid, folder):
    """Whether a process is in `folder`, or has a file or a folder in it on its command line."""
    try:
        if Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder):
            return True
    except OSError:
        return False
    return any(f"{folder}/".encode() in word for word in words_of(pid, "cmdline"))


def end_all_in(folder):
    """Ends every process that works in `folder`, and waits until none is left."""
    while left := [int(entry.name) for entry in Path("/proc").iterdir()
                   if entry.name.isdigit() and alive(entry.name) and works_in(entry.name, folder)]:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)


def listening_port(pid):
    """The TCP port that a process listens on, or None; the first of several."""
    sockets = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(str(entry.readlink()))
        except OSError:
            continue
    for line in [line for file in ("tcp", "tcp6") for line in Path(f"/proc/{pid}/net/{file}").read_text().splitlines()[1:]]:
        words = line.split()
        if words[3] == "0A" and f"socket:[{words[9]}]" in sockets:
            return int(words[1].split(":")[1], 16)
    return None
