"""Exported weights are torchvision's: names, shapes and, where Python's torch and torchvision can be imported, the same answers; their model
card says what is known of them."""

import contextlib
import json
import re
import sys
import types
import unittest
import unittest.mock

import h5py
import numpy as np

from penumbra import Case, run
from safetensors_file import read_safetensors

try:
    import torch
    import torchvision
except (ImportError, OSError, ValueError):  # no torch, or one without its libraries
    torch = None

USAGE, DATA = 2, 3
RESNET18 = ["net.depth=18", "net.width=64", "net.stem=imagenet", "train.epochs=1", "predict.flip=false", "schedule.learning_rate=0.001"]
IMAGES = 4


def package_over(folder):
    """What the card's Python takes of the package safetensors, which need not be there; relative paths are in `folder`."""
    @contextlib.contextmanager
    def safe_open(path, framework):
        assert framework == "pt"
        metadata, tensors = read_safetensors(folder / path)
        yield types.SimpleNamespace(metadata=lambda: metadata, keys=tensors.keys, get_tensor=lambda name: torch.from_numpy(tensors[name].copy()))

    return types.SimpleNamespace(safe_open=safe_open)


class Export(Case):
    def export(self, name, *words):
        path = self.folder / f"{name}-{'-'.join(words).strip('-')}.safetensors"
        done = run("checkpoint", "export", self.folder / name, path, *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return read_safetensors(path)

    def test_either_net_comes_out_as_the_run_has_it(self):
        for convolutions in ("shared", "apart"):
            run_name = f"small-{convolutions}"
            folder = self.trained(run_name, "train.ema_decay=0.9", "checkpoint.every_steps=3", f"net.convolutions={convolutions}")
            _, both = read_safetensors(folder / "weights/final.safetensors")
            for net in ("original", "ambiguous"):
                metadata, tensors = self.export(run_name, "--net", net, "--from", "final")
                self.assertEqual(set(tensors), {name.split(".", 1)[1] for name in both if name.startswith("original")})
                for name, values in tensors.items():
                    is_shared = convolutions == "shared" and values.ndim == 4
                    self.assertEqual(f"ambiguous.{name}" not in both, is_shared)
                    np.testing.assert_array_equal(values, both[f"original.{name}" if is_shared else f"{net}.{name}"])
                self.assertEqual(len(json.loads(metadata["classes"])), 8)
                self.assertEqual(metadata["format"], "pt")
            # The last checkpoint has the same averages as the final weights.
            newest = sorted(path.name for path in (folder / "checkpoints").iterdir())[-1]
            _, again = self.export(run_name, "--from", newest)
            for name, values in self.export(run_name, "--from", "final")[1].items():
                np.testing.assert_array_equal(values, again[name])

    def test_what_is_not_there_is_named(self):
        self.trained("alone", "train.method=ce_only")
        for words, message in ((("--net", "ambiguous"), "one net alone"), (("--from", "e0009-step-00000001"), "no such checkpoint")):
            done = run("checkpoint", "export", self.folder / "alone", self.folder / "x.safetensors", *words)
            self.assertEqual(done.returncode, USAGE)
            self.assertIn(message, done.stderr)
        done = run("checkpoint", "export", self.folder / "nowhere", self.folder / "x.safetensors")
        self.assertEqual(done.returncode, USAGE)

    def predictions(self, folder, *words):
        """Some faces, and what `penumbra predict` says of them, [IMAGES, classes]."""
        with h5py.File(self.faces) as store:
            pixels = store["original/test/images"][:IMAGES].reshape(IMAGES, 32, 32, 1)
            classes = [name.decode() for name in store.attrs["classes"]]
        files = []
        for index, image in enumerate(pixels):
            files.append(self.folder / f"{index}.png")
            torchvision.io.write_png(torch.from_numpy(image).permute(2, 0, 1), str(files[-1]))
        done = run("predict", folder, *words, "--json", *files)
        self.assertEqual(done.returncode, 0, done.stderr)
        return pixels, np.array([[face["distribution"][name] for name in classes] for face in json.loads(done.stdout)])

    @unittest.skipIf(torch is None, "Python has no torch and torchvision")
    def test_torchvision_gives_the_same_answers(self):
        folder = self.trained("vision", *RESNET18)
        metadata, tensors = self.export("vision", "--from", "final")
        self.assertEqual(metadata["architecture"], "resnet18")
        model = torchvision.models.resnet18(num_classes=8)
        model.conv1 = torch.nn.Conv2d(1, 64, 7, 2, 3, bias=False)  # grey
        model.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in tensors.items()}, strict=True)
        model.eval()
        pixels, ours = self.predictions(folder, "--weights", "final")
        views = (torch.from_numpy(pixels.reshape(IMAGES, 1, 32, 32)) / 255 - float(metadata["mean"])) / float(metadata["deviation"])
        with torch.no_grad():
            theirs = model(views).numpy()
        ours = float(metadata["temperature"]) * np.log(ours)  # logits but for their mean
        self.assertGreater(np.ptp(theirs), 0.1)
        np.testing.assert_allclose(ours - ours.mean(1, keepdims=True), theirs - theirs.mean(1, keepdims=True), atol=1e-4)

    def test_the_card_says_what_configuration_store_and_measurements_say(self):
        noisy, out = self.folder / "noisy.h5", self.folder / "card"
        out.mkdir()
        self.assertEqual(run("data", "noise", self.faces, noisy, "--rate", 0.25, "--seed", 1).returncode, 0)
        done = self.train("noted", "run.seed=5", "train.epochs=2", files=f'["{noisy}"]', ranks=2)
        self.assertEqual(done.returncode, 0, done.stderr)
        folder, evaluation = self.folder / "noted", out / "test.json"
        evaluation.write_text(run("eval", folder, "--data", self.faces, "--weights", "final", "--json").stdout)
        command = ("checkpoint", "export", folder, out / "net.safetensors", "--from", "final", "--evaluation", evaluation)
        done = run(*command)
        self.assertEqual(done.returncode, 0, done.stderr)
        text = (out / "MODEL_CARD.md").read_text()
        measured, found = self.metrics(folder, "validation")[-1], json.loads(evaluation.read_text())
        with h5py.File(noisy) as store:
            classes = [name.decode() for name in store.attrs["classes"]]
            counts = {split: np.bincount(store[f"original/{split}/labels"][:], minlength=8) for split in ("train", "val")}
            rule = store.attrs["label_rule"].decode()
        facts = [f"| classes, in this order | {', '.join(classes)} |", "| input | grey face, 32 x 32 pixels, 1 channel |", "| method | `full` |",
                 "| epochs | 2; these weights are those after epoch 2 |", "| seed | 5 |", "| ranks | 2 |", "| began with | random weights |",
                 f"`net.safetensors`, {(out / 'net.safetensors').stat().st_size} bytes", f"`noisy.h5`: synth seed=3; labels: {rule}",
                 "25.0 % of the training labels are wrong on purpose", "| all | 256 | 64 |", "net.width = 8\n", "train.epochs = 2\n",
                 "val of noisy.h5, 64 faces", "test of faces.h5, 64 faces"]
        facts += [f"| {name} | {counts['train'][c]} | {counts['val'][c]} |" for c, name in enumerate(classes)]
        facts += [f"| ECE, 15 bins | {measured['ece']:.4f} | - | {measured['calibrated']['ece']:.4f} |",
                  f"| accuracy | {found['accuracy']:.4f} | {found['intervals']['accuracy'][0]:.4f} to", f"      value: {found['accuracy']}\n"]
        for fact in facts:
            self.assertIn(fact, text)
        self.assertAlmostEqual(float(re.search(r"\| temperature \| ([\d.]+), fitted", text)[1]), measured["temperature"], places=4)
        compile(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], "card", "exec")
        # What an export wrote it replaces; what somebody wrote it leaves alone.
        self.assertEqual(run(*command).returncode, 0)
        self.assertEqual((out / "MODEL_CARD.md").read_text(), text)
        (out / "MODEL_CARD.md").write_text(text.replace("license: other", "license: mit"))
        refused = run(*command)
        self.assertEqual(refused.returncode, USAGE)
        self.assertIn("MODEL_CARD.md: has been written or edited by hand", refused.stderr)
        # Nothing is said of the other net, which was not measured; nor are measures of one net taken for those of another.
        self.assertEqual(run(*command[:-2], "--net", "ambiguous", "--card", out / "other.md").returncode, 0)
        other = (out / "other.md").read_text()
        self.assertIn("How good this net is is not known.", other)
        self.assertNotIn("model-index", other)
        self.assertIn("| temperature | 1:", other)
        refused = run(*command, "--net", "ambiguous", "--card", out / "third.md")
        self.assertEqual(refused.returncode, USAGE)
        self.assertIn('is of the head "original"', refused.stderr)

    def test_a_run_without_records_says_that_it_knows_nothing(self):
        folder = self.trained("mute", "train.epochs=1", "train.method=ce_only")
        for name in ("data.json", "environment.json"):
            (folder / name).unlink()
        (folder / "metrics.jsonl").write_text("")
        command = ("checkpoint", "export", folder, self.folder / "mute.safetensors", "--card", self.folder / "mute.md")
        self.assertEqual(run(*command).returncode, 0)
        text = (self.folder / "mute.md").read_text()
        for fact in ("Not known: the run folder has no record of it.", "| ranks | not known |", "no record of a validation",
                     "| Penumbra, LibTorch | not known, not known |"):
            self.assertIn(fact, text)
        (folder / "data.json").write_text('{"files": 3}')
        done = run(*command)
        self.assertEqual(done.returncode, DATA)
        self.assertIn("records", done.stderr)

    @unittest.skipIf(torch is None, "Python has no torch and torchvision")
    def test_the_python_of_the_card_gives_what_predict_gives(self):
        for name, sets in (("plain", ()), ("vision", RESNET18), ("wide", ("net.stem_stride=3", "net.last_stride=1", "train.epochs=1")),
                           ("deep", ("net.depth=50", "net.width=4", "train.epochs=1", "train.method=ce_only"))):
            with self.subTest(name):
                folder = self.trained(f"code-{name}", *sets)
                path = self.folder / f"code-{name}.safetensors"
                self.assertEqual(run("checkpoint", "export", folder, path, "--from", "final").returncode, 0)
                code = re.search(r"```python\n(.*?)```", (self.folder / "MODEL_CARD.md").read_text(), re.DOTALL)[1]
                pixels, ours = self.predictions(folder, "--weights", "final")
                names = {}
                with unittest.mock.patch.dict(sys.modules, safetensors=package_over(self.folder)):
                    exec(code, names)  # noqa: S102: it is what this test is about
                np.testing.assert_allclose(names["distribution"](pixels).numpy(), ours, atol=2e-5)


if __name__ == "__main__":
    unittest.main()
