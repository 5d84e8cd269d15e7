"""A real Prometheus scrapes real runs, and what goes wrong in them raises the alert that it should, with its labels. The rules are those of
monitor/prometheus, without their patience (`for:`), and what counts as old or slow is scaled to a test's time."""

import json
import os
import re
import shutil
import signal
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from penumbra import BINARY, SOURCE, end, eventually, limit
from processes import listening_port, ranks_of
from resuming import SETS, ResumeCase

CACHE = Path(os.environ.get("PENUMBRA_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "penumbra")
PROMETHEUS = CACHE / "prometheus/usr/bin/prometheus"
IMPATIENT = ((r"\n +for: \w+", ""), (r"> 1800", "> 4"), (r"\[5m\]", "[20s]"), (r"\[1m\]", "[5s]"))


@unittest.skipUnless(PROMETHEUS.exists(), f"{PROMETHEUS} is not there; scripts/test fetches it")
class Alerts(ResumeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        state = cls.folder / "prometheus"
        state.mkdir()
        rules = SOURCE / "monitor/prometheus"
        config = (rules / "prometheus.yml").read_text().replace("/runs/", f"{cls.folder}/").replace("5s", "1s").replace("10s", "1s")
        config = re.sub(r"alerting:.*?scrape_configs:", "scrape_configs:", config, flags=re.S)
        (state / "prometheus.yml").write_text(config)
        for name in ("recording.yml", "alerts.yml"):
            text = (rules / name).read_text()
            for pattern, replacement in IMPATIENT:
                text = re.sub(pattern, replacement, text)
            (state / name).write_text(text)
        cls.server = subprocess.Popen([PROMETHEUS, f"--config.file={state}/prometheus.yml", f"--storage.tsdb.path={state}/data",
                                       "--web.listen-address=127.0.0.1:0", "--log.level=error"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.url = f"http://127.0.0.1:{eventually(lambda: listening_port(cls.server.pid))}"
        eventually(cls.ready)

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait(timeout=10)
        super().tearDownClass()

    @classmethod
    def ready(cls):
        try:
            return cls.ask("query", query="vector(1)")["result"]
        except urllib.error.URLError:
            return None

    @classmethod
    def ask(cls, path, **parameters):
        with urllib.request.urlopen(f"{cls.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=5) as answer:
            return json.load(answer)["data"]

    def firing(self, alert, **labels):
        """The labels of an alert that fires, once it does."""
        def found():
            for one in self.ask("alerts")["alerts"]:
                if one["state"] == "firing" and one["labels"]["alertname"] == alert and labels.items() <= one["labels"].items():
                    return one["labels"]
            return None
        return eventually(found, 100)

    def value(self, query):
        result = self.ask("query", query=query)["result"]
        return float(result[0]["value"][1]) if result else None

    def begin(self, name, *sets, faults=()):
        """A long training in the background that Prometheus has begun to see."""
        strikes = [word for fault in faults for word in ("--fault", fault)]
        job = self.start(*self.words(name, *SETS, "train.epochs=100000", f"monitor.run={name}", *sets), *strikes,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: self.value(f'rate(penumbra_steps_total{{run="{name}"}}[5s])'))
        return job

    def test_a_stopped_rank(self):
        self.begin("stopped", "watchdog.silence_seconds=60", "log.every=1")
        victim = ranks_of(self.folder / "stopped")[1]
        os.kill(victim, signal.SIGSTOP)
        self.firing("PenumbraNoProgress", run="stopped", severity="critical")
        labels = self.firing("PenumbraRankSilent", run="stopped")
        self.assertEqual((labels["rank"], labels["host"]), ("1", os.uname().nodename))
        os.kill(victim, signal.SIGCONT)
        eventually(lambda: self.value('penumbra_rank_up{run="stopped",rank="1"}') == 1)

    def test_gradients_that_are_no_numbers(self):
        job = self.begin("numberless", "train.non_finite=skip", faults=("rank=1,step=600,kind=nan",))
        self.firing("PenumbraNonFinite", run="numberless")
        self.assertIsNone(job.poll())

    def test_a_failed_and_an_old_checkpoint(self):
        failing = tuple(f"rank=1,step={step},kind=enospc" for step in range(200, 1400))
        self.begin("full", "checkpoint.every_steps=40", faults=failing)
        self.firing("PenumbraCheckpointFailed", run="full")
        self.firing("PenumbraCheckpointTooOld", run="full")

    def test_a_straggler(self):
        faults = tuple(f"rank=1,step={step},kind=slow,seconds=0.2" for step in range(40, 1000))
        self.begin("late", "log.every=2", faults=faults)
        self.firing("PenumbraStraggler", run="late", member="1")  # on a busy machine others can be late as well

    def test_a_monitor_that_dies_while_ranks_flood_it(self):
        words = [*limit(), BINARY, "monitor", "--state", str(self.folder / "state.json"), "--metrics", "127.0.0.1:9464"]
        if shutil.which("ss") is None or b":9464" in subprocess.run(["ss", "-ltn"], capture_output=True, check=True).stdout:
            self.skipTest("Prometheus looks for the monitor at its usual port, and that is taken")
        listen = "127.0.0.1:0"
        monitor = subprocess.Popen([*words, "--listen", listen], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(end, monitor)
        listen = re.search(r"ctl at (\S+),", monitor.stdout.readline())[1]
        job = self.begin("flood", f"monitor.address={listen}", "log.every=1")
        steps = self.value('penumbra_steps_total{run="flood"}')
        monitor.terminate()
        monitor.wait(timeout=20)
        self.firing("PenumbraMonitorDown", job="penumbra")
        again = subprocess.Popen([*words, "--listen", listen], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(end, again)
        again.stdout.readline()
        self.firing("PenumbraReportsDropped", run="flood")
        eventually(lambda: self.value('penumbra_steps_total{run="flood"}') > steps + 50)
        self.assertIsNone(job.poll())


if __name__ == "__main__":
    unittest.main()
