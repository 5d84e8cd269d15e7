"""The commands `penumbra` and `penumbra-mpirun` of the wheel: each becomes the carried program."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from .open_mpi import VARIABLE, LaunchError, OpenMpi, choose, launched_by_another

PROGRAM = Path(__file__).parent / "program"
NVIDIA_FOLDERS = ("cu13", "cudnn", "cusparselt", "nccl", "nvshmem")


def penumbra() -> None:
    """Runs the carried program."""
    _become(PROGRAM / "bin" / "penumbra", "penumbra")


def mpirun() -> None:
    """Runs the mpirun that fits the program."""
    _become(None, "penumbra-mpirun")


def _become(program: Path | None, name: str) -> None:
    """Replaces this process by `program`, or by mpirun for None."""
    try:
        mpi = choose(dict(os.environ))
        if program and mpi.name == "wheel" and launched_by_another(dict(os.environ)):
            raise LaunchError(
                "this mpirun is not of the wheel's Open MPI: start the ranks with penumbra-mpirun, "
                f"or set {VARIABLE}"
            )
        environment = environment_for(mpi, torch_folder(), dict(os.environ))
        path = program or mpi.mpirun
        os.execve(path, [str(path), *sys.argv[1:]], environment)
    except (LaunchError, OSError) as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        sys.exit(2)


def torch_folder() -> Path:
    """The installed torch/, which is not imported: that would take a second."""
    found = importlib.util.find_spec("torch")
    if found is None or not found.submodule_search_locations:
        raise LaunchError("torch is not installed in this Python: pip install torch==2.11.0")
    folder = Path(found.submodule_search_locations[0])
    if not (folder / "lib" / "libtorch_cpu.so").exists():
        raise LaunchError(f"{folder} has no lib/libtorch_cpu.so: pip install torch==2.11.0")
    return folder


def environment_for(mpi: OpenMpi, torch: Path, environment: dict[str, str]) -> dict[str, str]:
    """`environment` and what the program needs beside it.

    The program finds its own libraries by its run path, and LibTorch where torch/ lies beside
    penumbra/. MPI's are named here, since there are two to choose from.
    """
    folders = [mpi.libraries] if mpi.libraries else []
    if torch.parent != PROGRAM.parent.parent:
        folders.append(torch / "lib")
        folders += [torch.parent / "nvidia" / name / "lib" for name in NVIDIA_FOLDERS]
    paths = [*map(str, folders), *filter(None, [environment.get("LD_LIBRARY_PATH")])]
    changed = {**environment, **mpi.variables, VARIABLE: environment.get(VARIABLE) or mpi.name}
    if paths:
        changed["LD_LIBRARY_PATH"] = os.pathsep.join(paths)
    # `penumbra launch` and `penumbra sweep` call the mpirun that comes first.
    changed["PATH"] = os.pathsep.join([str(mpi.mpirun.parent), environment.get("PATH", os.defpath)])
    # Open MPI 4 refuses to start, on one host too, where it finds nothing that reaches other hosts.
    if not any(shutil.which(name, path=changed["PATH"]) for name in ("ssh", "rsh", "srun")):
        changed.setdefault("OMPI_MCA_plm", "isolated")
    return changed
