"""Which Open MPI the wheel's program uses: the one that it carries, or the cluster's.

The variable PENUMBRA_MPI decides: "wheel", "cluster", or the folder of an Open MPI. Without it the
cluster's is taken where the `mpirun` in PATH is Open MPI of the same major version as the wheel's,
and the wheel's otherwise. Program and mpirun must be of one Open MPI: ranks of one major version
cannot be counted on to find each other under the mpirun of another.
"""

from __future__ import annotations

import ctypes.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CARRIED = Path(__file__).parent / "program" / "openmpi"
LIBRARY = "libmpi.so.40"  # of Open MPI 4 and 5
VARIABLE = "PENUMBRA_MPI"


class LaunchError(Exception):
    """One line that says what is wrong and what to do."""


@dataclass(frozen=True)
class OpenMpi:
    """An Open MPI that the program can use."""

    name: str  # that PENUMBRA_MPI has for it
    mpirun: Path
    libraries: Path | None  # folder of libmpi; None: where the system looks anyway
    variables: dict[str, str]  # that it needs beside LD_LIBRARY_PATH


def choose(environment: dict[str, str]) -> OpenMpi:
    """The Open MPI of this process, by the rule above. Throws LaunchError."""
    wanted = environment.get(VARIABLE, "")
    if wanted == "wheel":
        return carried()
    if wanted and wanted != "cluster":
        return _at(Path(wanted) / "bin" / "mpirun", wanted)
    mpirun = shutil.which("mpirun", path=environment.get("PATH", ""))
    if wanted == "cluster":
        if mpirun is None:
            raise LaunchError(f"{VARIABLE}=cluster: there is no mpirun in PATH")
        return _at(Path(mpirun), "cluster")
    if mpirun is not None and major_version(Path(mpirun)) == _carried_major():
        try:
            return _at(Path(mpirun), "cluster")
        except LaunchError:
            return carried()
    return carried()


def carried() -> OpenMpi:
    """The wheel's own. Its file `variables` has a line "NAME FOLDER" for each variable."""
    lines = (CARRIED / "variables").read_text(encoding="utf-8").splitlines()
    variables = {name: str((CARRIED / folder).resolve()) for name, folder in map(str.split, lines)}
    return OpenMpi("wheel", CARRIED / "bin" / "mpirun", CARRIED / "lib", variables)


def major_version(mpirun: Path) -> str | None:
    """Of an mpirun; None where it is not Open MPI's."""
    try:
        words = [mpirun, "--version"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\(Open MPI\) (\d+)\.", done.stdout)
    return found[1] if found else None


def _carried_major() -> str:
    return (CARRIED / "version").read_text(encoding="utf-8").split(".")[0]


def _at(mpirun: Path, name: str) -> OpenMpi:
    """The Open MPI that an mpirun belongs to."""
    if major_version(mpirun) is None:
        raise LaunchError(f"{mpirun}: not the mpirun of an Open MPI: set {VARIABLE} to wheel")
    prefixes = {mpirun.parent.parent, mpirun.resolve().parent.parent}
    folders = [prefix / library for prefix in prefixes for library in ("lib", "lib64")]
    for folder in folders:
        if (folder / LIBRARY).exists():
            return OpenMpi(name, mpirun, folder, {})
    if ctypes.util.find_library("mpi") != LIBRARY:
        raise LaunchError(f"{mpirun}: its {LIBRARY} is not found: set {VARIABLE} to wheel")
    return OpenMpi(name, mpirun, None, {})


def launched_by_another(environment: dict[str, str]) -> bool:
    """Whether an mpirun that penumbra-mpirun did not choose has started this process as a rank."""
    ranks = ("OMPI_COMM_WORLD_RANK", "PMI_RANK")
    return VARIABLE not in environment and any(name in environment for name in ranks)
