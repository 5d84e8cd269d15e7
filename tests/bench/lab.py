"""Hosts in network namespaces of this machine, with their own names, addresses and links. Needs root, and a lab folder with
netns-hosts.sh (up N, down, x HOST COMMAND, cut HOST, heal HOST, slow HOST RATE) and nsrsh, an rsh agent for mpirun over its hosts."""

import subprocess
from pathlib import Path

# Keepalives end mpirun itself where a link is cut.
SETTINGS = {"pml": "ob1", "btl": "tcp,self", "btl_tcp_if_include": "eth0", "oob_tcp_if_include": "eth0", "oob_tcp_keepalive_time": 2,
            "oob_tcp_keepalive_intvl": 1, "oob_tcp_keepalive_probes": 2}


class Lab:
    """h0 launches, h1 ... hN work."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()

    def __call__(self, *words):
        subprocess.run([self.folder / "netns-hosts.sh", *words], check=True, stdout=subprocess.DEVNULL)

    def on(self, host, *command):
        """The words that run a command on a host."""
        return [str(self.folder / "netns-hosts.sh"), "x", host, *map(str, command)]

    def mpirun(self, hosts, *command):
        """The words that run a command as one rank on each of `hosts`, started on h0."""
        words = ["mpirun", "--allow-run-as-root", "--bind-to", "none", "--host", ",".join(hosts), "-np", len(hosts),
                 "--mca", "plm", "rsh", "--mca", "plm_rsh_agent", self.folder / "nsrsh"]
        for key, value in SETTINGS.items():
            words += ["--mca", key, value]
        return self.on("h0", "timeout", "-k", "5", "300", *words, *command)
