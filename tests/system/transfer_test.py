"""Weights from elsewhere: another run's, of other classes, under other names; what was loaded is said; the checkpoint wins over them."""

import json
import shutil
import unittest

import h5py
import numpy as np

from penumbra import Case, run
from safetensors_file import read_safetensors, write_safetensors

USAGE, DATA, STOPPED = 2, 3, 75
SEVEN = 'data.class_map={contempt=""}'
STILL = ("train.epochs=1", "schedule.learning_rate=0")  # parameters stay as they began


class Transfer(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.weights = cls.folder / "source.safetensors"
        case = cls()
        case.trained("source", "train.epochs=1")
        assert run("checkpoint", "export", cls.folder / "source", cls.weights).returncode == 0
        cls.metadata, cls.tensors = read_safetensors(cls.weights)

    def refused(self, done, code, *words):
        lines = [line for line in done.stderr.splitlines() if line.startswith("penumbra: error:")]
        self.assertEqual((done.returncode, len(lines)), (code, 1), done.stderr + done.stdout)
        for word in words:
            self.assertIn(word, lines[0])

    def final(self, folder):
        return read_safetensors(folder / "weights/final.safetensors")[1]

    def test_both_nets_on_all_ranks_begin_with_another_run_of_more_classes(self):
        done = self.train("tuned", f"net.pretrained={self.weights}", SEVEN, *STILL, "net.convolutions=apart", ranks=2)
        self.assertEqual(done.returncode, 0, done.stderr)
        heads = {"fc.weight", "fc.bias"}
        trainable = {name for name in self.tensors if "running" not in name} - heads
        tuned = self.final(self.folder / "tuned")
        for name in trainable:
            for net in ("original", "ambiguous"):
                np.testing.assert_array_equal(tuned[f"{net}.{name}"], self.tensors[name], f"{net}.{name}")
        np.testing.assert_array_equal(tuned["original.fc.weight"], tuned["ambiguous.fc.weight"])
        account = json.loads((self.folder / "tuned/pretrained.json").read_text())
        self.assertEqual(set(account["loaded"]), set(self.tensors) - heads)
        self.assertEqual(account["left_at_initialisation"].keys(), heads)
        self.assertEqual(account["left_at_initialisation"]["fc.bias"], "[8] in the file, [7] in the net")
        self.assertEqual(account["unused_in_the_file"].keys(), heads)
        self.assertEqual(account["parameters"], sum(self.tensors[name].size for name in trainable))
        self.assertEqual(account["parameters_of_the_net"], account["parameters"] + 7 * 64 + 7)
        self.assertIn(f"{len(account['loaded'])} tensors, {account['parameters']} of the net's", done.stdout)
        self.assertIn("2: fc.weight ([8, 64] in the file, [7, 64] in the net), fc.bias", done.stdout)

    def test_names_are_mapped_and_colour_and_half_precision_are_converted(self):
        tensors = {f"model.{name}": values.astype(np.float16) for name, values in self.tensors.items()}
        grey = tensors["model.conv1.weight"]
        tensors["model.conv1.weight"] = np.concatenate([grey, grey, -grey], axis=1)
        tensors["model.bn1.num_batches_tracked"] = np.array(3, np.int64)
        path = self.folder / "foreign.safetensors"
        write_safetensors(path, tensors)
        names = 'net.pretrained_names={"model." = ""}'
        folder = self.trained("foreign", f"net.pretrained={path}", names, 'net.pretrained_skip=["layer4."]', *STILL)
        account = json.loads((folder / "pretrained.json").read_text())
        self.assertEqual(account["converted"], {"conv1.weight": "summed over three channels"})
        self.assertTrue(all(name.startswith("layer4.") for name in account["left_at_initialisation"]))
        self.assertIn("model.bn1.num_batches_tracked", account["unused_in_the_file"])
        final = self.final(folder)
        np.testing.assert_allclose(final["original.conv1.weight"], grey.astype(np.float32), atol=1e-6)
        np.testing.assert_array_equal(final["original.fc.bias"], tensors["model.fc.bias"].astype(np.float32))

    def test_a_run_of_its_own_weights_needs_a_map_and_is_told_so(self):
        both = self.folder / "source/weights/final.safetensors"
        for ranks in (1, 2):
            self.refused(self.train("never", f"net.pretrained={both}", ranks=ranks), USAGE, "final.safetensors", '"original.', '"conv1.weight"',
                         "net.pretrained_names")
        self.refused(self.train("never", f"net.pretrained={self.weights}", "net.width=16"), USAGE, "[8, 1, 3, 3] in the file", "net.width")
        self.assertFalse((self.folder / "never").exists())
        dry = run(*self.words("never", f"net.pretrained={both}", 'net.pretrained_names={"original." = ""}'), "--dry-run")
        self.assertEqual(dry.returncode, 0, dry.stderr)
        self.assertIn("(100.0 %)", dry.stdout)

    def test_a_missing_or_damaged_file_costs_nothing(self):
        kept = self.trained("kept", "train.epochs=1", "train.method=ce_only")
        before = (kept / "metrics.jsonl").read_bytes()
        broken = self.folder / "broken.safetensors"
        broken.write_bytes(self.weights.read_bytes()[:-4])
        for path, what in ((self.folder / "none.safetensors", "does not exist"), (broken, "broken.safetensors")):
            self.refused(self.train("never", f"net.pretrained={path}", ranks=2), DATA, what)
            self.refused(run(*self.words("kept", f"net.pretrained={path}"), "--overwrite", ranks=2), DATA, what)
            self.refused(run(*self.words("never", f"net.pretrained={path}"), "--dry-run", ranks=2), DATA, what)
        self.assertFalse((self.folder / "never").exists())
        self.assertEqual((kept / "metrics.jsonl").read_bytes(), before)

    def test_a_resumed_run_takes_its_checkpoint_and_not_the_file(self):
        path = self.folder / "leaves.safetensors"
        shutil.copy(self.weights, path)
        begins = (f"net.pretrained={path}", "checkpoint.every_steps=3", "train.epochs=2")
        whole = self.trained("whole", *begins, ranks=2)
        stopped = self.train("part", *begins, "stop.after_minutes=0.0001", ranks=2)
        self.assertEqual(stopped.returncode, STOPPED, stopped.stderr)
        path.unlink()
        self.assertIn("resumed from", self.train("part", *begins, ranks=2).stdout)
        self.assertEqual((self.folder / "part/weights/final.safetensors").read_bytes(), (whole / "weights/final.safetensors").read_bytes())

    def test_a_run_says_what_it_was_trained_on(self):
        data = json.loads((self.folder / "source/data.json").read_text())
        with h5py.File(self.faces) as store:
            self.assertEqual(data["files"][0]["label_rule"], store.attrs["label_rule"].decode())
            for split in ("train", "val"):
                counts = np.bincount(store[f"original/{split}/labels"][:], minlength=8)
                self.assertEqual(list(data["splits"][split]["class_counts"].values()),
                                 [int(counts[data["classes"].index(name)]) for name in data["splits"][split]["class_counts"]])


if __name__ == "__main__":
    unittest.main()
