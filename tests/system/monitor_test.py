"""Runs as a monitor shows them: what is served, what can be asked of a run, and that nothing of it holds the training up."""

import json
import os
import re
import signal
import subprocess
import unittest
import urllib.request

from penumbra import BINARY, end, eventually, limit, run
from processes import ranks_of
from resuming import SETS, ResumeCase

USAGE, FAILURE, STOPPED = 2, 1, 75
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.M)


def scrape(address):
    """What /metrics says, {(name, labels): value}; labels as a text in the order of the exposition."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
        return {(name, labels): float(value) for name, labels, value in SAMPLE.findall(answer.read().decode())}


class Monitor(ResumeCase):
    def begin(self, name, *sets, ranks=2, more=()):
        """A long training in the background."""
        return self.start(*self.words(name, *SETS, "train.epochs=100000", *sets), *more, ranks=ranks)

    def serve(self, *words):
        """A monitor of its own; the process, where ranks report to and where the metrics are."""
        job = subprocess.Popen([*limit(), BINARY, "monitor", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", *map(str, words)],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(end, job)
        listen, metrics = re.search(r"ctl at (\S+), http://(\S+)/metrics", job.stdout.readline()).groups()
        return job, listen, metrics

    def metrics_of(self, name):
        """Of a run that is its own monitor, once it has taken steps."""
        file = self.folder / f"{name}.monitor.json"
        address = eventually(lambda: file.exists() and file.read_text().endswith("\n") and json.loads(file.read_text())[0]["targets"][0])
        eventually(lambda: any(key[0] == "penumbra_steps_total" for key in scrape(address)))
        return address

    def test_a_run_serves_its_own_metrics(self):
        job = self.begin("own")
        address = self.metrics_of("own")
        eventually(lambda: any(key[0] == "penumbra_evaluation" for key in scrape(address)))
        found = scrape(address)
        run_label = f'run="{self.folder / "own"}"'
        self.assertEqual(found["penumbra_rank_up", f'{run_label},rank="1",host="{os.uname().nodename}"'], 1)
        phases = {phase: found["penumbra_step_phase_seconds", f'{run_label},rank="1",phase="{phase}"'] for phase in
                  ("data", "forward", "backward", "communication", "optimizer")}
        step = found["penumbra_step_seconds", run_label]
        self.assertLess(sum(phases.values()), 1.5 * step)
        self.assertGreater(phases["forward"], 0)
        faces = found["penumbra_uncertainty_count", f'{run_label},space="original"']
        self.assertEqual(faces, found["penumbra_uncertainty_bucket", f'{run_label},space="original",le="+Inf"'])
        self.assertEqual(faces, found["penumbra_images_total", run_label])
        self.assertLessEqual(abs(found["penumbra_divergence_mix_correlation", run_label]), 1)
        text = run("watch", self.folder / "own", "--once").stdout
        self.assertIn(f"{self.folder / 'own'}  running  2 ranks on cpu  full", text)
        self.assertRegex(text, r"late ranks +\d \d+\.\d ms")
        self.assertEqual(run("ctl", "stop", self.folder / "own").returncode, 0)
        output = job.communicate(timeout=60)[0]
        self.assertEqual(job.returncode, STOPPED, output)
        self.assertFalse((self.folder / "own.monitor.json").exists())

    def test_a_monitor_of_its_own_shows_many_runs_and_passes_orders_on(self):
        _, listen, metrics = self.serve()
        jobs = {name: self.begin(name, f"monitor.address={listen}", "checkpoint.every_steps=0", ranks=ranks) for name, ranks in (("one", 1), ("two", 2))}
        for name in jobs:
            eventually(lambda name=name: ("penumbra_steps_total", f'run="{self.folder / name}"') in scrape(metrics))
        asked = run("ctl", "stop", listen)
        self.assertEqual(asked.returncode, USAGE)
        self.assertIn("which run?", asked.stderr)
        before = set(self.checkpoints("two"))
        self.assertEqual(run("ctl", "checkpoint", listen, "--run", self.folder / "two").returncode, 0)
        eventually(lambda: set(self.checkpoints("two")) - before)
        for name, job in jobs.items():
            self.assertEqual(run("ctl", "stop", listen, "--run", self.folder / name).returncode, 0)
            self.assertEqual((job.communicate(timeout=60), job.returncode)[1], STOPPED)
        states = {entry["run"]: entry["outcome"] for entry in json.loads(run("watch", listen, "--once", "--json").stdout)}
        self.assertEqual(states, {str(self.folder / name): "stopped" for name in jobs})

    def test_a_monitor_that_dies_is_missed_by_nobody_and_found_again(self):
        job, listen, metrics = self.serve("--state", self.folder / "state.json")
        training = self.begin("through", f"monitor.address={listen}", ranks=1)
        run_label = f'run="{self.folder / "through"}"'
        eventually(lambda: ("penumbra_steps_total", run_label) in scrape(metrics))
        monitor = self.children(job.pid)[0]
        os.kill(monitor, signal.SIGKILL)
        job.wait(timeout=10)
        lines = (self.folder / "through/metrics.jsonl").read_text().count("\n")
        eventually(lambda: (self.folder / "through/metrics.jsonl").read_text().count("\n") > lines + 5)
        again = subprocess.Popen([*limit(), BINARY, "monitor", "--listen", listen, "--metrics", metrics, "--state",
                                  str(self.folder / "state.json")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(end, again)
        again.stdout.readline()
        self.assertIn(("penumbra_run_outcome", f'{run_label},outcome="running"'), scrape(metrics))  # from its list
        eventually(lambda: ("penumbra_steps_total", run_label) in scrape(metrics))
        self.assertIsNone(training.poll())

    @staticmethod
    def children(pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]

    def test_a_stopped_monitor_costs_reports_but_no_time(self):
        job, listen, metrics = self.serve()
        self.begin("stuck", f"monitor.address={listen}", "log.every=1", ranks=1)
        run_label = f'run="{self.folder / "stuck"}"'
        eventually(lambda: ("penumbra_steps_total", run_label) in scrape(metrics))
        monitor = self.children(job.pid)[0]
        os.kill(monitor, signal.SIGSTOP)
        try:
            lines = (self.folder / "stuck/metrics.jsonl").read_text().count("\n")
            eventually(lambda: (self.folder / "stuck/metrics.jsonl").read_text().count("\n") > lines + 200)
        finally:
            os.kill(monitor, signal.SIGCONT)
        self.assertIn(("penumbra_steps_total", run_label), scrape(metrics))

    def test_a_silent_rank_is_shown_as_down(self):
        _, listen, metrics = self.serve("--silent-seconds", 3)
        self.begin("silent", f"monitor.address={listen}", "watchdog.silence_seconds=60")
        up = ("penumbra_rank_up", f'run="{self.folder / "silent"}",rank="1",host="{os.uname().nodename}"')
        eventually(lambda: scrape(metrics).get(up) == 1)
        victim = ranks_of(self.folder / "silent")[1]
        os.kill(victim, signal.SIGSTOP)
        eventually(lambda: scrape(metrics).get(up) == 0)
        os.kill(victim, signal.SIGCONT)
        eventually(lambda: scrape(metrics).get(up) == 1)

    def test_numbers_that_are_none_are_counted(self):
        _, listen, metrics = self.serve()
        self.begin("nan", f"monitor.address={listen}", "train.non_finite=skip", more=("--fault", "rank=1,step=2,kind=nan"))
        key = ("penumbra_non_finite_steps_total", f'run="{self.folder / "nan"}"')
        eventually(lambda: scrape(metrics).get(key) == 1)

    def test_ports_in_use_and_unsafe_addresses_are_said(self):
        _, listen, metrics = self.serve()
        for words, code, message in ((("--listen", listen, "--metrics", "127.0.0.1:0"), FAILURE, "the port is in use"),
                                     (("--listen", "127.0.0.1:0", "--metrics", metrics), FAILURE, "the port is in use"),
                                     (("--listen", "0.0.0.0:0"), USAGE, "can be reached from other machines, but lacks"),
                                     (("--listen", "nonsense"), USAGE, "is no HOST:PORT")):
            done = run("monitor", *words)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(message, done.stderr)
        trained = self.go("taken", f"monitor.metrics={metrics}")  # a training goes on without
        self.assertEqual(trained.returncode, 0, trained.stderr)
        self.assertIn("the port is in use, or the host is not this one; training goes on without one", trained.stdout)
        refused = self.go("open", "monitor.listen=0.0.0.0:0")
        self.assertEqual(refused.returncode, USAGE)
        self.assertIn("lacks a certificate", refused.stderr)

    def test_training_is_the_same_with_and_without_a_monitor(self):
        self.done("with")
        self.done("without", "monitor.address=off")
        self.done("nobody", "monitor.address=127.0.0.1:1")
        self.same_as("with", "without")
        self.same_as("with", "nobody")


if __name__ == "__main__":
    unittest.main()
