"""Commands that measure and predict."""

import json
import unittest

from penumbra import Case, run

USAGE = 2


class Tools(Case):
    def test_bench_comm_times_every_size_and_way(self):
        for ranks in (0, 2, 3):
            done = run("bench", "comm", "--mib", 0.001, 1, "--rounds", 3, "--json", ranks=ranks)
            self.assertEqual(done.returncode, 0, done.stderr)
            report = json.loads(done.stdout)
            self.assertEqual(report["ranks"], max(1, ranks))
            self.assertEqual([row["bytes"] for row in report["all_reduce"]], [1048, 1 << 20])
            for row in report["all_reduce"]:
                for way in ("collective", "bf16", "sharded", "mpi"):
                    self.assertGreater(row[f"{way}_seconds"], 0)

    def plan(self, *words):
        done = run("plan", self.config, "--steps", 2, "--json", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_plan_predicts_from_one_rank_to_thousands(self):
        plan = self.plan("--network", "1gbit")
        self.assertEqual([row["ranks"] for row in plan["scaling"]], [2**k for k in range(13)])
        self.assertAlmostEqual(plan["scaling"][0]["efficiency"], 1)
        efficiencies = [row["efficiency"] for row in plan["scaling"]]
        self.assertEqual(efficiencies, sorted(efficiencies, reverse=True))
        # Gradients and running statistics of both nets, 4 bytes each.
        self.assertGreater(plan["bytes_a_step"], 4 * plan["parameters"])
        self.assertLess(plan["bytes_a_step"], 4.2 * plan["parameters"])
        self.assertEqual(plan["images_a_rank"], 16)

    def test_plan_knows_what_halves_the_traffic_and_shards_the_moments(self):
        whole, rounded = self.plan(), self.plan("--set", "sync.wire=bf16")
        self.assertLess(rounded["bytes_a_step"], 0.55 * whole["bytes_a_step"])
        sharded = self.plan("--set", "sync.mode=sharded", "--ranks", 4)
        # Weights and gradients whole, a quarter of the momentum: 2.25 / 3.
        self.assertAlmostEqual(sharded["state_bytes_a_rank"] / whole["state_bytes_a_rank"], 0.75, delta=0.01)

    def test_plan_takes_a_measured_network(self):
        report = self.folder / "link.json"
        rows = [{"bytes": n, "collective_seconds": 2e-3 + n / 1e6} for n in (1000, 1000000)]
        report.write_text(json.dumps({"ranks": 2, "all_reduce": rows}))
        plan = self.plan("--network", report)
        per_piece = 2e-3  # twice the latency
        expected = plan["buckets"] * per_piece + plan["bytes_a_step"] / 1e6
        self.assertAlmostEqual(plan["plan"]["communication_seconds"], expected, delta=1e-3 * expected)

    def test_plan_refuses_what_it_cannot_plan(self):
        for words, text in ((("--network", "carrier-pigeon"), "10gbit"), (("--ranks", 100), "16 pairs")):
            done = run("plan", self.config, *words)
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertIn(text, done.stderr)


if __name__ == "__main__":
    unittest.main()
