"""What the tests of interrupted runs share: a training with checkpoints, and how to compare what two of them have come to."""

import json

from penumbra import TIMES, Case

# Mid-epoch checkpoints (8 steps an epoch), momentum, averaged weights, banks in use.
SETS = ("train.epochs=4", "train.ema_decay=0.9", "checkpoint.every_steps=3", "log.every=3")


class ResumeCase(Case):
    def go(self, name, *sets, ranks=2):
        return self.train(name, *SETS, *sets, ranks=ranks)

    def done(self, name, *sets, ranks=2):
        done = self.go(name, *sets, ranks=ranks)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return done

    def weights(self, name):
        return (self.folder / name / "weights/final.safetensors").read_bytes()

    def curve(self, name):
        rows = [json.loads(line) for line in (self.folder / name / "metrics.jsonl").read_text().splitlines()]
        return [{key: value for key, value in row.items() if key not in TIMES} for row in rows]

    def checkpoints(self, name):
        return sorted(path.name for path in (self.folder / name / "checkpoints").glob("*"))  # none before the first

    def same_as(self, undisturbed, name):
        self.assertEqual(self.curve(name), self.curve(undisturbed))
        self.assertEqual(self.weights(name), self.weights(undisturbed))
