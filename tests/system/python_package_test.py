"""The Python package: logs and stores of real runs, the rule that chooses an Open MPI, and, where Python has torch, what nets answer."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import h5py
import numpy as np

from penumbra import SOURCE, Case, run, write_png

try:
    import safetensors
    import torch
except (ImportError, OSError, ValueError):  # no torch, or one without its libraries
    safetensors = torch = None

PYTHON = SOURCE / "trainer/python"


def load_package():
    """The package under another name: `penumbra` is a module of these tests."""
    folder = PYTHON / "penumbra"
    spec = importlib.util.spec_from_file_location("package", folder / "__init__.py", submodule_search_locations=[str(folder)])
    module = importlib.util.module_from_spec(spec)
    sys.modules["package"] = module
    spec.loader.exec_module(module)
    return module


package = load_package()
from package import launcher, open_mpi  # noqa: E402


class Log(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_folder = cls().trained("log")

    def write(self, name, text):
        folder = self.folder / name
        folder.mkdir()
        (folder / "metrics.jsonl").write_text(text)
        return folder

    def test_rows_are_those_of_the_file(self):
        rows = package.metrics(self.run_folder)
        self.assertEqual(rows, [json.loads(line) for line in (self.run_folder / "metrics.jsonl").read_text().splitlines()])
        self.assertEqual([row["epoch"] for row in package.metrics(self.run_folder, "validation")], [0, 1])
        steps = package.metrics(str(self.run_folder), kind="train")
        self.assertEqual([(row["epoch"], row["step"]) for row in steps], [(epoch, step) for epoch in (0, 1) for step in (4, 8)])
        self.assertEqual(package.metrics(self.run_folder, "none"), [])

    def test_a_line_that_is_being_written_is_left_out(self):
        text = (self.run_folder / "metrics.jsonl").read_text()
        self.assertEqual(package.metrics(self.write("written", text + '{"kind": "tra')), package.metrics(self.run_folder))

    def test_a_step_that_was_logged_twice_counts_once(self):
        lines = (self.run_folder / "metrics.jsonl").read_text().splitlines()
        again = [json.dumps({**json.loads(line), "loss": -1}) for line in lines[1:]]
        rows = package.metrics(self.write("twice", "\n".join([*lines, *again]) + "\n"))
        self.assertEqual(rows, [json.loads(line) for line in [lines[0], *again]])

    def test_a_damaged_line_is_named(self):
        for name, line in (("text", "loss 3"), ("list", "[3]")):
            with self.assertRaisesRegex(ValueError, "metrics.jsonl, line 2: not"):
                package.metrics(self.write(name, '{"kind": "train"}\n' + line + "\n"))


class Stores(Case):
    def test_a_store_is_what_its_file_says(self):
        with package.Store(self.faces) as store, h5py.File(self.faces) as file:
            self.assertEqual(store.splits, ["train", "val", "test"])
            self.assertEqual(store.classes, [name.decode() for name in file.attrs["classes"]])
            self.assertEqual(store.vote_columns[: len(store.classes)], store.classes)
            self.assertEqual((store.image_size, store.channels), (32, 1))
            for split in store.splits:
                found, group = store[split], file["original"][split]
                self.assertEqual(found.images.shape, (len(found), 32, 32, 1))
                for name in ("images", "labels", "votes", "distribution"):
                    np.testing.assert_array_equal(getattr(found, name), group[name][:], name)
                self.assertEqual(found.ids, list(group["ids"].asstr()[:]))
                self.assertIsNone(found.clean_labels)
            with self.assertRaisesRegex(KeyError, "no split noise"):
                store["noise"]

    def test_counts_are_those_of_inspect(self):
        noisy = self.folder / "noisy.h5"
        self.assertEqual(run("data", "noise", self.faces, noisy, "--rate", 0.25, "--seed", 1).returncode, 0)
        inspected = json.loads(run("data", "inspect", noisy, "--json").stdout)
        with package.Store(noisy) as store:
            for split in store.splits:
                counts = np.bincount(store[split].labels, minlength=len(store.classes)).tolist()
                self.assertEqual(dict(zip(store.classes, counts)), inspected["splits"][split]["class_counts"])
            self.assertEqual(np.count_nonzero(store["train"].labels != store["train"].clean_labels), 64)

    def imported(self, *words):
        """A store of eight smooth images, and their pixels."""
        y, x = np.mgrid[:24, :24]
        pixels = [np.uint8(20 * i + 2 * x + y) for i in range(8)]
        for i, image in enumerate(pixels):
            path = self.folder / "images/train" / ("ab"[i % 2]) / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_png(path, image)
        file = self.folder / "imported.h5"
        done = run("data", "import", "folder", self.folder / "images", file, *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return file, {f"train/{'ab'[i % 2]}/{i}.png": image for i, image in enumerate(pixels)}

    def test_images_are_those_that_were_imported(self):
        file, pixels = self.imported()
        with package.Store(file) as store:
            train = store["train"]
            self.assertIsNone(train.votes)
            for row, name in enumerate(train.ids):
                np.testing.assert_array_equal(train.images[row][:, :, 0], pixels[name])

    @unittest.skipIf(importlib.util.find_spec("PIL") is None, "Python has no Pillow")
    def test_images_of_jpegs_are_decoded(self):
        file, pixels = self.imported("--store", "jpeg")
        with package.Store(file) as store:
            train = store["train"]
            self.assertEqual(train.images[2:5].shape, (3, 24, 24, 1))
            np.testing.assert_array_equal(np.asarray(train.images)[3], train.images[3])
            for row, name in enumerate(train.ids):
                self.assertLess(np.abs(train.images[row][:, :, 0].astype(int) - pixels[name]).max(), 6)

    def test_other_files_are_refused(self):
        other = self.folder / "other.h5"
        h5py.File(other, "w").close()
        with self.assertRaisesRegex(ValueError, "other.h5: not a store of Penumbra"):
            package.Store(other)

    def test_nothing_large_is_imported_before_it_is_needed(self):
        code = "import sys, penumbra; print(sorted({'torch', 'h5py', 'safetensors'} & set(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(PYTHON)}, capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "[]\n")


class ChoiceOfOpenMpi(unittest.TestCase):
    """With a wheel that carries Open MPI 4."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="penumbra-test-")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        carried = self.folder / "carried"
        carried.mkdir()
        (carried / "version").write_text("4.1.4\n")
        (carried / "variables").write_text("OPAL_PREFIX .\nOPAL_LIBDIR lib\n")
        patch = unittest.mock.patch.object(open_mpi, "CARRIED", carried)
        patch.start()
        self.addCleanup(patch.stop)

    def mpirun(self, name, says, library="lib"):
        """The prefix of an MPI whose mpirun says this of its version."""
        prefix = self.folder / name
        (prefix / "bin").mkdir(parents=True)
        (prefix / "bin/mpirun").write_text(f"#!/bin/sh\necho '{says}'\n")
        (prefix / "bin/mpirun").chmod(0o755)
        if library:
            (prefix / library).mkdir()
            (prefix / library / "libmpi.so.40").touch()
        return prefix

    def choose(self, prefix=None, **variables):
        return open_mpi.choose({"PATH": f"{prefix}/bin" if prefix else "/nowhere", **variables})

    def test_the_clusters_of_the_same_major_version_is_taken(self):
        for name, library in (("cluster", "lib"), ("cluster64", "lib64")):
            prefix = self.mpirun(name, "mpirun (Open MPI) 4.0.7", library)
            found = self.choose(prefix)
            self.assertEqual((found.name, found.mpirun, found.libraries), ("cluster", prefix / "bin/mpirun", prefix / library))
            self.assertEqual(found.variables, {})

    def test_otherwise_the_wheels_is(self):
        five = self.mpirun("five", "mpirun (Open MPI) 5.0.7")
        mpich = self.mpirun("mpich", "HYDRA build details:")
        for prefix in (None, five, mpich):
            found = self.choose(prefix)
            self.assertEqual((found.name, found.mpirun), ("wheel", open_mpi.CARRIED / "bin/mpirun"))
            self.assertEqual(found.variables, {"OPAL_PREFIX": str(open_mpi.CARRIED), "OPAL_LIBDIR": str(open_mpi.CARRIED / "lib")})

    def test_the_variable_decides(self):
        four, five = self.mpirun("four", "mpirun (Open MPI) 4.1.6"), self.mpirun("other", "mpirun (Open MPI) 5.0.1")
        self.assertEqual(self.choose(four, PENUMBRA_MPI="wheel").name, "wheel")
        self.assertEqual(self.choose(five, PENUMBRA_MPI="cluster").libraries, five / "lib")
        self.assertEqual(self.choose(four, PENUMBRA_MPI=str(five)).mpirun, five / "bin/mpirun")
        with self.assertRaisesRegex(open_mpi.LaunchError, "no mpirun in PATH"):
            self.choose(PENUMBRA_MPI="cluster")
        with self.assertRaisesRegex(open_mpi.LaunchError, "not the mpirun of an Open MPI"):
            self.choose(PENUMBRA_MPI="/nowhere")

    def test_ranks_of_an_mpirun_that_was_not_chosen_are_told_apart(self):
        self.assertTrue(open_mpi.launched_by_another({"OMPI_COMM_WORLD_RANK": "0"}))
        self.assertTrue(open_mpi.launched_by_another({"PMI_RANK": "0"}))
        self.assertFalse(open_mpi.launched_by_another({"OMPI_COMM_WORLD_RANK": "0", "PENUMBRA_MPI": "wheel"}))
        self.assertFalse(open_mpi.launched_by_another({"PMIX_RANK": "0", "SLURM_PROCID": "0"}))


    def test_one_host_without_ssh_is_enough(self):
        found = self.choose(self.mpirun("alone", "mpirun (Open MPI) 4.1.4"))
        tools = self.folder / "tools"
        tools.mkdir()
        alone = launcher.environment_for(found, self.folder / "torch", {"PATH": str(tools)})
        self.assertEqual(alone["OMPI_MCA_plm"], "isolated")
        (tools / "ssh").write_text("#!/bin/sh\n")
        (tools / "ssh").chmod(0o755)
        self.assertNotIn("OMPI_MCA_plm", launcher.environment_for(found, self.folder / "torch", {"PATH": str(tools)}))


@unittest.skipIf(torch is None, "Python has no torch and safetensors")
class Loading(Case):
    RUNS = {
        "plain": (),
        "wide": ("net.stem_stride=3", "net.last_stride=1", "predict.flip=false"),
        "imagenet": ("net.depth=18", "net.stem=imagenet", "net.convolutions=apart", "predict.head=mean"),
        "deep": ("net.depth=50", "net.width=4", "train.method=ce_only"),
        "averaged": ("train.ema_decay=0.9", "predict.head=ambiguous", "data.mean=0.4", "data.deviation=0.3"),
    }

    def images(self):
        """Eight faces of the test split, as tensor and as files."""
        with package.Store(self.faces) as store:
            pixels = store["test"].images[:8]
        files = [write_png(self.folder / f"{index}.png", image[:, :, 0]) for index, image in enumerate(pixels)]
        return torch.from_numpy(pixels).permute(0, 3, 1, 2), files

    def predicted(self, folder, files, *words):
        """Logarithms of the distributions that the program gives."""
        done = run("predict", folder, *words, "--json", *files)
        self.assertEqual(done.returncode, 0, done.stderr)
        faces = json.loads(done.stdout)
        classes = package.load(folder).classes
        return torch.tensor([[face["distribution"][name] for name in classes] for face in faces]).double().log()

    def test_a_loaded_run_answers_as_predict_does(self):
        pixels, files = self.images()
        for name, sets in self.RUNS.items():
            folder = self.trained(name, *sets)
            for head in [None] if name == "deep" else [None, "original", "ambiguous", "mean"]:
                with self.subTest(f"{name}, {head}"):
                    model = package.load(folder, head)
                    theirs = self.predicted(folder, files, *(["--head", head] if head else []))
                    ours = model(pixels).detach().double().log_softmax(1)
                    self.assertGreater(float(theirs.std(0).max()), 1e-3)  # faces get different answers
                    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)
                    torch.testing.assert_close(model.distribution(pixels.float()).double(), theirs.exp(), atol=1e-5, rtol=0)

    def test_a_smaller_view_is_rendered_as_predict_does(self):
        # A pixel whose value lies between two bytes may be rounded the other way.
        pixels, files = self.images()
        folder = self.trained("view", "data.view_size=24")
        ours = package.load(folder).distribution(pixels).double()
        torch.testing.assert_close(ours, self.predicted(folder, files).exp(), atol=1e-3, rtol=0)

    def test_weights_are_chosen_as_predict_chooses(self):
        pixels, files = self.images()
        folder = self.trained("chosen")
        for weights in ("best", "final"):
            ours = package.load(folder, weights=weights)(pixels).detach().double().log_softmax(1)
            torch.testing.assert_close(ours, self.predicted(folder, files, "--weights", weights), atol=1e-4, rtol=0)

    def test_a_loaded_net_can_be_trained(self):
        model = package.load(self.trained("tuned"))
        pixels, _ = self.images()
        model(pixels).sum().backward()
        self.assertTrue(all(parameter.grad is not None for parameter in model.parameters()))

    def test_the_manuals_python_works(self):
        self.trained("runs/mine")
        blocks = re.findall(r"```python\n(.*?)```", (SOURCE / "docs/python.md").read_text(), re.DOTALL)
        code = "\n".join(blocks) + "\nassert distribution.shape == (16, 8) and len(rows) == 2 and len(entropy) == 16"
        subprocess.run([sys.executable, "-c", code], cwd=self.folder, env={**os.environ, "PYTHONPATH": str(PYTHON)}, check=True)

    def test_what_cannot_be_loaded_is_named(self):
        folder = self.trained("named", "train.method=ce_only")
        with self.assertRaisesRegex(ValueError, "has trained the original net alone"):
            package.load(folder, "mean")
        with self.assertRaisesRegex(ValueError, "use \"original\""):
            package.load(folder, "both")
        with self.assertRaisesRegex(FileNotFoundError, "not a run folder"):
            package.load(self.folder)
        with self.assertRaisesRegex(FileNotFoundError, "no such weights"):
            package.load(folder, weights="worst")
        with self.assertRaisesRegex(ValueError, "pixels of shape"):
            package.load(folder)(torch.zeros(2, 3, 32, 32))


if __name__ == "__main__":
    unittest.main()
