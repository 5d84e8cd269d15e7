"""What the comparisons share: a command's output, or the end with its words."""

import os
import subprocess
import sys


def finished(command, timeout=600):
    """stdout of a command, which may be mpirun; ends the comparison where it fails or hangs."""
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    words = [*map(str, command)]
    done = subprocess.run(["timeout", "-k", "5", str(timeout), *words], capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout
