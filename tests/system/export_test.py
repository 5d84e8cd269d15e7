"""Exported weights are torchvision's: names, shapes and, where Python's torch and torchvision can be imported, the same answers."""

import json
import struct
import unittest

import h5py
import numpy as np

from penumbra import Case, run

try:
    import torch
    import torchvision
except (ImportError, OSError, ValueError):  # no torch, or one without its libraries
    torch = None

USAGE = 2
RESNET18 = ["net.depth=18", "net.width=64", "net.stem=imagenet", "train.epochs=1", "predict.flip=false", "schedule.learning_rate=0.001"]
IMAGES = 4


def safetensors(path):
    """Header and tensors of a file, by its specification."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32", name
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[8 + size + begin : 8 + size + end], "<f4").reshape(entry["shape"])
    return metadata, tensors


class Export(Case):
    def export(self, name, *words):
        path = self.folder / f"{name}-{'-'.join(words).strip('-')}.safetensors"
        done = run("checkpoint", "export", self.folder / name, path, *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return safetensors(path)

    def test_either_net_comes_out_as_the_run_has_it(self):
        folder = self.trained("small", "train.ema_decay=0.9", "checkpoint.every_steps=3")
        _, both = safetensors(folder / "weights/final.safetensors")
        for net in ("original", "ambiguous"):
            metadata, tensors = self.export("small", "--net", net, "--from", "final")
            self.assertEqual(set(tensors), {name.split(".", 1)[1] for name in both if name.startswith(net)})
            for name, values in tensors.items():
                np.testing.assert_array_equal(values, both[f"{net}.{name}"])
            self.assertEqual(len(json.loads(metadata["classes"])), 8)
            self.assertEqual(metadata["format"], "pt")
        # The last checkpoint has the same averages as the final weights.
        newest = sorted(path.name for path in (folder / "checkpoints").iterdir())[-1]
        _, again = self.export("small", "--from", newest)
        for name, values in self.export("small", "--from", "final")[1].items():
            np.testing.assert_array_equal(values, again[name])

    def test_what_is_not_there_is_named(self):
        self.trained("alone", "train.method=ce_only")
        for words, message in ((("--net", "ambiguous"), "one net alone"), (("--from", "e0009-step-00000001"), "no such checkpoint")):
            done = run("checkpoint", "export", self.folder / "alone", self.folder / "x.safetensors", *words)
            self.assertEqual(done.returncode, USAGE)
            self.assertIn(message, done.stderr)
        done = run("checkpoint", "export", self.folder / "nowhere", self.folder / "x.safetensors")
        self.assertEqual(done.returncode, USAGE)

    @unittest.skipIf(torch is None, "Python has no torch and torchvision")
    def test_torchvision_gives_the_same_answers(self):
        folder = self.trained("vision", *RESNET18)
        metadata, tensors = self.export("vision", "--from", "final")
        self.assertEqual(metadata["architecture"], "resnet18")
        model = torchvision.models.resnet18(num_classes=8)
        model.conv1 = torch.nn.Conv2d(1, 64, 7, 2, 3, bias=False)  # grey
        model.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in tensors.items()}, strict=True)
        model.eval()
        with h5py.File(self.faces) as store:
            pixels = store["original/test/images"][:IMAGES]
        files = []
        for index, image in enumerate(pixels):
            files.append(self.folder / f"{index}.png")
            torchvision.io.write_png(torch.from_numpy(image).reshape(1, *image.shape[:2]), str(files[-1]))
        done = run("predict", folder, "--weights", "final", "--json", *files)
        self.assertEqual(done.returncode, 0, done.stderr)
        classes = json.loads(metadata["classes"])
        ours = np.array([[face["distribution"][name] for name in classes] for face in json.loads(done.stdout)])
        views = (torch.from_numpy(pixels.reshape(IMAGES, 1, 32, 32)) / 255 - float(metadata["mean"])) / float(metadata["deviation"])
        with torch.no_grad():
            theirs = model(views).numpy()
        ours = float(metadata["temperature"]) * np.log(ours)  # logits but for their mean
        self.assertGreater(np.ptp(theirs), 0.1)
        np.testing.assert_allclose(ours - ours.mean(1, keepdims=True), theirs - theirs.mean(1, keepdims=True), atol=1e-4)


if __name__ == "__main__":
    unittest.main()
