"""The ranks of a run among this machine's processes, by what /proc says. Linux only."""

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
